import { describe, expect, it } from 'vitest'
import { manualClock } from '../../router/kernel/clock.ts'
import { client, deferred, eventually, get, published, rawUpstream, routed, router, statusOf, talk } from './support.ts'

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

describe('apply', () => {
  it('replaces what serves at once; a request in flight keeps the snapshot it began with', async () => {
    const go = deferred()
    const old = await rawUpstream(async (socket) => {
      await go.promise
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold')
    })
    const fresh = await rawUpstream('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew')
    const { port, plane } = await router({ upstreams: { a: { ports: [old.port] } } })
    const raw = await client(port, REQUEST)
    await old.until((all) => all.includes('GET'))
    let calls = 0
    plane.onDraining(() => calls++)
    await plane.apply(published({ upstreams: { a: { ports: [fresh.port] } }, revision: 2 }))
    expect(plane.current()).toEqual({ revision: 2, hash: 'hash-2' })
    expect(plane.draining()).toEqual([`127.0.0.1:${old.port}`])
    expect(await talk(port, get('/'))).toMatch(/new$/)
    go.resolve()
    await raw.until(/old$/)
    expect(plane.draining()).toEqual([])
    expect(calls).toBe(1)
    // Nothing is kept alive to an address that is gone.
    await eventually(() => old.sockets.every((socket) => socket.destroyed))
    raw.send(REQUEST)
    await raw.until(/new$/)
  })

  it('keeps the connections to an address that stays', async () => {
    const { port, plane, upstream } = await routed()
    await talk(port, get('/'))
    for (let revision = 2; revision < 5; revision++) {
      await plane.apply(published({ upstreams: { renamed: { ports: [upstream.port] } }, revision }))
      await talk(port, get('/'))
    }
    expect(upstream.received).toHaveLength(1)
  })

  it('of addresses alone keeps what was compiled, and reaches the new address', async () => {
    const one = await rawUpstream()
    const two = await rawUpstream()
    const first = published({
      upstreams: { f: { transport: 'worker', endpoints: [{ kind: 'symbol', symbol: 'functions/f' }] } },
    })
    const at = (port: number, revision: number) => ({
      ...first,
      revision,
      live: { ...first.live, addresses: { 'functions/f': [{ host: '127.0.0.1', port }] } },
    })
    const { port, plane } = await router({ upstreams: {}, rules: [] })
    await plane.apply(at(one.port, 2))
    expect(statusOf(await talk(port, get('/')))).toBe(200)
    await plane.apply(at(two.port, 3))
    expect(statusOf(await talk(port, get('/')))).toBe(200)
    expect([one.received.length, two.received.length]).toEqual([1, 1])
    await eventually(() => one.sockets[0]?.destroyed === true)
  })

  it('of a plan that cannot be is refused, and what served serves on', async () => {
    const { port, plane, upstream } = await routed()
    const upstreams = { clinic: { ports: [upstream.port] } }
    const forward = { kind: 'forward', upstream: 'nobody' } as const
    await expect(plane.apply(published({ upstreams, rules: [{ action: forward }], revision: 2 }))).rejects.toThrow(
      'rule "route:0": upstream "nobody" is not in the plan',
    )
    await expect(
      plane.apply(published({ upstreams: { clinic: { ports: [1], transport: 'pigeon' } }, revision: 3 })),
    ).rejects.toThrow('transport "pigeon" is unknown to this version; it has http, http2, worker')
    expect(plane.current()?.revision).toBe(1)
    expect(statusOf(await talk(port, get('/')))).toBe(200)
  })

  it.each([
    { debug: false, detail: 'the route is set aside; banyan status says why' },
    { debug: true, detail: 'functions/x does not load' },
  ])('a quarantined rule answers 503 and falls through to nobody; debug $debug: $detail', async ({ debug, detail }) => {
    const upstream = await rawUpstream()
    const { port } = await router({
      settings: { debug },
      upstreams: { clinic: { ports: [upstream.port] } },
      rules: [
        { match: { path: '/x' }, action: { kind: 'unavailable', reason: 'functions/x does not load' } },
        { id: 'default', origin: 'default', action: { kind: 'forward', upstream: 'clinic' } },
      ],
    })
    const answer = await talk(port, get('/x'))
    expect(statusOf(answer)).toBe(503)
    expect(answer).toContain(`"detail":"${detail}"`)
    expect(upstream.received).toEqual([])
  })

  it('under load, each changing who answers: no request is lost and none is answered by two', async () => {
    const arms = await Promise.all(
      ['a', 'b'].map((arm) => rawUpstream(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${arm}`)),
    )
    const setup = (revision: number) =>
      published({ upstreams: { x: { ports: [arms[revision % 2]?.port ?? 0] } }, revision })
    const { port, plane } = await router({ upstreams: { x: { ports: [arms[1]?.port ?? 0] } } })
    const running = { on: true }
    const workers = Array.from({ length: 8 }, async () => {
      const raw = await client(port)
      let count = 0
      while (running.on) {
        raw.send(REQUEST)
        count++
        await raw.until((text) => (text.match(/\r\n\r\n[ab]/g) ?? []).length === count)
      }
      return { count, text: raw.text() }
    })
    for (let revision = 2; revision <= 21; revision++) {
      await plane.apply(setup(revision))
      const answer = await talk(port, get('/'))
      expect(answer.at(-1)).toBe('ab'[revision % 2])
    }
    running.on = false
    for (const { count, text } of await Promise.all(workers)) {
      expect(text.match(/HTTP\/1\.1 200 OK\r\n/g)).toHaveLength(count)
    }
    expect(plane.current()?.revision).toBe(21)
  })
})

describe('before the first plan', () => {
  it('every request is told that nothing takes it, and current is nothing', async () => {
    const { plane } = await routed()
    expect(plane.current()).toEqual({ revision: 1, hash: 'hash-1' })
    const { createDataplane } = await import('../../router/dataplane/dataplane.ts')
    const { systemClock } = await import('../../router/kernel/clock.ts')
    const { silentLog } = await import('../../router/kernel/log.ts')
    const empty = createDataplane({
      clock: systemClock,
      random: () => 0,
      randomBytes: (size) => Buffer.alloc(size),
      log: silentLog,
      signingKey: Buffer.alloc(32),
    })
    const { port } = await empty.listen({ host: '127.0.0.1', port: 0 })
    expect(empty.current()).toBeUndefined()
    expect(statusOf(await talk(port, get('/')))).toBe(404)
    await empty.close()
  })
})

describe('drain', () => {
  it('accepts and answers with Connection: close while lame, then stops, waits, and closes', async () => {
    const clock = manualClock()
    const go = deferred()
    const { port, plane, upstream } = await routed(
      async (socket, head) => {
        if (head.includes('/slow')) await go.promise
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      },
      {},
      {},
      { clock },
    )
    const kept = await client(port, REQUEST)
    await kept.until(/ok$/)
    const silent = await client(port, REQUEST)
    await silent.until(/ok$/)
    const slow = await client(port, 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
    await upstream.until((all) => all.includes('/slow'))
    let drained = false
    const draining = plane.drain({ lameDuckMs: 1000, graceMs: 3000 }).then(() => {
      drained = true
    })
    // Lame duck: a kept connection and a new one are both served, and both told to go.
    kept.send(REQUEST)
    expect(await kept.until(/ok[\s\S]*ok$/)).toContain('\r\nConnection: close\r\n')
    await kept.closed
    const late = await client(port, REQUEST)
    expect(await late.until(/ok$/)).toContain('\r\nConnection: close\r\n')
    clock.advance(1000)
    await eventually(() => {
      clock.advance(20)
      return silent.socket.readableEnded
    })
    await expect(client(port)).rejects.toThrow('ECONNREFUSED')
    expect(drained).toBe(false)
    go.resolve()
    expect(await slow.until(/ok$/)).toContain('\r\nConnection: close\r\n')
    for (const raw of [slow, silent, kept, late]) raw.socket.end()
    await eventually(() => {
      clock.advance(20)
      return drained
    })
    await draining
  })

  it('serves a connection that it has just accepted, whose request is still on its way', async () => {
    const clock = manualClock()
    const { port, plane } = await routed(undefined, {}, {}, { clock })
    const [quick, mute] = [await client(port), await client(port)]
    // Both are accepted once a third one is answered.
    await talk(port, get('/'))
    const draining = plane.drain({ lameDuckMs: 0, graceMs: 3000 })
    clock.advance(100)
    await eventually(() => {
      clock.advance(10)
      return clock.elapsed() >= 300
    })
    quick.send(REQUEST)
    expect(await quick.until(/ok$/)).toContain('\r\nConnection: close\r\n')
    // One that says nothing is not waited for as long as a request may take.
    await eventually(() => {
      clock.advance(20)
      return mute.socket.readableEnded
    })
    expect(clock.elapsed()).toBeLessThan(1500)
    for (const raw of [quick, mute]) raw.socket.end()
    await eventually(() => {
      clock.advance(20)
      return plane.inFlight() === 0
    })
    clock.advance(3000)
    await draining
  })

  it('ends what is still in flight when the grace period is over', async () => {
    const { port, plane, upstream } = await routed(() => {})
    const raw = await client(port, REQUEST)
    await upstream.until((all) => all.includes('GET'))
    await plane.drain({ lameDuckMs: 0, graceMs: 50 })
    await raw.closed
    expect(plane.inFlight()).toBe(0)
  })
})

describe('listen', () => {
  it('says why an address is not to be had', async () => {
    const { port, plane } = await routed()
    await expect(plane.listen({ host: '127.0.0.1', port })).rejects.toThrow('EADDRINUSE')
  })
})
