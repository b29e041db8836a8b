import { describe, expect, it } from 'vitest'
import { manualClock } from '../../router/kernel/clock.ts'
import type { PolicySpec } from '../../router/model/spec.ts'
import { client, get, problemOf, rawUpstream, router, statusOf, talk } from './support.ts'

/** A router whose only route has these policies, and its upstream. */
async function policed(
  policies: readonly PolicySpec[],
  over: {
    readonly answer?: Parameters<typeof rawUpstream>[0]
    readonly answers?: number
    readonly paths?: 'insensitive'
    readonly path?: string
    readonly hostHeader?: 'upstream'
  } = {},
) {
  const { answer, answers: status, paths = 'sensitive', path = '/**', hostHeader = 'preserve' } = over
  const upstream = await rawUpstream(answer)
  const action =
    status === undefined ? ({ kind: 'forward', upstream: 'a' } as const) : ({ kind: 'answer', status } as const)
  const { port, plane } = await router(
    {
      settings: { paths },
      upstreams: { a: { ports: [upstream.port], hostHeader } },
      rules: [{ match: { path }, action, policies }],
    },
    { clock: manualClock(Date.UTC(2026, 0, 2)) },
  )
  return { port, plane, upstream }
}

/** Names and values of a head, as `name: value`. */
function fieldsOf(text: string): readonly string[] {
  return text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n').slice(1)
}

describe('rewrite', () => {
  it.each([
    { asked: '/v2/vets', sent: '/vets' },
    { asked: '/v2', sent: '/' },
    { asked: '/v2/', sent: '/' },
    { asked: '/v2?a=b', sent: '/?a=b' },
    { asked: '/v2/a%2eb//c;d=1/', sent: '/a.b//c;d=1/' },
    { asked: '/v2;x=1/vets', sent: '/vets' },
    { asked: '//v2//vets', sent: '//vets' },
    { asked: '/x/../v2/vets', sent: '/vets' },
    { asked: '/v2/../v2x/vets', sent: '/v2x/vets' },
    { asked: '/v2x/vets', sent: '/v2x/vets' },
    { asked: '/a/v2/vets', sent: '/a/v2/vets' },
    { asked: '/V2/vets', sent: '/V2/vets' },
    { asked: '/%76%32/vets', sent: '/vets' },
  ])('H26: stripPrefix /v2 sends $asked as $sent', async ({ asked, sent }) => {
    const { port, upstream } = await policed([{ kind: 'rewrite', options: { prefix: { from: '/v2', to: '' } } }])
    await talk(port, get(asked))
    expect(upstream.received.join('').split('\r\n')[0]).toBe(`GET ${sent} HTTP/1.1`)
  })

  it.each([
    { from: '/v2', to: '/api/v3', asked: '/v2/vets', sent: '/api/v3/vets' },
    { from: '/v2', to: '/api', asked: '/v2', sent: '/api' },
    { from: '', to: '/app', asked: '/vets', sent: '/app/vets' },
    { from: '', to: '/app', asked: '/', sent: '/app/' },
    { from: '/a/b', to: '/c', asked: '/a/b/d', sent: '/c/d' },
    { from: '/a/b', to: '/c', asked: '/a/d', sent: '/a/d' },
  ])('H26: replacePrefix "$from" by "$to" sends $asked as $sent', async ({ from, to, asked, sent }) => {
    const { port, upstream } = await policed([{ kind: 'rewrite', options: { prefix: { from, to } } }])
    await talk(port, get(asked))
    expect(upstream.received.join('').split('\r\n')[0]).toBe(`GET ${sent} HTTP/1.1`)
  })

  it('looks past case where paths are insensitive, and keeps the case of the rest', async () => {
    const { port, upstream } = await policed([{ kind: 'rewrite', options: { prefix: { from: '/v2', to: '' } } }], {
      paths: 'insensitive',
    })
    await talk(port, get('/V2/Vets'))
    expect(upstream.received.join('')).toMatch(/^GET \/Vets HTTP/)
  })

  it('gives the upstream another Host, whatever its hostHeader says, and X-Forwarded-Host stays', async () => {
    const { port, upstream } = await policed([{ kind: 'rewrite', options: { host: 'vets.internal:81' } }], {
      hostHeader: 'upstream',
    })
    await talk(port, get('/'))
    expect(fieldsOf(upstream.received.join(''))).toEqual(
      expect.arrayContaining(['Host: vets.internal:81', 'X-Forwarded-Host: shop.test']),
    )
  })

  it('is forgotten by the next request of the connection', async () => {
    const upstream = await rawUpstream()
    const { port } = await router({
      upstreams: { a: { ports: [upstream.port] } },
      rules: [
        {
          match: { path: '/v2/**' },
          action: { kind: 'forward', upstream: 'a' },
          policies: [{ kind: 'rewrite', options: { prefix: { from: '/v2', to: '' }, host: 'other' } }],
        },
        { id: 'default', origin: 'default', action: { kind: 'forward', upstream: 'a' } },
      ],
    })
    await talk(port, `GET /v2/a HTTP/1.1\r\nHost: b\r\n\r\n${get('/v2x')}`)
    const heads = upstream.received.join('').match(/GET .*\r\nHost: .*\r\n/g)
    expect(heads).toEqual(['GET /a HTTP/1.1\r\nHost: other\r\n', 'GET /v2x HTTP/1.1\r\nHost: shop.test\r\n'])
  })
})

describe('requestHeaders and responseHeaders', () => {
  const changes = { remove: ['X-Gone'], set: { 'X-Set': 'new' }, append: { 'X-More': 'two' } }

  it('change what goes upstream in any case, and nothing else', async () => {
    const { port, upstream } = await policed([{ kind: 'requestHeaders', options: changes }])
    await talk(port, get('/', 'x-gone: 1', 'x-set: old', 'X-SET: older', 'x-more: one', 'x-kept: 1'))
    const fields = fieldsOf(upstream.received.join('')).filter((field) => /^x-(?!forwarded|request)/i.test(field))
    expect(fields).toEqual(['x-more: one', 'x-kept: 1', 'X-Set: new', 'X-More: two'])
  })

  it('change what comes back, but no interim answer', async () => {
    const head = 'X-Gone: 1\r\nx-set: old\r\nX-More: one\r\nX-Kept: 1\r\n'
    const answer = `HTTP/1.1 103 Early Hints\r\nX-Gone: 1\r\n\r\nHTTP/1.1 200 OK\r\n${head}Content-Length: 2\r\n\r\nok`
    const { port } = await policed([{ kind: 'responseHeaders', options: changes }], { answer })
    const [, interim = '', final = ''] = (await talk(port, get('/'))).split('HTTP/1.1 ')
    expect(interim).toContain('X-Gone: 1')
    expect(fieldsOf(final).filter((field) => field.startsWith('X-'))).toEqual([
      'X-More: one',
      'X-Kept: 1',
      'X-Set: new',
      'X-More: two',
    ])
    expect(final).toMatch(/\r\n\r\nok$/)
  })

  it('leave errors of our own as they are', async () => {
    const { port } = await policed([{ kind: 'responseHeaders', options: { set: { 'X-Set': 'new' } } }], {
      answer: (socket) => socket.end('nonsense\r\n\r\n'),
    })
    const answer = await talk(port, get('/'))
    expect(statusOf(answer)).toBe(502)
    expect(answer).not.toContain('X-Set')
  })
})

describe('respond', () => {
  const ok = { kind: 'respond', options: { status: 200, body: 'ok é', headers: {} } }

  it('answers without any upstream, and the connection serves on', async () => {
    const { port, upstream } = await policed([ok], { answers: 200 })
    const answer = await talk(port, `GET /a HTTP/1.1\r\nHost: a\r\n\r\n${get('/b')}`)
    expect(answer).toBe(
      'HTTP/1.1 200 OK\r\nDate: Fri, 02 Jan 2026 00:00:00 GMT\r\nContent-Type: text/plain; charset=utf-8\r\n' +
        'Content-Length: 5\r\n\r\nok \xc3\xa9' +
        'HTTP/1.1 200 OK\r\nDate: Fri, 02 Jan 2026 00:00:00 GMT\r\nContent-Type: text/plain; charset=utf-8\r\n' +
        'Content-Length: 5\r\nConnection: close\r\n\r\nok \xc3\xa9',
    )
    expect(upstream.received).toEqual([])
  })

  it('answers HEAD without the body', async () => {
    const { port } = await policed([ok], { answers: 200 })
    const answer = await talk(port, get('/').replace('GET', 'HEAD'))
    expect(answer).toContain('\r\nContent-Length: 5\r\n')
    expect(answer.endsWith('\r\n\r\n')).toBe(true)
  })

  it('has the fields that are written, and those of responseHeaders', async () => {
    const options = { status: 204, body: '', headers: { 'x-a': '1', 'x-b': '1' } }
    const set = { kind: 'responseHeaders', options: { set: { 'x-b': '2' }, remove: ['Date'] } }
    const { port } = await policed([{ kind: 'respond', options }, set], { answers: 204 })
    expect(await talk(port, get('/'))).toBe('HTTP/1.1 204 No Content\r\nx-a: 1\r\nx-b: 2\r\nConnection: close\r\n\r\n')
  })

  it('H33: answers before the body of a request, which is then no request', async () => {
    const { port } = await policed([ok], { answers: 200 })
    const answer = await talk(
      port,
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 24\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n',
    )
    expect(answer.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(1)
    expect(answer).toContain('\r\nConnection: close\r\n')
  })

  it('is counted as an answer of its rule', async () => {
    const { port, plane } = await policed([ok], { answers: 200 })
    await talk(port, get('/'))
    expect(plane.counts().requests).toEqual([{ rule: 'route:0', upstream: '', outcome: '2xx', count: 1 }])
  })
})

describe('redirect', () => {
  it.each([
    { to: '/new', asked: '/a?b=c', place: '/new' },
    { to: '/new{path}{query}', asked: '/a/../b?c={path}', place: '/new/b?c={path}' },
    { to: '/new{query}', asked: '/a', place: '/new' },
    { to: 'https://clinic.test{path}{query}', asked: '/a?b', place: 'https://clinic.test/a?b' },
    { to: 'https://clinic.test{path}', asked: '//evil.test/a', place: 'https://clinic.test//evil.test/a' },
    { to: '/new?from={path}', asked: '/a', place: '/new?from=/a' },
  ])('to $to sends $asked to $place', async ({ to, asked, place }) => {
    const { port, upstream } = await policed([{ kind: 'redirect', options: { to, status: 308 } }], { answers: 308 })
    const answer = await talk(port, get(asked))
    expect(answer).toMatch(/^HTTP\/1\.1 308 Permanent Redirect\r\n/)
    expect(fieldsOf(answer)).toContain(`Location: ${place}`)
    expect(upstream.received).toEqual([])
  })
})

describe('maxBody', () => {
  const ten = [{ kind: 'maxBody', options: { bytes: 10 } }]

  it('H10: refuses by Content-Length before any 100 and before the upstream hears of it', async () => {
    const { port, upstream } = await policed(ten)
    const answer = await talk(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n')
    expect(statusOf(answer)).toBe(413)
    expect(problemOf(answer)).toMatchObject({
      code: 'body_too_large',
      detail: 'the body has 11 bytes; at most 10 are taken here',
    })
    expect(upstream.received).toEqual([])
  })

  it('H10: takes what is as long as it may be, whatever its framing', async () => {
    const { port, upstream } = await policed(ten)
    const sized = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789'
    const chunked =
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\na\r\n0123456789\r\n0\r\n\r\n'
    expect(statusOf(await talk(port, sized.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')))).toBe(200)
    const raw = await client(port, chunked)
    const received = await upstream.until((all) => all.endsWith('0\r\n\r\n'))
    expect(received).toContain('a\r\n0123456789\r\n0\r\n\r\n')
    expect(statusOf(await raw.until(/ok$/))).toBe(200)
  })

  it('H10: answers 413 when chunks pass it, and the upstream gets no whole message', async () => {
    const { port, upstream } = await policed(ten, { answer: () => {} })
    const raw = await client(port, 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n')
    await upstream.until((all) => all.includes('01234'))
    raw.send('6\r\n567890\r\n0\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n')
    await raw.closed
    expect(statusOf(raw.text())).toBe(413)
    expect(raw.text().match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(upstream.received.join('')).not.toContain('\r\n0\r\n\r\n')
  })

  it('resets when chunks pass it after the answer has begun', async () => {
    const { port } = await policed(ten, {
      answer: (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbe'),
    })
    const raw = await client(port, 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n')
    await raw.until(/be$/)
    raw.send('6\r\n567890\r\n')
    expect(await raw.closed).toBe('reset')
  })

  it('comes before an answer of the route', async () => {
    const ok = { kind: 'respond', options: { status: 200, body: '', headers: {} } }
    const { port } = await policed([...ten, ok], { answers: 200 })
    expect(statusOf(await talk(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n'))).toBe(413)
  })
})

describe('a plan', () => {
  it('with a policy that this version does not have is refused', async () => {
    await expect(policed([{ kind: 'teleport', options: {} }])).rejects.toThrow(
      'rule "route:0": policy "teleport" is unknown to this version; it has maxBody, redirect, requestHeaders, respond,',
    )
  })
})
