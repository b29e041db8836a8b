import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hostOf, isAuthority } from '../../../router/dataplane/http1/authority.ts'
import { FIELD, fieldKind } from '../../../router/dataplane/http1/field-kind.ts'
import { parseLength } from '../../../router/dataplane/http1/fields.ts'
import { HeadFinder, INCOMPLETE, MALFORMED, TOO_LONG } from '../../../router/dataplane/http1/head-finder.ts'
import { parseRequestHead, RequestHead } from '../../../router/dataplane/http1/request-head.ts'
import { parseResponseHead, ResponseHead } from '../../../router/dataplane/http1/response-head.ts'

function request(text: string): RequestHead | string {
  const head = new RequestHead()
  const raw = { text, bytes: Buffer.from(`xx${text}`, 'latin1'), base: 2 }
  return parseRequestHead(raw, text.length - 2, head) ?? head
}

function response(text: string, toHead = false): ResponseHead | undefined {
  const head = new ResponseHead()
  const raw = { text, bytes: Buffer.from(text, 'latin1'), base: 0 }
  return parseResponseHead(raw, text.length - 2, toHead, head) ? head : undefined
}

describe('parseRequestHead', () => {
  it('gives method, path, query, fields and what they mean', () => {
    expect(
      request('POST /a/b?c=d?e HTTP/1.1\r\nHost: Shop.test:81\r\nA:\t b \t\r\ncontent-length: 12\r\nA: c\r\n\r\n'),
    ).toMatchObject({
      method: 'POST',
      path: '/a/b',
      query: 'c=d?e',
      authority: 'Shop.test:81',
      minor: 1,
      count: 4,
      list: ['Host', 'Shop.test:81', 'A', 'b', 'content-length', '12', 'A', 'c'],
      length: 12,
      chunked: false,
      keepAlive: true,
    })
  })

  it.each([
    { line: 'GET http://a.test HTTP/1.1', path: '/', query: undefined, authority: 'a.test' },
    { line: 'GET http://a.test?x HTTP/1.1', path: '/', query: 'x', authority: 'a.test' },
    { line: 'GET HTTPS://a.test:8/b?x HTTP/1.1', path: '/b', query: 'x', authority: 'a.test:8' },
    { line: 'OPTIONS * HTTP/1.1', path: '*', query: undefined, authority: 'b.test' },
    { line: 'OPTIONS /x HTTP/1.1', path: '/x', query: undefined, authority: 'b.test' },
  ])('$line is $path of $authority', ({ line, path, query, authority }) => {
    expect(request(`${line}\r\nHost: b.test\r\n\r\n`)).toMatchObject({ path, query, authority })
  })

  it.each([
    { minor: 1, connection: undefined, keepAlive: true },
    { minor: 1, connection: 'Close', keepAlive: false },
    { minor: 1, connection: 'x, close', keepAlive: false },
    { minor: 0, connection: undefined, keepAlive: false },
    { minor: 0, connection: 'Keep-Alive', keepAlive: true },
    { minor: 0, connection: 'keep-alive, close', keepAlive: false },
  ])('HTTP/1.$minor with Connection $connection: keep-alive $keepAlive', ({ minor, connection, keepAlive }) => {
    const field = connection === undefined ? '' : `Connection: ${connection}\r\n`
    expect(request(`GET / HTTP/1.${minor}\r\nHost: a\r\n${field}\r\n`)).toMatchObject({ keepAlive })
  })

  it('says nothing of the head that was read into the same object before', () => {
    const head = new RequestHead()
    const read = (text: string): string | undefined =>
      parseRequestHead({ text, bytes: Buffer.from(text, 'latin1'), base: 0 }, text.length - 2, head)
    read(
      'POST /a?b HTTP/1.1\r\nHost: a\r\nConnection: close, x\r\nExpect: 100-continue\r\nContent-Length: 5\r\nVia: x\r\n\r\n',
    )
    expect(read('GET / HTTP/1.0\r\nA: b\r\n\r\n')).toBeUndefined()
    expect(head).toMatchObject({ query: undefined, authority: undefined, length: -1, expectContinue: false, named: [] })
    expect(head.count).toBe(1)
    expect(head.has(FIELD.via)).toBe(false)
  })

  it('whatever the bytes are, it gives an error or tokens without control characters', () => {
    const piece = fc.constantFrom(
      'GET',
      ' ',
      '/',
      'HTTP/1.1',
      '\r\n',
      'Host: a',
      ':',
      'A',
      '\t',
      '\0',
      '\x80',
      '\n',
      '?',
      '#',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const head = request(`${pieces.join('')}\r\n\r\n`)
        if (typeof head === 'string') return
        for (const token of [head.method, head.path, head.query ?? '', ...head.list])
          expect(token).not.toMatch(/[\0\r\n]/)
      }),
      { numRuns: 500 },
    )
  })
})

describe('parseResponseHead', () => {
  it.each([
    { status: '200 OK', fields: 'Content-Length: 3\r\n', framing: 'length', length: 3 },
    { status: '200 OK', fields: 'Transfer-Encoding: chunked\r\n', framing: 'chunked', length: -1 },
    { status: '200 OK', fields: '', framing: 'close', length: -1 },
    { status: '204 No Content', fields: 'Content-Length: 3\r\n', framing: 'none', length: 3 },
    { status: '304 Not Modified', fields: 'Transfer-Encoding: chunked\r\n', framing: 'none', length: -1 },
    { status: '103 Early Hints', fields: '', framing: 'none', length: -1 },
  ])('$status with $fields is framed by $framing', ({ status, fields, framing, length }) => {
    expect(response(`HTTP/1.1 ${status}\r\n${fields}\r\n`)).toMatchObject({ framing, length })
  })

  it('an answer to HEAD has no body whatever it says', () => {
    expect(response('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n', true)?.framing).toBe('none')
  })
})

describe('HeadFinder', () => {
  const head = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

  it('finds the same end however the bytes are split, and leaves the rest', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(head.length), { maxLength: 5 }), fc.nat(9), (cuts, offset) => {
        const finder = new HeadFinder(100)
        const bytes = Buffer.from(`${'#'.repeat(offset)}${head}rest`, 'latin1')
        const ends = [...new Set(cuts)].sort((a, b) => a - b).filter((cut) => cut > 0 && cut < head.length)
        for (const end of ends)
          expect(finder.find(bytes.subarray(0, offset + end), offset, offset + end)).toBe(INCOMPLETE)
        expect(finder.find(bytes, offset, bytes.length)).toBe(head.length - 2)
        expect(finder.text.startsWith(head)).toBe(true)
        expect(finder.begun).toBe(false)
      }),
    )
  })

  it('a stale end behind the valid bytes is none', () => {
    const finder = new HeadFinder(100)
    const bytes = Buffer.from('GET / HTTP/1.1\r\n\r\n')
    expect(finder.find(bytes, 0, bytes.length - 1)).toBe(INCOMPLETE)
    expect(finder.find(bytes, 0, bytes.length)).toBe(bytes.length - 2)
  })

  it.each(['a\nb', 'a\rb', '\nab', 'a\0', 'a\x7f', '\x16\x03\x01'])('%j can be no part of a head', (text) => {
    expect(new HeadFinder(100).find(Buffer.from(text, 'latin1'), 0, text.length)).toBe(MALFORMED)
  })

  it('a bare LF is noticed where a piece ends in front of it', () => {
    const finder = new HeadFinder(100)
    expect(finder.find(Buffer.from('ab'), 0, 2)).toBe(INCOMPLETE)
    expect(finder.find(Buffer.from('ab\n'), 0, 3)).toBe(MALFORMED)
    const other = new HeadFinder(100)
    expect(other.find(Buffer.from('ab\r'), 0, 3)).toBe(INCOMPLETE)
    expect(other.find(Buffer.from('ab\rc'), 0, 4)).toBe(MALFORMED)
  })

  it('what passes the limit is too long, whole or not', () => {
    const long = `A: ${'b'.repeat(3000)}`
    expect(new HeadFinder(2500).find(Buffer.from(long), 0, long.length)).toBe(TOO_LONG)
    expect(new HeadFinder(2500).find(Buffer.from(`${long}\r\n\r\n`), 0, long.length + 4)).toBe(TOO_LONG)
    expect(new HeadFinder(4000).find(Buffer.from(`${long}\r\n\r\n`), 0, long.length + 4)).toBe(long.length + 2)
  })
})

describe('fieldKind', () => {
  it.each([
    ['Host', FIELD.host],
    ['HOST', FIELD.host],
    ['Hos', FIELD.plain],
    ['content-LENGTH', FIELD.contentLength],
    ['Content_Length', FIELD.alias],
    ['Transfer_Encoding', FIELD.alias],
    ['X-Forwarded-For', FIELD.forwardedFor],
    ['X_Forwarded-For', FIELD.forwardedFor],
    ['x-forwarded-port', FIELD.claim],
    ['X-Forwarded-', FIELD.claim],
    ['X-Forwarder', FIELD.plain],
    ['X-Real_IP', FIELD.claim],
    ['X-Banyan-Arm', FIELD.banyanArm],
    ['x_banyan_anything', FIELD.banyan],
    ['X-Banyan-', FIELD.banyan],
    ['x_banyan-a', FIELD.banyan],
    ['x-banyan-function-error', FIELD.functionError],
    ['X-Request-Id', FIELD.requestId],
    ['__proto__', FIELD.plain],
    ['User_Agent', FIELD.plain],
    ['^ost', FIELD.plain],
  ])('%s is of kind %d', (name, kind) => expect(fieldKind(name)).toBe(kind))
})

describe('parseLength', () => {
  it.each([
    ['0', 0],
    ['007', 7],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['9007199254740992', -1],
    ['99999999999999999999', -1],
    ['', -1],
    ['+1', -1],
    ['-1', -1],
    ['1 ', -1],
    ['1,1', -1],
    ['0x1', -1],
    ['1e3', -1],
    ['\u0661', -1],
  ])('%j is %d', (text, length) => expect(parseLength(text)).toBe(length))
})

describe('isAuthority', () => {
  it.each([
    'a',
    'a.b-c_d.test',
    'a.test:80',
    'a.test:',
    '127.0.0.1:8080',
    '[::1]',
    '[2001:db8::1]:443',
    'a%20b',
    "a!$&'()*+;=b",
  ])('%s is one', (text) => expect(isAuthority(text)).toBe(true))
  it.each([
    '',
    ':80',
    'a:b',
    'a:65536',
    'a b',
    'a,b',
    'a@b',
    'a/b',
    'a?b',
    'a#b',
    '[::1',
    '::1',
    '[]',
    '[a]',
    '[::1]x',
    'a%2',
    'é',
    'a:80:80',
  ])('%s is none', (text) => expect(isAuthority(text)).toBe(false))
  it.each([
    ['Shop.TEST:80', 'shop.test'],
    ['shop.test', 'shop.test'],
    ['[2001:DB8::1]:80', '[2001:db8::1]'],
    ['[::1]', '[::1]'],
  ])('host of %s is %s', (authority, host) => expect(hostOf(authority)).toBe(host))
})
