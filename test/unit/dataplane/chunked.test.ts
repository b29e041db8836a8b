import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BodyReader } from '../../../router/dataplane/http1/body.ts'
import { ChunkedDecoder } from '../../../router/dataplane/http1/chunked.ts'
import { HeldBytes } from '../../../router/dataplane/http1/held.ts'

/** Decodes the pieces one after another: the body and what is left behind it, or undefined where it is malformed. */
function decode(pieces: readonly string[]): { body: string; rest: string; done: boolean } | undefined {
  const decoder = new ChunkedDecoder()
  decoder.begin()
  let body = ''
  let rest = ''
  for (const piece of pieces) {
    const bytes = Buffer.from(piece, 'latin1')
    const sink = {
      bodyBytes(from: Buffer, start: number, end: number): void {
        body += from.toString('latin1', start, end)
      },
    }
    const at = decoder.read(bytes, 0, bytes.length, sink)
    if (at < 0) return undefined
    rest += piece.slice(at)
  }
  return { body, rest, done: decoder.done }
}

describe('ChunkedDecoder', () => {
  it.each([
    { text: '0\r\n\r\n', body: '' },
    { text: '5\r\nhello\r\n0\r\n\r\n', body: 'hello' },
    { text: 'A\r\n0123456789\r\n00\r\n\r\n', body: '0123456789' },
    { text: 'a;x\r\n0123456789\r\n0;y="a\\"b;"\r\n\r\n', body: '0123456789' },
    { text: '1\r\na\r\n0\r\nExpires: x\r\nB: \r\n\r\n', body: 'a' },
    { text: '2\r\n\r\n\r\n0\r\n\r\n', body: '\r\n' },
  ])('%j, byte by byte too, and what follows stays', ({ text, body }) => {
    expect(decode([`${text}GET /`])).toEqual({ body, rest: 'GET /', done: true })
    expect(decode([...text])).toEqual({ body, rest: '', done: true })
    expect(decode([text.slice(0, -1)])?.done).toBe(false)
  })

  it('gives the same body however it is chunked and split', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((part) => Buffer.from(part).toString('latin1'))
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 8 }), fc.array(fc.nat(2000), { maxLength: 12 }), (chunks, cuts) => {
        const text = `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`
        const at = [...new Set([0, ...cuts.map((cut) => Math.min(cut, text.length)), text.length])].sort(
          (a, b) => a - b,
        )
        const pieces = at.slice(1).map((end, index) => text.slice(at[index], end))
        expect(decode(pieces)).toEqual({ body: chunks.join(''), rest: '', done: true })
      }),
    )
  })

  it.each([
    'g\r\n',
    ' 5\r\nhello\r\n0\r\n\r\n',
    '5 \r\nhello\r\n0\r\n\r\n',
    '-5\r\n',
    '5\nhello\r\n0\r\n\r\n',
    '5\r\nhelloX',
    '5\r\nhello\n',
    '\r\n',
    ';x\r\n',
    '5;\r\n',
    '5; x\r\n',
    '5;x=\r\n',
    '5;x="\r\n',
    '5;x\n',
    '00000000000000001\r\n',
    'fffffffffffffff\r\n',
    '0\r\n A: b\r\n\r\n',
    '0\r\nA b\r\n\r\n',
    '0\r\nA: b\n\r\n',
    '0\r\nA: b\rc\r\n\r\n',
    '0\r\nA: b\0\r\n\r\n',
    `0\r\n${'A: b\r\n'.repeat(2000)}`,
    `5;${'x'.repeat(1100)}`,
  ])('%j is malformed, byte by byte too', (text) => {
    expect(decode([text])).toBeUndefined()
    expect(decode([...text])).toBeUndefined()
  })
})

describe('BodyReader', () => {
  it('reads bodies one after another, each to its end', () => {
    const body = new BodyReader()
    const bytes = Buffer.from('abc5\r\nhello\r\n0\r\n\r\nrest')
    let got = ''
    const sink = {
      bodyBytes(from: Buffer, start: number, end: number): void {
        got += from.toString('latin1', start, end)
      },
    }
    body.begin('length', 3)
    let at = body.read(bytes, 0, 2, sink)
    expect([at, body.done]).toEqual([2, false])
    at = body.read(bytes, at, bytes.length, sink)
    expect([at, body.done, got]).toEqual([3, true, 'abc'])
    body.begin('chunked', -1)
    at = body.read(bytes, at, bytes.length, sink)
    expect([bytes.toString('latin1', at), body.done, got]).toEqual(['rest', true, 'abchello'])
    body.begin('length', 0)
    expect(body.done).toBe(true)
    body.begin('close', -1)
    expect([body.read(bytes, at, bytes.length, sink), body.done, body.endsWithConnection]).toEqual([
      bytes.length,
      false,
      true,
    ])
  })
})

describe('HeldBytes', () => {
  it('gives back what was added, less what was dropped', () => {
    const step = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 3000 }), fc.nat(4000))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const held = new HeldBytes()
        let model = Buffer.alloc(0)
        for (const one of steps) {
          if (typeof one === 'number') {
            const count = Math.min(one, model.length)
            held.drop(count)
            model = model.subarray(count)
          } else {
            held.add(Buffer.from(one), 0, one.length)
            model = Buffer.concat([model, one])
          }
          expect(held.length).toBe(model.length)
          expect(held.view().equals(model)).toBe(true)
        }
      }),
      { numRuns: 50 },
    )
  })
})
