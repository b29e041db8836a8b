import { describe, expect, it } from 'vitest'
import { client, get, problemOf, rawUpstream, routed, router, statusOf, talk } from './support.ts'

/** The head that the upstream received, without the fields that the router adds to every request. */
function forwarded(sent: string): string {
  const head = sent.slice(0, sent.indexOf('\r\n\r\n') + 2)
  return head.replace(/^(?:X-Forwarded-(?:For|Host|Proto)|Via|X-Request-Id): .*\r\n/gm, '')
}

describe('a request on its way upstream', () => {
  it('H13: an absolute target has its authority as Host and is forwarded in origin form', async () => {
    const { port, upstream } = await routed()
    await talk(port, 'GET http://other.test:81/a?b HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n')
    expect(upstream.received.join('')).toMatch(/^GET \/a\?b HTTP\/1\.1\r\nHost: other\.test:81\r\n/)
  })

  it('H13: the authority of an absolute target routes', async () => {
    const a = await routed('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na')
    const b = await routed('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb')
    const { port } = await router({
      upstreams: { a: { ports: [a.upstream.port] }, b: { ports: [b.upstream.port] } },
      rules: [
        { match: { host: 'b.test' }, action: { kind: 'forward', upstream: 'b' } },
        { id: 'default', origin: 'default', action: { kind: 'forward', upstream: 'a' } },
      ],
    })
    const answer = await talk(port, 'GET http://B.test:8080/ HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n')
    expect(answer).toMatch(/\r\n\r\nb$/)
  })

  it.each(['OPTIONS * HTTP/1.1', 'OPTIONS http://shop.test HTTP/1.1'])('H13: %s is answered here', async (line) => {
    const { port, upstream } = await routed()
    const answer = await talk(port, `${line}\r\nHost: shop.test\r\nConnection: close\r\n\r\n`)
    expect(statusOf(answer)).toBe(204)
    expect(answer).toContain('\r\nAllow: GET,')
    expect(upstream.received).toEqual([])
  })

  it('H13: OPTIONS with Max-Forwards goes one hop less far, and 0 is answered here', async () => {
    const { port, upstream } = await routed()
    const options = (hops: string): Promise<string> =>
      talk(port, get('/a', `Max-Forwards: ${hops}`).replace('GET', 'OPTIONS'))
    expect(await options('0')).toMatch(/^HTTP\/1\.1 204 [\s\S]*\r\nAllow: GET,/)
    expect(upstream.received).toEqual([])
    await options('1')
    await options('70')
    await options('many')
    await talk(port, get('/', 'Max-Forwards: 0'))
    const hops = [
      ...upstream.received.join('').matchAll(/(\w+) \S+ HTTP\/1\.1\r\nHost: shop\.test\r\nMax-Forwards: (.*)\r\n/g),
    ]
    expect(hops.map(([, method, value]) => `${method} ${value}`)).toEqual([
      'OPTIONS 0',
      'OPTIONS 69',
      'OPTIONS many',
      'GET 0',
    ])
  })

  it('H13: TRACE is refused whatever its Max-Forwards', async () => {
    const { port } = await routed()
    expect(statusOf(await talk(port, get('/', 'Max-Forwards: 0').replace('GET', 'TRACE')))).toBe(405)
  })

  it('H14: hop-by-hop fields and those that Connection names do not pass', async () => {
    const { port, upstream } = await routed()
    await talk(
      port,
      get(
        '/',
        'Keep-Alive: timeout=5',
        'TE: trailers',
        'Trailer: X-Sum',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQAAP',
        'Proxy-Connection: keep-alive',
        'Proxy-Authorization: Basic eA==',
        'Connection: X-Mine, Upgrade, HTTP2-Settings',
        'x-mine: 1',
        'X-Other: 2',
      ),
    )
    expect(forwarded(upstream.received.join(''))).toBe('GET / HTTP/1.1\r\nHost: shop.test\r\nX-Other: 2\r\n')
  })

  it('H14: naming one of ours in Connection does not remove what we add', async () => {
    const { port, upstream } = await routed()
    await talk(port, get('/', 'Connection: Via, X-Request-Id', 'Via: 1.1 evil', 'X-Request-Id: mine'))
    const sent = upstream.received.join('')
    expect(sent).not.toContain('evil')
    expect(sent).toContain('\r\nVia: 1.1 banyan\r\n')
    expect(sent).toMatch(/\r\nX-Request-Id: /)
  })

  it('H15: order, repeats, case, obs-text and empty values stay; __proto__ is a field', async () => {
    const { port, upstream } = await routed()
    const fields = ['b: 1', 'A: \xe9\xff', 'B: 2', 'Empty:', '__proto__: x', 'constructor: y', 'Cookie: a=1', 'a: 3']
    await talk(port, get('/', ...fields))
    const expected = fields.map((field) => field.replace(/:$/, ': ')).join('\r\n')
    expect(forwarded(upstream.received.join(''))).toBe(`GET / HTTP/1.1\r\nHost: shop.test\r\n${expected}\r\n`)
  })

  it('H16: what an untrusted peer claims of others is dropped and set afresh', async () => {
    const { port, upstream } = await routed()
    const claims = [
      'X-Forwarded-For: 1.2.3.4',
      'X_Forwarded_For: 1.2.3.4',
      'X-Forwarded-Host: evil.test',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Prefix: /evil',
      'X-Forwarded-Anything: evil',
      'Forwarded: for=1.2.3.4;host=evil.test',
      'X-Real-IP: 1.2.3.4',
      'X_Real-Ip: 1.2.3.4',
      'X-Original-URL: /admin',
      'X-Rewrite-URL: /admin',
      'x-banyan-arm: candidate',
      'X_Banyan_Anything: evil',
      'x-banyan-a: evil',
      'x_banyan_: evil',
      'Content_Length: 5',
      'Transfer_Encoding: chunked',
    ]
    await talk(port, get('/', ...claims))
    const sent = upstream.received.join('')
    expect(forwarded(sent)).toBe('GET / HTTP/1.1\r\nHost: shop.test\r\n')
    expect(sent).toContain(
      '\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: shop.test\r\nX-Forwarded-Proto: http\r\n',
    )
  })

  it('H16: a trusted peer is believed, and its list of addresses grows', async () => {
    const { port, upstream } = await routed(undefined, {}, { settings: { trustedProxies: ['127.0.0.0/8'] } })
    await talk(
      port,
      get(
        '/',
        'X-Forwarded-For: 1.2.3.4',
        'X-Forwarded-For: 5.6.7.8',
        'X-Forwarded-Host: public.test',
        'X-Forwarded-Proto: https',
        'X-Real-IP: 1.2.3.4',
        'Forwarded: for=9.9.9.9',
        'X-Banyan-Arm: candidate',
      ),
    )
    const sent = upstream.received.join('')
    expect(sent).toContain('\r\nX-Forwarded-For: 1.2.3.4, 5.6.7.8, 127.0.0.1\r\n')
    expect(sent).toContain('\r\nX-Forwarded-Host: public.test\r\nX-Forwarded-Proto: https\r\nX-Real-IP: 1.2.3.4\r\n')
    expect(sent.match(/X-Forwarded-/g)).toHaveLength(3)
    expect(sent).not.toMatch(/^(?:Forwarded|X-Banyan)/im)
  })

  it('H16: a request id that is one is kept, another is replaced', async () => {
    const { port, upstream } = await routed()
    await talk(port, get('/', 'X-Request-Id: abc-123'))
    await talk(port, get('/', 'X-Request-Id: a b'))
    await talk(port, get('/', 'X-Request-Id: one', 'X-Request-Id: two'))
    const ids = [...upstream.received.join('').matchAll(/X-Request-Id: (.*)\r\n/g)].map((found) => found[1])
    expect(ids).toHaveLength(3)
    expect(ids[0]).toBe('abc-123')
    expect(ids.slice(1)).not.toContain('a b')
    expect(new Set(ids).size).toBe(3)
  })

  it('H17: Via names us both ways, with the version received', async () => {
    const { port, upstream } = await routed('HTTP/1.0 200 OK\r\nVia: 1.0 inner\r\nContent-Length: 0\r\n\r\n')
    const answer = await talk(port, 'GET / HTTP/1.0\r\nHost: shop.test\r\nVia: 1.1 outer\r\n\r\n')
    expect(upstream.received.join('')).toContain('\r\nVia: 1.1 outer\r\n')
    expect(upstream.received.join('')).toContain('\r\nVia: 1.0 banyan\r\n')
    expect(answer).toContain('\r\nVia: 1.0 inner\r\n')
    expect(answer).toContain('\r\nVia: 1.0 banyan\r\n')
  })

  it('H17: a request may pass through us twice, a third time is 508', async () => {
    const { port, upstream } = await routed()
    expect(statusOf(await talk(port, get('/', 'Via: 1.1 banyan, 1.1 legacy')))).toBe(200)
    const looped = await talk(port, get('/', 'Via: 1.1 banyan, 1.1 legacy (x)', 'via: 1.1 banyan'))
    expect(statusOf(looped)).toBe(508)
    expect(problemOf(looped).code).toBe('loop_detected')
    expect(upstream.received).toHaveLength(1)
  })

  it('H17: the pseudonym can be set', async () => {
    const { port, upstream } = await routed(undefined, {}, {}, { pseudonym: 'edge' })
    expect(await talk(port, get('/'))).toContain('\r\nVia: 1.1 edge\r\n')
    expect(upstream.received.join('')).toContain('\r\nVia: 1.1 edge\r\n')
  })

  it.each([
    { sent: '/a/./b/../c', path: '/a/c', why: 'dot segments are resolved' },
    { sent: '/%7Eme/%41', path: '/~me/A', why: 'unreserved characters are decoded' },
    { sent: '/%2e%2E/a', path: undefined, why: 'encoded dot segments are resolved too' },
    { sent: '/a/%2e%2e/b', path: '/b', why: 'encoded dots walk up' },
    { sent: '/%252e', path: '/%252e', why: 'nothing is decoded twice' },
    { sent: '//a//B/', path: '//a//B/', why: 'double slashes and case are kept' },
    { sent: '/a;jsessionid=1/b', path: '/a;jsessionid=1/b', why: 'path parameters are kept' },
    { sent: '/a%2Fb%5Cc', path: '/a%2Fb%5Cc', why: 'H25: encoded separators stay encoded' },
    { sent: '/"<>[]{}|^`', path: '/"<>[]{}|^`', why: 'other characters pass' },
    { sent: '/a?x=%zz&y=\\"<>{}|^`[]%00', path: '/a?x=%zz&y=\\"<>{}|^`[]%00', why: 'a query passes byte-exact' },
    { sent: '/?', path: '/?', why: 'an empty query is one' },
  ])('H24: $sent: $why', async ({ sent, path }) => {
    const { port, upstream } = await routed()
    const answer = await talk(port, get(sent))
    if (path === undefined) expect(statusOf(answer)).toBe(400)
    else expect(upstream.received.join('').split(' HTTP/1.1')[0]).toBe(`GET ${path}`)
  })

  it.each([
    { encodedSlash: undefined, tier: 'legacy', rule: 'default', status: 200 },
    { encodedSlash: undefined, tier: 'service', rule: 'default', status: 400 },
    { encodedSlash: undefined, tier: 'legacy', rule: 'route', status: 400 },
    { encodedSlash: 'keep', tier: 'service', rule: 'route', status: 200 },
    { encodedSlash: 'reject', tier: 'legacy', rule: 'default', status: 400 },
  ] as const)(
    'H25: encodedSlash $encodedSlash, tier $tier, $rule: %2F and %5C are $status',
    async ({ encodedSlash, tier, rule, status }) => {
      const upstream = await rawUpstream()
      const { port } = await router({
        upstreams: { clinic: { ports: [upstream.port], tier, encodedSlash } },
        rules: [{ origin: rule, match: { path: '/**' }, action: { kind: 'forward', upstream: 'clinic' } }],
      })
      for (const path of ['/a%2Fb', '/a%2fb', '/a%5Cb', '/a;x=%5c/b']) {
        const answer = await talk(port, get(path))
        expect(statusOf(answer)).toBe(status)
        if (status === 400) expect(problemOf(answer).detail).toContain('contains "%2F" or "%5C"')
      }
      for (const path of ['/a%252Fb', '/a?b=%2F', '/a%20b']) expect(statusOf(await talk(port, get(path)))).toBe(200)
      expect(upstream.received.join('').includes('GET /a%2fb HTTP')).toBe(status === 200)
    },
  )

  it('H24: what is matched is the canonical path', async () => {
    const upstream = await routed()
    const { port } = await router({
      upstreams: { clinic: { ports: [upstream.upstream.port] } },
      rules: [
        { match: { path: '/admin/**' }, action: { kind: 'unavailable', reason: 'closed' } },
        { id: 'default', origin: 'default', action: { kind: 'forward', upstream: 'clinic' } },
      ],
    })
    for (const path of ['/admin', '/admin/', '//admin/x', '/x/../admin/y', '/%61dmin', '/admin;a=b/users']) {
      expect(statusOf(await talk(port, get(path)))).toBe(503)
    }
    expect(statusOf(await talk(port, get('/administrator')))).toBe(200)
  })

  it.each([
    { hostHeader: 'preserve', host: /^Host: shop\.test\r$/m },
    { hostHeader: 'upstream', host: /^Host: 127\.0\.0\.1:\d+\r$/m },
    { hostHeader: { name: 'clinic.internal' }, host: /^Host: clinic\.internal\r$/m },
  ] as const)('Host is what hostHeader $hostHeader says', async ({ hostHeader, host }) => {
    const { port, upstream } = await routed(undefined, { hostHeader })
    await talk(port, get('/'))
    expect(upstream.received.join('')).toMatch(host)
  })

  it("H2: an HTTP/1.0 request without Host gets the upstream's", async () => {
    const { port, upstream } = await routed()
    expect(statusOf(await talk(port, 'GET / HTTP/1.0\r\n\r\n'))).toBe(200)
    expect(upstream.received.join('')).toMatch(new RegExp(`^Host: 127.0.0.1:${upstream.port}\r$`, 'm'))
  })

  it('the path of an endpoint is put before the path of the request', async () => {
    const { upstream } = await routed()
    const { port } = await router({
      upstreams: { app: { endpoints: [{ kind: 'address', host: '127.0.0.1', port: upstream.port, path: '/app' }] } },
    })
    await talk(port, get('/owners?x=1'))
    expect(upstream.received.join('')).toMatch(/^GET \/app\/owners\?x=1 HTTP/)
  })

  it('our own cookie is taken out, the others stay', async () => {
    const { port, upstream } = await routed()
    await talk(port, get('/', 'Cookie: a=1; banyan-key=x.y; b=2', 'Cookie: banyan-key=z', 'Cookie: xbanyan-key=1'))
    expect(forwarded(upstream.received.join(''))).toBe(
      'GET / HTTP/1.1\r\nHost: shop.test\r\nCookie: a=1; b=2\r\nCookie: xbanyan-key=1\r\n',
    )
  })
})

describe('an answer on its way to the client', () => {
  it('H14: hop-by-hop fields and those that Connection names do not pass', async () => {
    const { port } = await routed(
      'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\nTrailer: X\r\nConnection: X-Mine\r\nX-Mine: 1\r\nContent-Length: 0\r\n\r\n',
    )
    const answer = await talk(port, get('/'))
    expect(answer).toBe('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nVia: 1.1 banyan\r\nConnection: close\r\n\r\n')
  })

  it('H15, H18: fields pass in order, repeated, byte for byte; Set-Cookie is never joined', async () => {
    const fields = [
      'Server: legacy/1.0',
      'Date: Thu, 01 Jan 1970 00:00:00 GMT',
      'set-cookie: a=1',
      'Set-Cookie: b=2, c',
      'X-Odd: \xe9',
      'Content-Encoding: br',
      'Content-Range: bytes 0-1/2',
      '__proto__: x',
      'Content-Length: 2',
    ].join('\r\n')
    const { port } = await routed(`HTTP/1.1 206 Teil\xfc Content\r\n${fields}\r\n\r\n\x00\xff`)
    const answer = await talk(port, get('/'))
    expect(answer).toBe(
      `HTTP/1.1 206 Teil\xfc Content\r\n${fields}\r\nVia: 1.1 banyan\r\nConnection: close\r\n\r\n\x00\xff`,
    )
  })

  it('debug adds route, upstream and arm, and nothing does otherwise', async () => {
    const plain = await routed()
    expect(await talk(plain.port, get('/'))).not.toContain('x-banyan')
    const { port } = await routed(undefined, {}, { settings: { debug: true } })
    expect(await talk(port, get('/'))).toContain('x-banyan-route: default\r\nx-banyan-upstream: clinic\r\n')
  })

  it('keep-alive is kept on both sides', async () => {
    const { port, upstream } = await routed()
    const raw = await client(port)
    for (let count = 1; count <= 3; count++) {
      raw.send('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n')
      await raw.until((text) => text.split('\r\n\r\nok').length === count + 1)
    }
    expect(raw.text()).not.toContain('Connection:')
    expect(upstream.received).toHaveLength(1)
  })

  it.each([
    ['Connection: close', 'Connection: keep-alive'],
    ['Connection: keep-alive', 'Connection: x, close'],
  ])('close wins over keep-alive in another field: %s, %s', async (...fields) => {
    const { port, upstream } = await routed()
    const raw = await client(
      port,
      `GET / HTTP/1.1\r\nHost: shop.test\r\n${fields.join('\r\n')}\r\n\r\n${get('/second')}`,
    )
    expect(await raw.closed).toBe('end')
    expect(raw.text().match(/HTTP\/1\.1 200/g)).toHaveLength(1)
    expect(upstream.received.join('')).not.toContain('/second')
  })

  it('close of an upstream wins over its keep-alive in another field', async () => {
    const { port, upstream } = await routed(
      'HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n',
    )
    await talk(port, get('/'))
    await talk(port, get('/'))
    expect(upstream.received).toHaveLength(2)
  })

  it('only space and tab are white space around a Connection option', async () => {
    const { port, upstream } = await routed()
    const raw = await client(port, 'GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\xa0\r\n\r\n')
    await raw.until(/ok$/)
    raw.send(get('/', 'Connection: \t close \t'))
    await raw.closed
    expect(raw.text().match(/HTTP\/1\.1 200/g)).toHaveLength(2)
    expect(upstream.received.join('').match(/^GET /gm)).toHaveLength(2)
  })

  it('HTTP/1.0 clients get close, or keep-alive where they ask for it', async () => {
    const { port } = await routed()
    expect(await talk(port, 'GET / HTTP/1.0\r\n\r\n')).toContain('\r\nConnection: close\r\n')
    const raw = await client(port, 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
    await raw.until(/\r\nConnection: keep-alive\r\n\r\nok$/)
    raw.send('GET / HTTP/1.0\r\n\r\n')
    await raw.closed
    expect(raw.text().match(/HTTP\/1\.1 200/g)).toHaveLength(2)
  })
})
