/** A message that must be flagged, and what it must be flagged for. */
export type Bad = { readonly name: string; readonly bytes: string; readonly fault: string }

const H = 'Host: shop.test\r\n'
const GET = `GET / HTTP/1.1\r\n${H}`
const POST = `POST / HTTP/1.1\r\n${H}`
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`

const NO_LINE = 'no request line'
const BARE = 'a bare CR or LF in the head'
const CONTROL = 'a control character in a field'
const NAME = 'a field name that is none'
const TARGET = 'a target that is none'
const PATH = 'a path that is none'
const HOST = 'a Host that is none'
const LENGTH = 'a length that is none'
const CODING = 'a coding other than chunked'
const SIZE = 'a chunk size that is none'
const TRAILER = 'a trailer that is none'
const HOP = 'a field for one hop only'

/** Whatever sends one of these to an application leaves it to guess. */
export const KNOWN_BAD: readonly Bad[] = [
  { name: 'no version', bytes: `GET /\r\n${H}\r\n`, fault: NO_LINE },
  { name: 'two spaces in the request line', bytes: `GET  / HTTP/1.1\r\n${H}\r\n`, fault: NO_LINE },
  { name: 'a tab in the request line', bytes: `GET\t/ HTTP/1.1\r\n${H}\r\n`, fault: NO_LINE },
  { name: 'a method that is no token', bytes: `G(T / HTTP/1.1\r\n${H}\r\n`, fault: NO_LINE },
  { name: 'a space behind the version', bytes: `GET / HTTP/1.1 \r\n${H}\r\n`, fault: NO_LINE },
  { name: 'a control byte in the target', bytes: `GET /\x01 HTTP/1.1\r\n${H}\r\n`, fault: NO_LINE },
  { name: 'a non-ASCII byte in the target', bytes: `GET /\xe9 HTTP/1.1\r\n${H}\r\n`, fault: NO_LINE },
  { name: 'an empty line before the request', bytes: `\r\n${GET}\r\n`, fault: NO_LINE },
  { name: 'HTTP/1.0', bytes: `GET / HTTP/1.0\r\n${H}\r\n`, fault: 'another version' },
  { name: 'HTTP/2.0', bytes: `GET / HTTP/2.0\r\n${H}\r\n`, fault: 'another version' },
  { name: 'line ends without CR', bytes: 'GET / HTTP/1.1\nHost: shop.test\n\n', fault: BARE },
  { name: 'one line end without CR', bytes: `${GET}A: b\nC: d\r\n\r\n`, fault: BARE },
  { name: 'a bare CR in a value', bytes: `${GET}A: b\rc\r\n\r\n`, fault: BARE },
  { name: 'a bare CR before CRLF', bytes: `${GET}A: b\r\r\n\r\n`, fault: BARE },
  { name: 'NUL in a value', bytes: `${GET}A: b\0c\r\n\r\n`, fault: CONTROL },
  { name: 'a control byte in a value', bytes: `${GET}A: b\x0bc\r\n\r\n`, fault: CONTROL },
  { name: 'DEL in a value', bytes: `${GET}A: \x7f\r\n\r\n`, fault: CONTROL },
  { name: 'a folded line', bytes: `${GET}A: b\r\n c\r\n\r\n`, fault: 'a folded line' },
  { name: 'a space before the colon', bytes: `${GET}A : b\r\n\r\n`, fault: NAME },
  { name: 'an empty name', bytes: `${GET}: b\r\n\r\n`, fault: NAME },
  { name: 'a line without a colon', bytes: `${GET}abc\r\n\r\n`, fault: NAME },
  { name: 'a non-ASCII name', bytes: `${GET}\xe9: b\r\n\r\n`, fault: NAME },
  { name: 'no Host', bytes: 'GET / HTTP/1.1\r\nA: b\r\n\r\n', fault: 'no Host' },
  { name: 'two Hosts', bytes: `${GET}${H}\r\n`, fault: 'several Hosts' },
  { name: 'a list as Host', bytes: 'GET / HTTP/1.1\r\nHost: a.test, b.test\r\n\r\n', fault: HOST },
  { name: 'user information in Host', bytes: 'GET / HTTP/1.1\r\nHost: me@shop.test\r\n\r\n', fault: HOST },
  { name: 'a path in Host', bytes: 'GET / HTTP/1.1\r\nHost: shop.test/a\r\n\r\n', fault: HOST },
  { name: 'an empty Host', bytes: 'GET / HTTP/1.1\r\nHost:\r\n\r\n', fault: HOST },
  { name: 'a port above 65535', bytes: 'GET / HTTP/1.1\r\nHost: shop.test:65536\r\n\r\n', fault: HOST },
  { name: 'an absolute target', bytes: `GET http://shop.test/ HTTP/1.1\r\n${H}\r\n`, fault: 'an absolute target' },
  { name: 'an asterisk for GET', bytes: `GET * HTTP/1.1\r\n${H}\r\n`, fault: TARGET },
  { name: 'a target without a slash', bytes: `GET a HTTP/1.1\r\n${H}\r\n`, fault: TARGET },
  { name: 'a fragment', bytes: `GET /a#b HTTP/1.1\r\n${H}\r\n`, fault: 'a target with a fragment' },
  { name: 'a back-slash in the path', bytes: `GET /a\\b HTTP/1.1\r\n${H}\r\n`, fault: PATH },
  { name: 'a bad percent-encoding', bytes: `GET /%zz HTTP/1.1\r\n${H}\r\n`, fault: PATH },
  { name: '%00 in the path', bytes: `GET /a%00 HTTP/1.1\r\n${H}\r\n`, fault: PATH },
  { name: 'a dot segment', bytes: `GET /a/../b HTTP/1.1\r\n${H}\r\n`, fault: 'a dot segment' },
  { name: 'an encoded dot segment', bytes: `GET /a/%2e%2E HTTP/1.1\r\n${H}\r\n`, fault: 'a dot segment' },
  { name: 'a dot segment with parameters', bytes: `GET /a/..;x/b HTTP/1.1\r\n${H}\r\n`, fault: 'a dot segment' },
  {
    name: 'an encoded letter in the path',
    bytes: `GET /%61dmin HTTP/1.1\r\n${H}\r\n`,
    fault: 'an unreserved character, encoded',
  },
  { name: 'a signed length', bytes: `${POST}Content-Length: +3\r\n\r\nabc`, fault: LENGTH },
  { name: 'an empty length', bytes: `${POST}Content-Length:\r\n\r\n`, fault: LENGTH },
  { name: 'a list of lengths', bytes: `${POST}Content-Length: 3, 3\r\n\r\nabc`, fault: LENGTH },
  { name: 'a hexadecimal length', bytes: `${POST}Content-Length: 0x3\r\n\r\nabc`, fault: LENGTH },
  { name: 'a length above 2^53 - 1', bytes: `${POST}Content-Length: 9007199254740992\r\n\r\n`, fault: LENGTH },
  {
    name: 'two equal lengths',
    bytes: `${POST}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`,
    fault: 'several lengths',
  },
  {
    name: 'a length and a coding',
    bytes: `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    fault: 'a length and a coding',
  },
  { name: 'another coding', bytes: `${POST}Transfer-Encoding: gzip\r\n\r\n`, fault: CODING },
  { name: 'chunked and another', bytes: `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, fault: CODING },
  {
    name: 'chunked twice',
    bytes: `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    fault: CODING,
  },
  { name: 'a chunk size that is no number', bytes: `${CHUNKED}g\r\nabc\r\n0\r\n\r\n`, fault: SIZE },
  { name: 'a signed chunk size', bytes: `${CHUNKED}+3\r\nabc\r\n0\r\n\r\n`, fault: SIZE },
  { name: 'a space behind a chunk size', bytes: `${CHUNKED}3 \r\nabc\r\n0\r\n\r\n`, fault: SIZE },
  { name: 'a chunk size above 2^53 - 1', bytes: `${CHUNKED}20000000000000\r\nabc\r\n`, fault: SIZE },
  { name: 'a bare LF behind a chunk size', bytes: `${CHUNKED}3\nabc\r\n0\r\n\r\n`, fault: SIZE },
  { name: 'a chunk extension', bytes: `${CHUNKED}3;a=b\r\nabc\r\n0\r\n\r\n`, fault: 'a chunk extension' },
  { name: 'a chunk longer than its size', bytes: `${CHUNKED}3\r\nabcd\r\n0\r\n\r\n`, fault: 'no CRLF after a chunk' },
  { name: 'a bare LF behind a chunk', bytes: `${CHUNKED}3\r\nabc\n0\r\n\r\n`, fault: 'no CRLF after a chunk' },
  { name: 'a trailer that is no field', bytes: `${CHUNKED}0\r\nabc\r\n\r\n`, fault: TRAILER },
  {
    name: 'a trailer that frames',
    bytes: `${CHUNKED}0\r\nContent-Length: 3\r\n\r\n`,
    fault: 'a trailer that frames, routes or authenticates',
  },
  { name: 'Connection', bytes: `${GET}Connection: close\r\n\r\n`, fault: HOP },
  { name: 'Keep-Alive', bytes: `${GET}Keep-Alive: timeout=5\r\n\r\n`, fault: HOP },
  { name: 'TE', bytes: `${GET}TE: trailers\r\n\r\n`, fault: HOP },
  { name: 'Proxy-Connection', bytes: `${GET}Proxy-Connection: close\r\n\r\n`, fault: HOP },
  { name: 'Upgrade without Connection', bytes: `${GET}Upgrade: h2c\r\n\r\n`, fault: HOP },
  {
    name: 'a length with "_"',
    bytes: `${POST}Content_Length: 3\r\n\r\n`,
    fault: 'a framing field with "_"',
  },
  {
    name: 'what follows a body',
    bytes: `${POST}Content-Length: 3\r\n\r\nabcdGET / HTTP/1.1\r\n\r\n`,
    fault: 'no Host',
  },
]

/** Messages that must pass, each with how many requests it holds. */
export const KNOWN_GOOD: readonly { readonly name: string; readonly bytes: string; readonly requests: number }[] = [
  { name: 'a GET', bytes: `${GET}\r\n`, requests: 1 },
  { name: 'an unusual method', bytes: `M-SEARCH! / HTTP/1.1\r\n${H}\r\n`, requests: 1 },
  { name: 'a method in lower case', bytes: `get / HTTP/1.1\r\n${H}\r\n`, requests: 1 },
  { name: 'a query with everything in it', bytes: `GET /?a=%zz&..\\/"<>{}|^\`%00 HTTP/1.1\r\n${H}\r\n`, requests: 1 },
  {
    name: 'a path with everything in it',
    bytes: `GET //a;b=c/"<>{}|^\`[]%2F%5c%C3/... HTTP/1.1\r\n${H}\r\n`,
    requests: 1,
  },
  { name: 'OPTIONS of everything', bytes: `OPTIONS * HTTP/1.1\r\n${H}\r\n`, requests: 1 },
  { name: 'IPv6 and a port as Host', bytes: 'GET / HTTP/1.1\r\nhost:[::1]:8080\r\n\r\n', requests: 1 },
  { name: 'an empty value', bytes: `${GET}A:\r\nB: \t \r\n\r\n`, requests: 1 },
  { name: 'obs-text and tabs in a value', bytes: `${GET}A: \xe9\tb\xff\r\n\r\n`, requests: 1 },
  { name: 'odd names', bytes: `${GET}__proto__: x\r\n!#$%&'*+-.^_\`|~9: y\r\n\r\n`, requests: 1 },
  { name: 'a body', bytes: `${POST}Content-Length: 3\r\n\r\nabc`, requests: 1 },
  { name: 'an empty body', bytes: `${POST}Content-Length: 0\r\n\r\n`, requests: 1 },
  { name: 'chunks', bytes: `${CHUNKED}3\r\nabc\r\n0a\r\n0\r\n\r\n12345\r\n0\r\n\r\n`, requests: 1 },
  { name: 'no chunks', bytes: `${CHUNKED}0\r\n\r\n`, requests: 1 },
  { name: 'trailers', bytes: `${CHUNKED}3\r\nabc\r\n0\r\nExpires: x\r\nX-Sum: 1\r\n\r\n`, requests: 1 },
  { name: 'an upgrade', bytes: `${GET}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, requests: 1 },
  {
    name: 'several on one connection',
    bytes: `${POST}Content-Length: 3\r\n\r\nabc${GET}\r\n${CHUNKED}0\r\n\r\n${GET}\r\n`,
    requests: 4,
  },
]
