import { describe, expect, it } from 'vitest'
import { privateCacheControl } from '../../../router/dataplane/cache-control.ts'
import { parseRequestHead, RequestHead } from '../../../router/dataplane/http1/request-head.ts'
import { parseResponseHead, ResponseHead } from '../../../router/dataplane/http1/response-head.ts'
import { writeRequestHead } from '../../../router/dataplane/request-fields.ts'
import { rewriteSetCookie } from '../../../router/dataplane/rewrite/cookies.ts'
import { rewriteLink, rewriteLocation, rewriteRefresh } from '../../../router/dataplane/rewrite/location.ts'
import { ownHosts } from '../../../router/dataplane/rewrite/own-hosts.ts'
import { canonicalPath } from '../../../router/kernel/canonical.ts'

/**
 * What a peer may send within the limits is read in about the time its length takes: one that costs its square would
 * let a single client hold up all others. The slowest here takes some 10 ms; each square took half a second or more.
 */
const LIMIT_US = 200_000

function cpu(work: () => void): number {
  const start = process.threadCpuUsage()
  work()
  return process.threadCpuUsage(start).user
}

const SIZE = 30_000
const BLANKS = ' '.repeat(SIZE)

describe('a request head of 30 KB', () => {
  it.each([
    ['Connection', `x${BLANKS}x`],
    ['Connection', 'a,'.repeat(SIZE / 2)],
    ['Connection', ','.repeat(SIZE)],
    ['Connection', `upgrade\r\nUpgrade: x${BLANKS}x`],
    ['Connection', `upgrade\r\nUpgrade: ${'a,'.repeat(SIZE / 2)}`],
    ['Transfer-Encoding', `chunked${BLANKS}`],
    ['Content-Length', '0'.repeat(SIZE)],
    ['Cookie', `a=1;${BLANKS}banyan-key=x`],
    ['Cookie', 'banyan-key=;'.repeat(SIZE / 12)],
    ['Cookie', ';'.repeat(SIZE)],
    ['Via', `1.1${BLANKS}x`],
    ['Expect', `100-continue${BLANKS}`],
    ['X-Forwarded-For', ','.repeat(SIZE)],
    ['X', `${BLANKS}x`],
  ])('with %s, case %#, costs no more than its length', (name, value) => {
    const text = `GET / HTTP/1.1\r\nHost: a\r\n${name}: ${value}\r\n${'b: c\r\n'.repeat(190)}\r\n`
    const head = new RequestHead()
    const raw = { text, bytes: Buffer.from(text, 'latin1'), base: 0 }
    const spent = cpu(() => {
      if (parseRequestHead(raw, text.length - 2, head) === undefined) writeRequestHead(head, FORWARDING)
    })
    expect(spent).toBeLessThan(LIMIT_US)
  })

  it('is refused for a Host of that length without trying all ways to read it', () => {
    for (const host of [
      `[${':'.repeat(SIZE)}`,
      '%41'.repeat(SIZE / 3),
      `a:${'0'.repeat(SIZE)}`,
      `${'a.'.repeat(SIZE / 2)}/`,
    ]) {
      const text = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`
      const raw = { text, bytes: Buffer.from(text, 'latin1'), base: 0 }
      expect(cpu(() => parseRequestHead(raw, text.length - 2, new RequestHead()))).toBeLessThan(LIMIT_US)
    }
  })
})

describe('a path of 8 KB', () => {
  it.each(['/..', '/a/..', '/.', '//', ';', '/;a', '%41', '%2e%2e/', '%'])('of many %s', (part) => {
    const path = `/${part.repeat(8000 / part.length)}`
    expect(cpu(() => canonicalPath(path))).toBeLessThan(LIMIT_US)
  })
})

describe('a field of 60 KB in an answer', () => {
  const own = ownHosts(['clinic.internal'])
  const origin = 'http://shop.test'
  const long = BLANKS + BLANKS
  const odd = '\xa0'.repeat(SIZE * 2)

  it.each([
    ['Connection', `a${long}a`],
    ['Connection', 'a,'.repeat(SIZE)],
  ])('%s, case %#, is read', (name, value) => {
    const text = `HTTP/1.1 200 OK\r\n${name}: ${value}\r\n\r\n`
    const raw = { text, bytes: Buffer.from(text, 'latin1'), base: 0 }
    expect(cpu(() => parseResponseHead(raw, text.length - 2, false, new ResponseHead()))).toBeLessThan(LIMIT_US)
  })

  it.each([`5${long}x`, `${odd}x`, `5${odd};${odd}x`, `5; url=${long}x`, `url${odd}x`, '5;'.repeat(SIZE)])(
    'Refresh, case %#, is rewritten',
    (value) => expect(cpu(() => rewriteRefresh(value, own, origin))).toBeLessThan(LIMIT_US),
  )

  it.each(['<'.repeat(SIZE * 2), '"<'.repeat(SIZE), '"\\'.repeat(SIZE), `"${'\\"'.repeat(SIZE)}\\`, `<a>; x="${long}`])(
    'Link, case %#, is rewritten',
    (value) => expect(cpu(() => rewriteLink(`//${value}`, own, origin))).toBeLessThan(LIMIT_US),
  )

  it.each([`http://${'@'.repeat(SIZE)}`, `//${'a:'.repeat(SIZE)}`, `http://${'a'.repeat(SIZE)}:${'1'.repeat(SIZE)}x`])(
    'Location, case %#, is rewritten',
    (value) => expect(cpu(() => rewriteLocation(value, own, origin))).toBeLessThan(LIMIT_US),
  )

  it.each([`a=1; domain=${long}x y`, `a=1; domain${odd}x`, `${odd}domain`, ';domain'.repeat(8000), ';'.repeat(SIZE)])(
    'Set-Cookie, case %#, is rewritten',
    (value) => expect(cpu(() => rewriteSetCookie(value, own))).toBeLessThan(LIMIT_US),
  )

  it.each([`a${long}x`, '"'.repeat(SIZE), ',"\\'.repeat(SIZE / 2), `"${'\\"'.repeat(SIZE)}`])(
    'Cache-Control, case %#, is made private',
    (value) => expect(cpu(() => privateCacheControl([value]))).toBeLessThan(LIMIT_US),
  )
})

const FORWARDING = {
  target: '/',
  hostField: 'a',
  peer: '127.0.0.1',
  trusted: false,
  requestId: 'test',
  pseudonym: 'banyan',
  varies: false,
}
