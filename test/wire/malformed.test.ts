import { describe, expect, it } from 'vitest'
import {
  client,
  eventually,
  get,
  problemOf,
  rawUpstream,
  routed,
  router,
  type Setup,
  statusOf,
  talk,
} from './support.ts'

const H = 'Host: shop.test\r\n'

/** Everything here is answered with an error and a close, and nothing of it reaches the upstream. */
const REFUSED: readonly { row: string; what: string; bytes: string; status: number }[] = [
  { row: 'H1', what: 'no version', bytes: `GET /\r\n${H}\r\n`, status: 400 },
  { row: 'H1', what: 'two spaces before the target', bytes: `GET  / HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { row: 'H1', what: 'a tab in the request line', bytes: `GET\t/ HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { row: 'H1', what: 'a method that is no token', bytes: `G(ET / HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { row: 'H1', what: 'a space behind the version', bytes: `GET / HTTP/1.1 \r\n${H}\r\n`, status: 400 },
  { row: 'H1', what: 'bare LF as line end', bytes: 'GET / HTTP/1.1\nHost: shop.test\n\n', status: 400 },
  { row: 'H1', what: 'bare LF after one field', bytes: `GET / HTTP/1.1\r\n${H}A: b\nC: d\r\n\r\n`, status: 400 },
  { row: 'H1', what: 'bare CR in a field', bytes: `GET / HTTP/1.1\r\n${H}A: b\rc\r\n\r\n`, status: 400 },
  { row: 'H1', what: 'white space before the colon', bytes: `GET / HTTP/1.1\r\n${H}A : b\r\n\r\n`, status: 400 },
  { row: 'H1', what: 'a folded line', bytes: `GET / HTTP/1.1\r\n${H}A: b\r\n c\r\n\r\n`, status: 400 },
  { row: 'H1', what: 'a first field that begins with a space', bytes: `GET / HTTP/1.1\r\n ${H}\r\n`, status: 400 },
  { row: 'H1', what: 'an empty field name', bytes: `GET / HTTP/1.1\r\n${H}: b\r\n\r\n`, status: 400 },
  { row: 'H1', what: 'a line without a colon', bytes: `GET / HTTP/1.1\r\n${H}abc\r\n\r\n`, status: 400 },
  { row: 'H1', what: 'NUL in a value', bytes: `GET / HTTP/1.1\r\n${H}A: b\0c\r\n\r\n`, status: 400 },
  { row: 'H1', what: 'a control character in a value', bytes: `GET / HTTP/1.1\r\n${H}A: b\x01c\r\n\r\n`, status: 400 },
  { row: 'H1', what: 'DEL in a value', bytes: `GET / HTTP/1.1\r\n${H}A: b\x7fc\r\n\r\n`, status: 400 },
  { row: 'H1', what: 'a TLS hello', bytes: '\x16\x03\x01\x02\x00\x01\x00', status: 400 },
  { row: 'H2', what: 'no Host in 1.1', bytes: 'GET / HTTP/1.1\r\n\r\n', status: 400 },
  { row: 'H2', what: 'two Hosts', bytes: `GET / HTTP/1.1\r\n${H}${H}\r\n`, status: 400 },
  { row: 'H2', what: 'a list as Host', bytes: 'GET / HTTP/1.1\r\nHost: a.test, b.test\r\n\r\n', status: 400 },
  { row: 'H2', what: 'user information in Host', bytes: 'GET / HTTP/1.1\r\nHost: me@shop.test\r\n\r\n', status: 400 },
  { row: 'H2', what: 'a path in Host', bytes: 'GET / HTTP/1.1\r\nHost: shop.test/x\r\n\r\n', status: 400 },
  { row: 'H2', what: 'a port that is no number', bytes: 'GET / HTTP/1.1\r\nHost: shop.test:80x\r\n\r\n', status: 400 },
  { row: 'H2', what: 'a port above 65535', bytes: 'GET / HTTP/1.1\r\nHost: shop.test:65536\r\n\r\n', status: 400 },
  { row: 'H2', what: 'an empty Host', bytes: 'GET / HTTP/1.1\r\nHost:\r\n\r\n', status: 400 },
  {
    row: 'H3',
    what: 'a signed Content-Length',
    bytes: `POST / HTTP/1.1\r\n${H}Content-Length: +3\r\n\r\nabc`,
    status: 400,
  },
  { row: 'H3', what: 'an empty Content-Length', bytes: `POST / HTTP/1.1\r\n${H}Content-Length:\r\n\r\n`, status: 400 },
  {
    row: 'H3',
    what: 'a list of lengths',
    bytes: `POST / HTTP/1.1\r\n${H}Content-Length: 3, 3\r\n\r\nabc`,
    status: 400,
  },
  {
    row: 'H3',
    what: 'a hexadecimal length',
    bytes: `POST / HTTP/1.1\r\n${H}Content-Length: 0x3\r\n\r\nabc`,
    status: 400,
  },
  {
    row: 'H3',
    what: 'a length above 2^53 - 1',
    bytes: `POST / HTTP/1.1\r\n${H}Content-Length: 9007199254740992\r\n\r\n`,
    status: 400,
  },
  {
    row: 'H3',
    what: 'two equal lengths',
    bytes: `POST / HTTP/1.1\r\n${H}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`,
    status: 400,
  },
  {
    row: 'H4',
    what: 'length and coding',
    bytes: `POST / HTTP/1.1\r\n${H}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  {
    row: 'H4',
    what: 'a coding in HTTP/1.0',
    bytes: `POST / HTTP/1.0\r\n${H}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  ...['gzip', 'gzip, chunked', 'chunked, chunked', 'identity', '', 'chunked;q=1', '"chunked"'].map((coding) => ({
    row: 'H5',
    what: `the coding "${coding}"`,
    bytes: `POST / HTTP/1.1\r\n${H}Transfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`,
    status: 501,
  })),
  {
    row: 'H5',
    what: 'chunked twice',
    bytes: `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 501,
  },
  { row: 'H7', what: 'HTTP/2.0', bytes: `GET / HTTP/2.0\r\n${H}\r\n`, status: 505 },
  { row: 'H7', what: 'HTTP/1.2', bytes: `GET / HTTP/1.2\r\n${H}\r\n`, status: 505 },
  { row: 'H7', what: 'HTTP/0.9', bytes: `GET / HTTP/0.9\r\n${H}\r\n`, status: 505 },
  { row: 'H7', what: 'a version in lower case', bytes: `GET / http/1.1\r\n${H}\r\n`, status: 400 },
  { row: 'H8', what: 'an asterisk for GET', bytes: `GET * HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { row: 'H8', what: 'a fragment', bytes: `GET /a#b HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { row: 'H8', what: 'a back-slash in the path', bytes: `GET /a\\b HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { row: 'H8', what: 'a non-ASCII byte', bytes: `GET /\xe9 HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { row: 'H8', what: 'a control byte', bytes: `GET /\x01 HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { row: 'H8', what: 'a bad percent-encoding', bytes: `GET /%zz HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { row: 'H8', what: '%00 in the path', bytes: `GET /a%00b HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { row: 'H8', what: 'a path without a slash', bytes: `GET a HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { row: 'H8', what: 'an unknown scheme', bytes: `GET ftp://shop.test/ HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { row: 'H9', what: 'CONNECT', bytes: `CONNECT shop.test:443 HTTP/1.1\r\n${H}\r\n`, status: 405 },
  { row: 'H9', what: 'TRACE', bytes: `TRACE / HTTP/1.1\r\n${H}\r\n`, status: 405 },
  { row: 'H10', what: 'a target over 8 KiB', bytes: `GET /${'a'.repeat(8192)} HTTP/1.1\r\n${H}\r\n`, status: 414 },
  { row: 'H10', what: 'a request line without an end', bytes: `GET /${'a'.repeat(40_000)}`, status: 414 },
  {
    row: 'H10',
    what: 'a head over 32 KiB',
    bytes: `GET / HTTP/1.1\r\n${H}${`A: ${'b'.repeat(1000)}\r\n`.repeat(33)}\r\n`,
    status: 431,
  },
  { row: 'H10', what: 'a head without an end', bytes: `GET / HTTP/1.1\r\n${H}A: ${'b'.repeat(40_000)}`, status: 431 },
  { row: 'H10', what: '201 fields', bytes: `GET / HTTP/1.1\r\n${H}${'A: b\r\n'.repeat(200)}\r\n`, status: 431 },
  ...['Host', 'Content-Length', 'transfer-encoding', 'Authorization', 'cookie', 'X-Forwarded-For'].map((name) => ({
    row: 'H12',
    what: `Connection that names ${name}`,
    bytes: `GET / HTTP/1.1\r\n${H}Connection: close, ${name}\r\n\r\n`,
    status: 400,
  })),
  { row: 'H20', what: 'another expectation', bytes: `POST / HTTP/1.1\r\n${H}Expect: tea\r\n\r\n`, status: 417 },
  {
    row: 'H24',
    what: 'a path that leads above the root',
    bytes: `GET /a/../../b HTTP/1.1\r\n${H}\r\n`,
    status: 400,
  },
  { row: 'H24', what: 'a dot segment with parameters', bytes: `GET /a/..;x/b HTTP/1.1\r\n${H}\r\n`, status: 400 },
]

/** Every body may have ten bytes. */
function limited(port: number): Setup {
  const policies = [{ kind: 'maxBody', options: { bytes: 10 } }]
  const rule = { origin: 'default', policies, action: { kind: 'forward', upstream: 'clinic' } } as const
  return { upstreams: { clinic: { ports: [port] } }, rules: [rule] }
}

describe('a request that is refused', () => {
  it.each(REFUSED)('$row: $what is $status, and nothing is sent upstream', async ({ bytes, status }) => {
    const { port, upstream } = await routed()
    const answer = await talk(port, bytes)
    expect(statusOf(answer)).toBe(status)
    expect(answer).toContain('\r\nConnection: close\r\n')
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(upstream.received.join('')).toBe('')
  })

  it('H1: is refused however it is split', async () => {
    const { port, upstream } = await routed()
    for (const bytes of ['GET / HTTP/1.1\nHost: shop.test\n\n', `GET / HTTP/1.1\r\n${H}A : b\r\n\r\n`]) {
      const raw = await client(port)
      for (const byte of bytes) raw.send(byte)
      expect(statusOf(await raw.until(/\r\n\r\n\{/))).toBe(400)
    }
    expect(upstream.received).toEqual([])
  })

  it('H9: CONNECT and TRACE are told what is allowed', async () => {
    const { port } = await routed()
    expect(await talk(port, `TRACE / HTTP/1.1\r\n${H}\r\n`)).toContain('\r\nAllow: GET, HEAD, POST')
  })

  it('H10: 200 fields and a target of 8 KiB pass', async () => {
    const { port, upstream } = await routed()
    const path = `/${'a'.repeat(8191)}`
    const fields = Array.from({ length: 198 }, (_, index) => `A${index}: b`)
    expect(statusOf(await talk(port, get(path, ...fields)))).toBe(200)
    expect(upstream.received.join('')).toContain(`GET ${path} HTTP/1.1\r\n`)
  })

  it('H10: a body over the limit of its rule is 413 before any 100 Continue, and nothing is sent upstream', async () => {
    const upstream = await rawUpstream('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    const { port } = await router(limited(upstream.port))
    const post = `POST / HTTP/1.1\r\n${H}Connection: close\r\n`
    const answer = await talk(port, `${post}Expect: 100-continue\r\nContent-Length: 11\r\n\r\n`)
    expect(statusOf(answer)).toBe(413)
    expect(problemOf(answer).code).toBe('body_too_large')
    expect(upstream.received).toEqual([])
    expect(statusOf(await talk(port, `${post}Content-Length: 10\r\n\r\n0123456789`))).toBe(100)
    expect(upstream.received.join('')).toMatch(/0123456789$/)
  })

  it('H10: a chunked body is 413 as soon as a chunk would lead over the limit, and never ends upstream', async () => {
    const upstream = await rawUpstream(() => {})
    const { port } = await router(limited(upstream.port))
    const start = `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n`
    const raw = await client(port, `${start}6\r\n012345\r\n`)
    await upstream.until((all) => all.endsWith('012345\r\n'))
    raw.send('5\r\n')
    expect(statusOf(await raw.until(/\}\n$/))).toBe(413)
    await eventually(() => upstream.sockets[0]?.destroyed === true)
    expect(upstream.received.join('')).not.toContain('\r\n0\r\n\r\n')
    expect(statusOf(await talk(port, `${start}6\r\n012345\r\n5\r\n67890\r\n0\r\n\r\n`))).toBe(413)
    await client(port, `${start}6\r\n012345\r\n4\r\n6789\r\n0\r\n\r\n`)
    await upstream.until((all) => all.endsWith('6789\r\n0\r\n\r\n'))
  })

  it('answers as problem+json with a request id, RFC 9209 names and no-store', async () => {
    const { port } = await routed()
    const answer = await talk(port, 'GET / HTTP/1.1\r\n\r\n')
    expect(answer).toContain('\r\nContent-Type: application/problem+json\r\n')
    expect(answer).toContain('\r\nProxy-Status: banyan; error=http_request_error\r\n')
    const { request_id, code } = problemOf(answer)
    expect(code).toBe('request_malformed')
    expect(answer).toContain(`\r\nX-Request-Id: ${request_id}\r\n`)
  })
})

describe('a chunked request body', () => {
  const start = `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n`

  it.each([
    { what: 'a size that is no number', body: 'x\r\nabc\r\n0\r\n\r\n' },
    { what: 'an empty size', body: '\r\nabc\r\n0\r\n\r\n' },
    { what: 'a signed size', body: '+3\r\nabc\r\n0\r\n\r\n' },
    { what: 'a size with a prefix', body: '0x3\r\nabc\r\n0\r\n\r\n' },
    { what: 'a space behind the size', body: '3 \r\nabc\r\n0\r\n\r\n' },
    { what: 'a size above 2^53 - 1', body: '20000000000000\r\nabc' },
    { what: 'a bare LF behind the size', body: '3\nabc\r\n0\r\n\r\n' },
    { what: 'no CRLF after a chunk', body: '3\r\nabcd\r\n0\r\n\r\n' },
    { what: 'a bare LF after a chunk', body: '3\r\nabc\n0\r\n\r\n' },
    { what: 'an over-long extension', body: `3;${'a'.repeat(2000)}\r\nabc\r\n0\r\n\r\n` },
    { what: 'an extension that is none', body: '3;=x\r\nabc\r\n0\r\n\r\n' },
    { what: 'a trailer without a colon', body: '3\r\nabc\r\n0\r\nabc\r\n\r\n' },
    { what: 'a trailer that folds', body: '3\r\nabc\r\n0\r\nA: b\r\n c\r\n\r\n' },
    { what: 'a bare LF among trailers', body: '3\r\nabc\r\n0\r\nA: b\n\r\n' },
  ])('H6: with $what is 400 and never ends upstream', async ({ body }) => {
    const { port, upstream } = await routed(() => {})
    const answer = await talk(port, start + body)
    expect(statusOf(answer)).toBe(400)
    expect(upstream.received.join('')).not.toContain('\r\n0\r\n\r\n')
  })

  it('H6: extensions are dropped, and chunks are written again', async () => {
    const { port, upstream } = await routed()
    const body = '03;a=b;c="d;e"\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'
    await talk(port, `${get('/').replace('GET', 'POST').slice(0, -2)}Transfer-Encoding: chunked\r\n\r\n${body}`)
    const sent = await upstream.until((all) => all.includes('\r\n0\r\n\r\n'))
    expect(sent.slice(sent.indexOf('\r\n\r\n') + 4)).toBe('3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n')
  })
})
