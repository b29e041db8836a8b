import { describe, expect, it } from 'vitest'
import { client, published, type RawClient, rawUpstream, routed, router, type Setup } from './support.ts'

/** One connection; each call sends a request and resolves with its answer. */
async function connection(port: number): Promise<(request: string, end?: string) => Promise<string>> {
  const raw: RawClient = await client(port)
  return async (request, end = 'ok') => {
    const from = raw.text().length
    raw.send(request)
    const all = await raw.until((text) => text.length > from && text.slice(from).endsWith(end))
    return all.slice(from)
  }
}

const GET = 'GET /v2/pets HTTP/1.1\r\nHost: shop.test\r\nCookie: a=1\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

describe('the same request again and again on one connection', () => {
  it('reaches the upstream alike, but for its request id', async () => {
    const { port, upstream } = await routed(OK)
    const ask = await connection(port)
    const answers = [await ask(GET), await ask(GET), await ask(GET), await ask(GET)]
    expect(new Set(answers).size).toBe(1)
    const heads = (upstream.received[0] ?? '').split('\r\n\r\n').slice(0, -1)
    const ids = heads.map((head) => /X-Request-Id: (.*)$/.exec(head)?.[1])
    expect(new Set(ids).size).toBe(4)
    expect(new Set(heads.map((head) => head.replace(/X-Request-Id: .*$/, ''))).size).toBe(1)
  })

  it('follows a reload in between', async () => {
    const [old, fresh] = [await rawUpstream(OK.replace('ok', 'ol')), await rawUpstream(OK.replace('ok', 'ne'))]
    const setup = (to: string, revision: number): Setup => ({
      upstreams: { old: { ports: [old.port] }, fresh: { ports: [fresh.port] } },
      rules: [{ match: { path: '/v2/**' }, action: { kind: 'forward', upstream: to } }],
      settings: { debug: revision === 3 },
      revision,
    })
    const { port, plane } = await router(setup('old', 1))
    const ask = await connection(port)
    for (const _ of [1, 2, 3]) await ask(GET, 'ol')
    await plane.apply(published(setup('fresh', 2)))
    for (const _ of [1, 2, 3]) expect(await ask(GET, 'ne')).not.toContain('x-banyan-upstream')
    await plane.apply(published(setup('old', 3)))
    for (const _ of [1, 2]) expect(await ask(GET, 'ol')).toContain('x-banyan-upstream: old\r\n')
  })

  it('is told from one that goes elsewhere', async () => {
    const [a, b] = [await rawUpstream(OK.replace('ok', 'aa')), await rawUpstream(OK.replace('ok', 'bb'))]
    const { port } = await router({
      upstreams: { a: { ports: [a.port] }, b: { ports: [b.port] } },
      rules: [
        {
          match: { path: '/v2/pets', headers: [{ name: 'cookie', kind: 'exact', value: 'a=2' }] },
          action: { kind: 'forward', upstream: 'b' },
        },
        { match: { path: '/v2/pets' }, action: { kind: 'forward', upstream: 'a' } },
      ],
    })
    const ask = await connection(port)
    const other = GET.replace('a=1', 'a=2')
    for (const _ of [1, 2]) {
      await ask(GET, 'aa')
      await ask(GET, 'aa')
      await ask(other, 'bb')
      await ask(other, 'bb')
      expect(await ask(GET.replace('/pets', '/nobo'), '}\n')).toMatch(/^HTTP\/1\.1 404 /)
      expect(await ask(GET.replace('/pets', '/nobo'), '}\n')).toMatch(/^HTTP\/1\.1 404 /)
    }
  })

  it('has its path rewritten once each time', async () => {
    const policies = [{ kind: 'rewrite', options: { prefix: { from: '/v2', to: '/api' } } }]
    const { port, upstream } = await routed(
      OK,
      {},
      {
        rules: [{ match: {}, action: { kind: 'forward', upstream: 'clinic' }, policies }],
      },
    )
    const ask = await connection(port)
    for (const _ of [1, 2, 3]) await ask(GET)
    expect(upstream.received.join('').match(/^GET .*$/gm)).toEqual(Array(3).fill('GET /api/pets HTTP/1.1'))
  })

  it('draws each time while a shift has given its client no key, and stays where its client has one', async () => {
    const [old, fresh] = [await rawUpstream(OK), await rawUpstream(OK)]
    const setup = (weight: number, revision: number): Setup => ({
      upstreams: { old: { ports: [old.port] }, fresh: { ports: [fresh.port] } },
      rules: [{ id: 'page', action: { kind: 'shift', shift: 'page', incumbent: 'old', candidate: 'fresh' } }],
      live: { weights: { page: { salt: 's', weight, active: true } } },
      revision,
    })
    const { port, plane } = await router(setup(0, 1))
    const ask = await connection(port)
    const keys = new Set<string>()
    for (const _ of [1, 2, 3]) keys.add(/banyan-key=([^;]+);/.exec(await ask(GET))?.[1] ?? '')
    expect(keys.size).toBe(3)
    const known = GET.replace('a=1', `banyan-key=${[...keys][0]}`)
    for (const _ of [1, 2]) expect(await ask(known)).not.toContain('Set-Cookie')
    expect(fresh.received).toEqual([])
    await plane.apply(published(setup(1, 2)))
    for (const _ of [1, 2]) expect(await ask(known)).toContain('Cache-Control: private')
    expect(fresh.received.join('').match(/^GET /gm)).toHaveLength(2)
    expect(old.received.join('')).not.toContain('banyan-key')
  })
})

describe('the same answer again and again', () => {
  it('has a body for GET and none for HEAD', async () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'
    const { port, upstream } = await routed((socket, request) => {
      socket.write(request.startsWith('HEAD') ? head : `${head}ok`)
    })
    const ask = await connection(port)
    for (const _ of [1, 2, 3]) {
      for (const __ of [1, 2]) expect(await ask(GET)).toMatch(/\r\n\r\nok$/)
      for (const __ of [1, 2]) await ask(GET.replace('GET', 'HEAD'), '\r\n\r\n')
    }
    expect(upstream.received).toHaveLength(1)
  })

  it('comes behind interim ones each time', async () => {
    const { port } = await routed(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`)
    const ask = await connection(port)
    const first = await ask(GET)
    expect(first).toMatch(/^HTTP\/1\.1 103 .*\r\nLink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
    for (const _ of [1, 2, 3]) expect(await ask(GET)).toBe(first)
  })

  it('names the host by which each client asked', async () => {
    const answer = 'HTTP/1.1 302 Found\r\nLocation: http://clinic.internal/x\r\nContent-Length: 2\r\n\r\nok'
    const { port, upstream } = await routed(answer, { rewriteLocation: true, ownHosts: ['clinic.internal'] })
    const [one, two] = [await connection(port), await connection(port)]
    for (const _ of [1, 2, 3]) {
      expect(await one(GET)).toContain('Location: http://shop.test/x\r\n')
      expect(await two(GET.replace('shop.test', 'vets.test'))).toContain('Location: http://vets.test/x\r\n')
    }
    expect(upstream.received).toHaveLength(1)
  })

  it('is told from one of the same length', async () => {
    let count = 0
    const { port } = await routed((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nEtag: "${count++ >> 1}"\r\nContent-Length: 2\r\n\r\nok`)
    })
    const ask = await connection(port)
    for (const wanted of [0, 0, 1, 1, 2, 2]) expect(await ask(GET)).toContain(`Etag: "${wanted}"`)
  })
})
