import type { Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BodyReader } from '../../../router/dataplane/http1/body.ts'
import { ChunkedDecoder } from '../../../router/dataplane/http1/chunked.ts'
import { parseRequestHead, RequestHead } from '../../../router/dataplane/http1/request-head.ts'
import { parseResponseHead, ResponseHead } from '../../../router/dataplane/http1/response-head.ts'
import { trailerLines } from '../../../router/dataplane/http1/trailers.ts'
import { Writer } from '../../../router/dataplane/http1/writer.ts'
import { writeRequestHead } from '../../../router/dataplane/request-fields.ts'

type Field = readonly [name: string, value: string]

const TOKEN = [..."!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"]
const VISIBLE = Array.from({ length: 0x5e }, (_, index) => String.fromCharCode(0x21 + index))
const OBS_TEXT = Array.from({ length: 0x80 }, (_, index) => String.fromCharCode(0x80 + index))

const token = fc.string({ unit: fc.constantFrom(...TOKEN), minLength: 1, maxLength: 20 })
const edge = fc.constantFrom(...VISIBLE, ...OBS_TEXT)
const value = fc.oneof(
  fc.constant(''),
  edge,
  fc
    .tuple(edge, fc.string({ unit: fc.constantFrom(' ', '\t', ...VISIBLE, ...OBS_TEXT), maxLength: 40 }), edge)
    .map((parts) => parts.join('')),
)
const blanks = fc.string({ unit: fc.constantFrom(' ', '\t'), maxLength: 3 })
/** `xq` in front: no name that means something to the router. */
const field: fc.Arbitrary<Field> = fc.tuple(
  token.map((name) => `xq${name}`),
  value,
)
const fields = fc.array(field, { maxLength: 12 })
const target = fc
  .string({ unit: fc.constantFrom(...VISIBLE), maxLength: 30 })
  .map((text) => `/${text.replaceAll('#', '')}`)

/** Each line with white space of its own around the value. */
function lines(list: readonly Field[], spaces: readonly string[]): string {
  return list
    .map(([name, text], index) => `${name}:${spaces[index] ?? ''}${text}${spaces[index + 1] ?? ''}\r\n`)
    .join('')
}

function read(text: string, offset: number): RequestHead | string {
  const head = new RequestHead()
  const bytes = Buffer.from(`${'#'.repeat(offset)}${text}#`, 'latin1')
  return parseRequestHead({ text, bytes, base: offset }, text.length - 2, head) ?? head
}

function pairs(head: { readonly list: readonly string[]; readonly count: number }): string[] {
  return head.list.slice(0, head.count * 2)
}

describe('a head', () => {
  it('gives exactly the tokens that were put into it, wherever it stands in a buffer', () => {
    fc.assert(
      fc.property(token, target, fields, fc.array(blanks), fc.nat(5), (method, path, list, spaces, offset) => {
        fc.pre(method !== 'CONNECT' && method !== 'TRACE')
        const head = read(`${method} ${path} HTTP/1.1\r\nHost: a\r\n${lines(list, spaces)}\r\n`, offset)
        if (typeof head === 'string') throw new Error(head)
        expect(head.method).toBe(method)
        expect(head.path + (head.query === undefined ? '' : `?${head.query}`)).toBe(path)
        expect(pairs(head)).toEqual(['Host', 'a', ...list.flat()])
      }),
    )
  })

  it('is refused with any one byte of a name, of a line end or of the request line made a control character', () => {
    fc.assert(
      fc.property(fields, fc.nat(), fc.constantFrom('\0', '\x01', '\n', '\r', '\x7f', '\x0b'), (list, seed, byte) => {
        const text = `GET / HTTP/1.1\r\nHost: a\r\n${lines(list, [])}\r\n`
        const at = seed % (text.length - 2)
        fc.pre(text[at] !== byte)
        expect(typeof read(text.slice(0, at) + byte + text.slice(at + 1), 0)).toBe('string')
      }),
    )
  })

  it('of an answer gives exactly the tokens that were put into it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 599 }),
        value,
        fields,
        fc.array(blanks),
        (status, reason, list, spaces) => {
          const text = `HTTP/1.1 ${status} ${reason}\r\n${lines(list, spaces)}\r\n`
          const head = new ResponseHead()
          const raw = { text, bytes: Buffer.from(text, 'latin1'), base: 0 }
          expect(parseResponseHead(raw, text.length - 2, false, head)).toBe(true)
          expect([head.status, head.reason, ...pairs(head)]).toEqual([status, reason, ...list.flat()])
        },
      ),
    )
  })

  it('that is written for an upstream reads as what was written: nothing of the client gets between', () => {
    fc.assert(
      fc.property(fields, fc.constantFrom('none', 'length', 'chunked'), (list, framing) => {
        const framed = { none: '', length: 'Content-Length: 007\r\n', chunked: 'Transfer-Encoding: Chunked\r\n' }[
          framing
        ]
        const head = read(`POST /a?b HTTP/1.1\r\nHost: shop.test\r\n${lines(list, [])}${framed}\r\n`, 0)
        if (typeof head === 'string') throw new Error(head)
        const written = read(writeRequestHead(head, FORWARDING), 0)
        if (typeof written === 'string') throw new Error(written)
        expect(written).toMatchObject({ method: 'POST', path: '/a', query: 'b', authority: 'shop.test' })
        expect(written).toMatchObject({ length: head.length, chunked: head.chunked, keepAlive: true })
        expect(pairs(written).slice(2, 2 + list.length * 2)).toEqual(list.flat())
      }),
    )
  })
})

describe('a chunked body', () => {
  const chunk = fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1'))
  const extension = fc
    .tuple(
      token,
      fc.oneof(
        fc.constant(''),
        token.map((text) => `=${text}`),
        fc.constant('="a;\\"\\\\b"'),
      ),
    )
    .map((parts) => `;${parts.join('')}`)

  it('gives its bytes and its trailers, whatever its extensions are and however it is split', () => {
    const part = fc.tuple(chunk, fc.oneof(fc.constant(''), extension), fc.nat(3))
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), fields, fc.array(fc.nat(600)), (parts, trailers, cuts) => {
        const chunks = parts.map(
          ([bytes, ext, zeros]) => `${'0'.repeat(zeros)}${bytes.length.toString(16)}${ext}\r\n${bytes}\r\n`,
        )
        const text = `${chunks.join('')}0\r\n${lines(trailers, [])}\r\n`
        const decoded = decode(text, cuts)
        expect(decoded.at).toBe(text.length)
        expect(decoded.body).toBe(parts.map(([bytes]) => bytes).join(''))
        expect(decoded.decoder.trailers === undefined ? [] : pairs(decoded.decoder.trailers)).toEqual(trailers.flat())
      }),
    )
  })

  it('is not done before its last byte', () => {
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 4 }), fc.nat(), (chunks, seed) => {
        const text = `${chunks.map((bytes) => `${bytes.length.toString(16)}\r\n${bytes}\r\n`).join('')}0\r\n\r\n`
        expect(decode(text.slice(0, seed % text.length), []).decoder.done).toBe(false)
      }),
    )
  })

  it('that is written reads as the bytes that were given, without a chunk that would end it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(chunk, fc.constant('x'.repeat(9000))), { maxLength: 5 }),
        fields,
        (pieces, list) => {
          const written: string[] = []
          const writer = new Writer(collecting(written))
          writer.chunked = true
          for (const piece of pieces) writer.bodyBytes(Buffer.from(piece, 'latin1'), 0, piece.length)
          writer.endBody(trailerLines(fieldsOf(list)))
          writer.flush()
          const reader = new BodyReader()
          reader.begin('chunked', -1)
          let body = ''
          const bytes = Buffer.from(written.join(''), 'latin1')
          const sink = {
            bodyBytes: (from: Buffer, start: number, end: number) => (body += from.toString('latin1', start, end)),
          }
          expect(reader.read(bytes, 0, bytes.length, sink)).toBe(bytes.length)
          expect([reader.done, body]).toEqual([true, pieces.join('')])
          expect(reader.trailers === undefined ? [] : pairs(reader.trailers)).toEqual(list.flat())
        },
      ),
    )
  })
})

const FORWARDING = {
  target: '/a?b',
  hostField: 'shop.test',
  peer: '127.0.0.1',
  trusted: false,
  requestId: 'test',
  pseudonym: 'banyan',
  varies: false,
}

function decode(text: string, cuts: readonly number[]): { decoder: ChunkedDecoder; body: string; at: number } {
  const decoder = new ChunkedDecoder()
  decoder.begin()
  let body = ''
  const sink = {
    bodyBytes: (from: Buffer, start: number, end: number) => (body += from.toString('latin1', start, end)),
  }
  const bytes = Buffer.from(text, 'latin1')
  let at = 0
  for (const end of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    if (end <= at || end > bytes.length) continue
    const stop = decoder.read(bytes, at, end, sink)
    if (stop < 0) throw new Error(`malformed at ${at}`)
    at = stop
  }
  return { decoder, body, at }
}

function fieldsOf(list: readonly Field[]): { list: string[]; kinds: 0[]; count: number } {
  return { list: list.flat(), kinds: list.map(() => 0), count: list.length }
}

/** As much of a socket as a writer needs. */
function collecting(into: string[]): Socket {
  const write = (data: string | Buffer): boolean => {
    into.push(typeof data === 'string' ? data : data.toString('latin1'))
    return true
  }
  return { write, cork() {}, uncork() {}, writableLength: 0, writableNeedDrain: false } as unknown as Socket
}
