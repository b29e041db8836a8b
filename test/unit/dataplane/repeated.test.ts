import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HeadFinder } from '../../../router/dataplane/http1/head-finder.ts'
import { RequestHead } from '../../../router/dataplane/http1/request-head.ts'
import { RequestReader } from '../../../router/dataplane/http1/request-reader.ts'
import { parseResponseHead, ResponseHead } from '../../../router/dataplane/http1/response-head.ts'
import { FieldEdits } from '../../../router/dataplane/policies/field-edits.ts'
import { type Forwarding, writeRequestHead } from '../../../router/dataplane/request-fields.ts'
import { type Relaying, writeResponseHead } from '../../../router/dataplane/response-fields.ts'
import { emptySnapshot } from '../../../router/dataplane/snapshot.ts'

const HEAD = 'GET /pets?id=7 HTTP/1.1\r\nHost: shop.test\r\nCookie: a=1; b=2\r\nVia: 1.1 x\r\nX-Request-Id: r1\r\n\r\n'

/** A client's connection: what it reads of one head after another. */
class Connection {
  readonly head = new RequestHead()
  readonly #reader = new RequestReader(this.head)

  read(text: string): string {
    const bytes = Buffer.from(text, 'latin1')
    this.#reader.read(bytes, 0, bytes.length)
    return told(this.#reader, this.head)
  }
}

function told(reader: RequestReader, head: RequestHead): string {
  if (!reader.whole) return `not whole: ${reader.fault}`
  const { repeated: _, sameLines: __, lines: ___, memo: ____, list, kinds, count, ...rest } = head
  return JSON.stringify([rest, list.slice(0, count * 2), kinds.slice(0, count), writeRequestHead(head, FORWARDING)])
}

const FORWARDING: Forwarding = {
  target: '/pets?id=7',
  hostField: 'shop.test',
  peer: '127.0.0.1',
  trusted: false,
  requestId: 'r2',
  pseudonym: 'banyan',
  varies: false,
}

describe('a request head that is the one before, byte for byte', () => {
  it('is known, and reads and is sent on as it did', () => {
    const connection = new Connection()
    const first = connection.read(HEAD)
    expect(connection.head.repeated).toBe(false)
    for (const _ of [1, 2, 3]) {
      expect(connection.read(HEAD)).toBe(first)
      expect(connection.head.repeated).toBe(true)
    }
  })

  it('is known behind another one in the same bytes, and before a body', () => {
    const head = new RequestHead()
    const reader = new RequestReader(head)
    const bytes = Buffer.from(`${HEAD}${HEAD}body`, 'latin1')
    expect(reader.read(bytes, 0, bytes.length)).toBe(HEAD.length)
    expect(reader.read(bytes, HEAD.length, bytes.length)).toBe(2 * HEAD.length)
    expect(reader.whole && head.repeated).toBe(true)
  })

  it('is told from one that differs in any single byte', () => {
    for (let at = 0; at < HEAD.length; at++) {
      for (const byte of ['x', '\n', '\r', ' ', ':', '\x80']) {
        if (HEAD[at] === byte) continue
        const changed = HEAD.slice(0, at) + byte + HEAD.slice(at + 1)
        const connection = new Connection()
        connection.read(HEAD)
        connection.read(HEAD)
        expect(connection.read(changed), `byte ${at} is ${JSON.stringify(byte)}`).toBe(new Connection().read(changed))
        expect(connection.head.repeated).toBe(false)
      }
    }
  })

  it('is read anew behind one that was refused', () => {
    const connection = new Connection()
    const first = connection.read(HEAD)
    expect(connection.read(`${HEAD.slice(0, 30)}\x00${HEAD.slice(31)}`)).toContain('request_malformed')
    expect(connection.read(HEAD)).toBe(first)
    expect(connection.head.repeated).toBe(false)
  })

  it('is read anew where it is longer than 2 KiB', () => {
    const long = `GET / HTTP/1.1\r\nHost: a\r\nCookie: ${'x'.repeat(2048)}\r\n\r\n`
    const connection = new Connection()
    const first = connection.read(long)
    expect(connection.read(long)).toBe(first)
    expect(connection.head.repeated).toBe(false)
  })
})

describe('any heads, in any pieces, one after another on a connection', () => {
  const start = fc.constantFrom(
    ...['GET /a HTTP/1.1', 'GET /a HTTP/1.0', 'GET /b?c HTTP/1.1', 'PUT /a HTTP/1.1', 'GET http://x/a HTTP/1.1'],
    ...['OPTIONS * HTTP/1.1', 'OPTIONS http://x HTTP/1.1', 'CONNECT a:1 HTTP/1.1', 'GET a HTTP/1.1'],
  )
  const line = fc.constantFrom(
    ...['A: 1', 'A: 2', 'Host: a', 'Host: b', 'Cookie: x', 'Content-Length: 0', 'Transfer-Encoding: chunked', 'Bad'],
    ...['Connection: a, close', 'Max-Forwards: 5', 'Expect: 100-continue', 'If-None-Match: "1"', 'Upgrade: x'],
  )
  const lines = fc.oneof(
    fc.constantFrom([], ['Host: a'], ['Host: a', 'A: 1']),
    fc.array(line, { maxLength: 3 }).map((more) => ['Host: a', ...more]),
  )
  const head = fc.tuple(start, lines).map(([first, rest]) => `${[first, ...rest].join('\r\n')}\r\n\r\n`)

  it('read as each does on a connection of its own', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(head, fc.nat(60)), { minLength: 2, maxLength: 8 }), (heads) => {
        const shared = new RequestHead()
        const reader = new RequestReader(shared)
        for (const [text, cut] of heads) {
          const bytes = Buffer.from(text, 'latin1')
          const split = cut > 0 && cut < bytes.length
          const at = split ? reader.read(bytes, 0, cut) : 0
          if (!split || (!reader.whole && reader.fault === undefined)) reader.read(bytes, at, bytes.length)
          const alone = new Connection().read(text)
          expect(told(reader, shared)).toBe(alone)
          if (!reader.whole) return
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('what is sent on of a repeated head', () => {
  const repeated = () => {
    const connection = new Connection()
    for (const _ of [1, 2]) connection.read(HEAD)
    return connection.head
  }
  const changes: readonly Partial<Forwarding>[] = [
    { requestId: 'another' },
    { target: '/x' },
    { hostField: 'other.test' },
    { trusted: true },
    { varies: true },
    { requestEdits: () => edited() },
    {},
  ]

  it('follows whatever else it is made of, there and back', () => {
    const head = repeated()
    const fresh = new RequestHead()
    const bytes = Buffer.from(HEAD, 'latin1')
    new RequestReader(fresh).read(bytes, 0, bytes.length)
    for (const one of changes) {
      for (const forwarding of [{ ...FORWARDING, ...one }, FORWARDING]) {
        expect(writeRequestHead(head, forwarding)).toBe(writeRequestHead(fresh, forwarding))
      }
    }
  })
})

describe("an answer's head that is the one before", () => {
  const RELAYING: Relaying = {
    snapshot: emptySnapshot(),
    rule: undefined,
    upstream: undefined,
    choice: { arm: 0, varies: false, minted: undefined },
    pseudonym: 'banyan',
    origin: () => 'http://shop.test',
  }
  const changes: readonly Partial<Relaying>[] = [
    { choice: { arm: 1, varies: true, minted: undefined } },
    { responseEdits: () => edited() },
    { answerLines: 'Strict-Transport-Security: max-age=2\r\n' },
    {},
  ]
  const lines = [
    ...['', 'Location: /x\r\n', 'Set-Cookie: a=1\r\n', 'Cache-Control: public\r\n', 'Keep-Alive: timeout=5\r\n'],
    ...['Strict-Transport-Security: max-age=1\r\n', 'Via: 1.1 x\r\n', 'Transfer-Encoding: chunked\r\n'],
  ]

  it.each(lines)('with %j is relayed as that was, or as the request wants it', (line) => {
    const length = line.startsWith('Transfer') ? '' : 'Content-Length: 2\r\n'
    const text = `HTTP/1.1 200 OK\r\n${length}Etag: "1"\r\n${line}\r\n`
    const head = parsed(text, true)
    for (const one of changes) {
      for (const relaying of [{ ...RELAYING, ...one }, RELAYING]) {
        for (const framing of ['', 'Connection: close\r\n']) {
          expect(writeResponseHead(head, relaying, framing)).toBe(
            writeResponseHead(parsed(text, false), relaying, framing),
          )
        }
      }
    }
  })

  function parsed(text: string, repeated: boolean): ResponseHead {
    const head = new ResponseHead()
    const bytes = Buffer.from(text, 'latin1')
    const finder = new HeadFinder(1024)
    const length = finder.find(bytes, 0, bytes.length)
    expect(parseResponseHead(finder, length, false, head)).toBe(true)
    finder.remember(length)
    expect(finder.find(bytes, 0, bytes.length)).toBe(length)
    expect(finder.repeated).toBe(true)
    head.repeated = repeated
    return head
  }
})

function edited(): FieldEdits {
  const edits = new FieldEdits()
  edits.set('X-Edited', 'yes')
  return edits
}
