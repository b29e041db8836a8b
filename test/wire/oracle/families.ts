import type { Random } from '../../random.ts'
import { type Draft, text, withChunks } from './draft.ts'

/** Changes a request where proxies have been mistaken before. */
export type Mutation = (draft: Draft, random: Random) => void

/** All of them, by what they change. */
export const FAMILIES: readonly [Family, ...Family[]] = [
  ['transfer-encoding', transferEncoding],
  ['content-length', contentLength],
  ['host', host],
  ['target', target],
  ['request line', requestLine],
  ['connection', connection],
  ['field', field],
  ['chunks', chunks],
]

type Family = readonly [name: string, mutate: Mutation]

function setField(draft: Draft, name: string, line: string): void {
  const at = draft.fields.findIndex((field) => field.toLowerCase().startsWith(`${name}:`))
  if (at < 0) draft.fields.push(line)
  else draft.fields[at] = line
}

function addField(draft: Draft, line: string, random: Random): void {
  draft.fields.splice(random.below(draft.fields.length + 1), 0, line)
}

function transferEncoding(draft: Draft, random: Random): void {
  const line = random.pick([
    'Transfer-Encoding: Chunked',
    'transfer-encoding:CHUNKED',
    'Transfer-Encoding: \t chunked \t',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: identity, chunked',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: chunked, chunked',
    'Transfer-Encoding: chunked,',
    'Transfer-Encoding: ,chunked',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding: chunke',
    'Transfer-Encoding: chunked;q=1',
    'Transfer-Encoding: "chunked"',
    "Transfer-Encoding: 'chunked'",
    'Transfer-Encoding:',
    'Transfer-Encoding: identity',
    'Transfer-Encoding: \x0bchunked',
    'Transfer-Encoding: chunked\x00',
    'Transfer-Encoding: chunked\xa0',
    'Transfer-Encoding: \x85chunked',
    'Transfer-Encoding : chunked',
    'Transfer-Encoding\t: chunked',
    ' Transfer-Encoding: chunked',
    'Transfer_Encoding: chunked',
    'Transfer-Encoding:\r\n chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
    'Content-Length: 3\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nContent-Length: 0',
    'X: y\rTransfer-Encoding: chunked',
    'X: y\nTransfer-Encoding: chunked',
  ])
  if (random.chance(0.7)) {
    withChunks(draft, random)
    draft.fields.pop()
    setField(draft, 'transfer-encoding', line)
  } else addField(draft, line, random)
  if (random.chance(0.1)) draft.version = 'HTTP/1.0'
}

function contentLength(draft: Draft, random: Random): void {
  draft.body = text(random)
  const length = draft.body.length
  const line = random.pick([
    `Content-Length: 00${length}`,
    `content-length:${length}`,
    `Content-Length: \t ${length} \t`,
    `Content-Length: +${length}`,
    `Content-Length: -${length}`,
    `Content-Length: ${length}, ${length}`,
    `Content-Length: ${length},`,
    `Content-Length: ${length} ${length}`,
    `Content-Length: 0x${length.toString(16)}`,
    `Content-Length: ${length}.0`,
    `Content-Length: ${length}e0`,
    `Content-Length: ${length}_0`,
    `Content-Length: "${length}"`,
    'Content-Length:',
    'Content-Length: 9007199254740992',
    'Content-Length: 18446744073709551616',
    `Content-Length: ${18_446_744_073_709_551_616n + BigInt(length)}`,
    `Content-Length: ${length}\r\nContent-Length: ${length}`,
    `Content-Length: ${length}\r\ncontent-length: ${length + 1}`,
    `Content-Length: ${length}\r\nContent_Length: 0`,
    `Content-Length: ${length + 1}`,
    `Content-Length: ${Math.max(0, length - 1)}`,
    `Content-Length : ${length}`,
    `Content-Length\xa0: ${length}`,
    `Content-Length: ${length}\x0b`,
    `Content-Length: \xa0${length}`,
    `X: y\nContent-Length: ${length}`,
    `Content-Length:\r\n ${length}`,
  ])
  draft.fields = draft.fields.filter((field) => !/^(?:transfer-encoding|content-length):/i.test(field))
  addField(draft, line, random)
}

function host(draft: Draft, random: Random): void {
  const line = random.pick([
    'host:shop.test',
    'Host: SHOP.test:8080',
    'Host: shop.test:',
    'Host: [::1]:80',
    'Host: 127.0.0.1',
    'Host: a%20b',
    'Host:',
    'Host: a, b',
    'Host: shop.test b.test',
    'Host: me@shop.test',
    'Host: shop.test/x',
    'Host: shop.test?x',
    'Host: shop.test#x',
    'Host: shop.test\\x',
    'Host: shop.test:x',
    'Host: shop.test:65536',
    'Host: shop.test:80:80',
    'Host: [::1',
    'Host: ::1',
    'Host: shop\xe9.test',
    'Host: shop.test\x00',
    'Host: shop.test\x7f',
    'Host: %zz',
    'Host: http://shop.test',
    'Host : shop.test',
    'Host: shop.test\r\nHost: shop.test',
    'Host: shop.test\r\nhost: evil.test',
    'Host: shop.test\r\nHost: ',
    'Host: shop.test\n Host: evil.test',
    'Hos: shop.test',
    'Host_: shop.test',
  ])
  setField(draft, 'host', line)
  if (random.chance(0.1)) draft.version = 'HTTP/1.0'
}

function target(draft: Draft, random: Random): void {
  draft.target = random.pick([
    '/a/./b/../c',
    '/..',
    '/a/%2e%2e/b',
    '/a/%2E./../..',
    '/a/..;x/b',
    '/a/.;/b',
    '/a/...',
    '/%7Eme/%41%2D',
    '/%252e%252e/a',
    '/a%2Fb%5cc',
    '//evil.test/a',
    '/a;b=c?d=e;f',
    '/?',
    '/??a?b',
    '/a?b=%zz&c=%00"<>{}|\\^`',
    '/"<>[]{}|^`',
    '/%',
    '/%2',
    '/%g0',
    '/%00',
    '/a\\b',
    '/a#b',
    '/a?b#c',
    '/a b',
    '/a\tb',
    '/\xe9',
    '/?\xe9',
    '/\x01',
    '/?\x7f',
    '/\x00',
    '*',
    '',
    'a',
    'a/b',
    '?a',
    'http://other.test',
    'HTTP://Other.test:81/a/../b?c',
    'https://other.test?x',
    'http://[::1]:8080/',
    'http://me@other.test/',
    'http:///a',
    'http://other.test:x/',
    'http://a,b/',
    'http:/a',
    'http://other.test\\a',
    'ftp://other.test/',
    'other.test:443',
    `/${'a'.repeat(8191)}`,
    `/${'a'.repeat(8192)}`,
  ])
  if (random.chance(0.1)) draft.method = 'OPTIONS'
}

function requestLine(draft: Draft, random: Random): void {
  const change = random.pick(['method', 'version'])
  if (change === 'method') {
    draft.method = random.pick([
      'get',
      ...['QUERY', 'X', "!#$%&'*+-.^_`|~9", 'CONNECT', 'TRACE', 'OPTIONS', 'PRI', 'GE T', 'GE(T', 'GET\t', ' GET'],
      ...['', 'GET\0', 'G\xc9T', 'GET:', '\r\nGET', '\r\n\r\nGET', '\nGET', '\rGET', 'M-SEARCH', '\x16\x03\x01'],
    ])
    return
  }
  draft.version = random.pick([
    'HTTP/1.0',
    'HTTP/1.2',
    'HTTP/2.0',
    'HTTP/0.9',
    'HTTP/1.10',
    'HTTP/01.1',
    'HTTP/1',
    'HTTP/1.',
    'http/1.1',
    'HTTPS/1.1',
    'HTTP/1.1 ',
    ' HTTP/1.1',
    'HTTP/1.1\t',
    'HTTP /1.1',
    'HTTP/1,1',
    'HTTP/\xb9.1',
    '',
    'HTTP/1.0\r\nConnection: keep-alive',
  ])
}

function connection(draft: Draft, random: Random): void {
  const line = random.pick([
    'Connection: close',
    'Connection: Close\r\nConnection: keep-alive',
    'Connection: keep-alive, close',
    'Connection: keep-alive',
    'Connection: Keep-Alive, X-Trace',
    'Connection: x-trace, accept\r\nConnection: user-agent',
    'Connection: close, , ,\t',
    'Connection:',
    'Connection: Via, X-Request-Id, Expect',
    'Connection: X-Forwarded-For',
    'Connection: close, x-forwarded-anything',
    'Connection: Host',
    'Connection: content-length',
    'Connection: Transfer-Encoding',
    'Connection: x-trace, Authorization',
    'Connection: cookie',
    'Connection: close\xa0',
    'Connection: "close"',
    'Connection: host;q=1',
    'Connection: TE\r\nTE: trailers',
    'TE: trailers, deflate',
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'Proxy-Authorization: Basic eDp5',
    'HTTP2-Settings: AAMAAABkAAQAAP',
    'Trailer: Expires',
    'Connection_: close',
    'Connection: Upgrade\r\nUpgrade: websocket',
    'Connection: close, upgrade\r\nUpgrade: h2c, x/1',
    'Connection: upgrade\r\nUpgrade: a, b\r\nUpgrade: "c"',
    'Connection: upgrade\r\nUpgrade: ,',
    'Connection: upgrade',
    'Upgrade: websocket',
  ])
  addField(draft, line, random)
}

function field(draft: Draft, random: Random): void {
  const line = random.pick([
    '__proto__: x',
    'constructor: x',
    'X-Empty:',
    'x-EMPTY: \t ',
    'X-Obs: \xe9\xff\x80',
    'X-Tab: a\tb',
    'X-Colon: a:b: c',
    'X-Quoted: "a, b" \\ c',
    "!#$%&'*+-.^_`|~9: x",
    'X_Under_Score: x',
    'X-Trace: 1\r\nx-trace: 2\r\nX-TRACE: 1',
    'X-Forwarded-For: 1.2.3.4',
    'X-Forwarded-Anything: x',
    'X_Forwarded_For: 1.2.3.4',
    'Forwarded: for=1.2.3.4',
    'X-Real-IP: 1.2.3.4',
    'X-Original-URL: /admin',
    'X_Rewrite_URL: /admin',
    'X-Banyan-Arm: candidate',
    'x_banyan_x: y',
    'Via: 1.1 other, 1.0 another (comment)',
    'X-Request-Id: abc',
    'Expect: 100-continue',
    'Expect: 100-Continue\r\nExpect: 100-continue',
    'Expect: tea',
    'Expect:',
    'Cookie: a=1\r\nCookie: b=2',
    'X-Long: '.padEnd(3000, 'x'),
    'X-Huge: '.padEnd(40_000, 'x'),
    'Many: x\r\n'.repeat(198).trimEnd(),
    'Many: x\r\n'.repeat(220).trimEnd(),
    ...['X: a\0b', 'X: a\x01b', 'X: a\x7fb', 'X: a\rb', 'X: a\nb', 'X: a\r\n b', 'X: a\r\n\tb', 'X: \r\r\nY: z'],
    ...['X : y', 'X\t: y', ': y', 'X', 'X Y: z', 'X(: y', 'X\0: y', 'X\xe9: y', ' X: y', '\tX: y', 'X:\x0by', 'X\r: y'],
  ])
  addField(draft, line, random)
}

function chunks(draft: Draft, random: Random): void {
  draft.fields = draft.fields.filter((one) => !/^(?:transfer-encoding|content-length):/i.test(one))
  draft.fields.push('Transfer-Encoding: chunked')
  const start = random.pick(['', '3\r\nabc\r\n', '0003;x\r\nabc\r\n', 'A\r\n0123456789\r\n'])
  const chunk = random.pick([
    '3\r\nabc\r\n',
    ...['3;a=b;c="d;\\"e"\r\nabc\r\n', '3;a\r\nabc\r\n', '3;a=b\t\r\nabc\r\n', '03\r\n0\r\n\r\n'],
    ...[
      '+3\r\nabc\r\n',
      '-3\r\nabc\r\n',
      '0x3\r\nabc\r\n',
      ' 3\r\nabc\r\n',
      '3 \r\nabc\r\n',
      '3\t\r\nabc\r\n',
      '3_0\r\n',
    ],
    ...[
      'g\r\nabc\r\n',
      '\r\nabc\r\n',
      ';a\r\nabc\r\n',
      '3;\r\nabc\r\n',
      '3;=b\r\nabc\r\n',
      '3;a=\r\nabc\r\n',
      '3 ;a\r\nabc\r\n',
    ],
    ...['3;a="b\r\nabc\r\n', '3;a\nb\r\nabc\r\n', '3;a\rb\r\nabc\r\n', '3;a\0\r\nabc\r\n', '3;\xe9\r\nabc\r\n'],
    ...[
      '3\nabc\r\n',
      '3\rabc\r\n',
      '3\r\r\nabc\r\n',
      '3\r\nabc\n',
      '3\r\nabc\r',
      '3\r\nabc',
      '3\r\nabcd\r\n',
      '4\r\nabc\r\n',
    ],
    ...[
      '10000000000000000\r\nabc\r\n',
      '20000000000000\r\nabc\r\n',
      'ffffffffffffffff\r\nabc\r\n',
      '100000003\r\nabc\r\n',
    ],
    ...[`3;${'a'.repeat(1023)}\r\nabc\r\n`, `3;${'a'.repeat(1024)}\r\nabc\r\n`, '3, 3\r\nabc\r\n', '\xb3\r\nabc\r\n'],
  ])
  const end = random.pick([
    '0\r\n\r\n',
    ...['0\r\n\r\n', '000\r\n\r\n', '0;a\r\n\r\n', '0\r\nExpires: x\r\nB:\r\n\r\n', '0\r\nContent-Length: 5\r\n\r\n'],
    ...['0\r\nHost: x\r\nTransfer-Encoding: x\r\nAuthorization: x\r\n\r\n', '0\r\nA: b\xe9\r\n\r\n'],
    ...[
      '0\n\n',
      '0\r\n\n',
      '0\r\r\n',
      '0\n\r\n',
      '0\r\nA\r\n\r\n',
      '0\r\nA : b\r\n\r\n',
      '0\r\n A: b\r\n\r\n',
      '0\r\nA: b\n\r\n',
    ],
    ...[
      '0\r\nA: b\rc\r\n\r\n',
      '0\r\nA: b\0\r\n\r\n',
      '0\r\nA: b\r\n c\r\n\r\n',
      '0\r\n',
      '0',
      '',
      '-0\r\n\r\n',
      '0 \r\n\r\n',
    ],
  ])
  draft.body = start + (random.chance(0.6) ? chunk : '') + end
}
