import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { manualClock } from '../../router/kernel/clock.ts'
import { client, eventually, get, problemOf, published, rawUpstream, router, statusOf, talk } from './support.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const KEPT = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** An upstream that answers when it is told to: one waiting request after the other. */
async function held() {
  const waiting: Socket[] = []
  const upstream = await rawUpstream((socket) => void waiting.push(socket))
  return {
    upstream,
    waiting,
    open: () => upstream.sockets.filter((socket) => !socket.destroyed).length,
    answer() {
      waiting.shift()?.write(OK)
    },
  }
}

const circuit = { maxConnections: 2, maxPending: 1 }

describe('maxConnections and maxPending', () => {
  it('two are served, one waits, the next is 503 at once with Retry-After', async () => {
    const { upstream, waiting, open, answer } = await held()
    const { port, plane } = await router({ upstreams: { clinic: { ports: [upstream.port], circuit } } })
    const first = [await client(port, KEPT), await client(port, KEPT)]
    await eventually(() => waiting.length === 2)
    const third = await client(port, KEPT)
    await eventually(() => plane.inFlight() === 3)
    const fourth = await talk(port, get('/'))
    expect(statusOf(fourth)).toBe(503)
    expect(fourth).toContain('\r\nRetry-After: 1\r\n')
    expect(fourth).toContain('error=connection_limit_reached')
    expect(problemOf(fourth)).toMatchObject({ code: 'upstream_overloaded', upstream: 'clinic' })
    expect(third.text()).toBe('')
    answer()
    await first[0]?.until(/ok$/)
    await eventually(() => waiting.length === 2)
    answer()
    answer()
    await third.until(/ok$/)
    await first[1]?.until(/ok$/)
    expect(open()).toBe(2)
    expect(upstream.received).toHaveLength(2)
  })

  it('one that waits longer than for a connection is 503', async () => {
    const { upstream, waiting } = await held()
    const clock = manualClock()
    const { port } = await router({ upstreams: { clinic: { ports: [upstream.port], circuit } } }, { clock })
    await client(port, KEPT + KEPT)
    await client(port, KEPT)
    await eventually(() => waiting.length === 2)
    const third = await client(port, get('/'))
    await eventually(() => {
      clock.advance(500)
      return third.text() !== ''
    })
    expect(problemOf(await third.until(/\}\n$/)).code).toBe('upstream_overloaded')
    expect(clock.elapsed()).toBeGreaterThanOrEqual(2_000)
  })

  it.each(['in use', 'waited for'] as const)('a client that leaves gives up the place that is %s', async (which) => {
    const { upstream, waiting, answer } = await held()
    const { port, plane } = await router({ upstreams: { clinic: { ports: [upstream.port], circuit } } })
    const [one, two] = [await client(port, KEPT), await client(port, KEPT)]
    await eventually(() => waiting.length === 2)
    const three = await client(port, KEPT)
    await eventually(() => plane.inFlight() === 3)
    const leaving = which === 'in use' ? one : three
    leaving.socket.destroy()
    if (which === 'in use') {
      await eventually(() => waiting.length === 3)
      waiting.shift()
    } else {
      await eventually(() => plane.inFlight() === 2)
      const four = await client(port, KEPT)
      await eventually(() => plane.inFlight() === 3)
      answer()
      await one.until(/ok$/)
      await eventually(() => waiting.length === 2)
      waiting.reverse()
      answer()
      await four.until(/ok$/)
      answer()
      await two.until(/ok$/)
      return
    }
    answer()
    answer()
    await two.until(/ok$/)
    await three.until(/ok$/)
  })

  it('counts the connections to all endpoints, those that wait for a request too', async () => {
    const [a, b] = [await rawUpstream(), await rawUpstream()]
    const { port } = await router({
      upstreams: {
        clinic: {
          ports: [a.port, b.port],
          balance: { kind: 'round-robin' },
          circuit: { ...circuit, maxConnections: 1 },
        },
      },
    })
    for (let round = 0; round < 6; round++) {
      expect(statusOf(await talk(port, get('/')))).toBe(200)
      await eventually(() => [...a.sockets, ...b.sockets].filter((socket) => !socket.destroyed).length <= 1)
    }
    expect([a.received.length, b.received.length]).toEqual([3, 3])
  })

  it('serves a thousand through two places when a thousand may wait', async () => {
    const upstream = await rawUpstream()
    const { port } = await router({
      upstreams: { clinic: { ports: [upstream.port], circuit: { maxConnections: 2, maxPending: 1_000 } } },
    })
    const clients = await Promise.all(Array.from({ length: 100 }, () => client(port)))
    for (const one of clients) one.send(KEPT.repeat(10))
    for (const one of clients) await one.until((text) => text.split('\r\n\r\nok').length === 11)
    expect(upstream.received.length).toBeLessThanOrEqual(2)
  })

  it('is divided by the processes that run, and divided anew when there are more', async () => {
    const { upstream, waiting } = await held()
    const upstreams = { clinic: { ports: [upstream.port], circuit: { maxConnections: 4, maxPending: 0 } } }
    const { port, plane } = await router({ upstreams, live: { processes: 2 } })
    for (let at = 0; at < 2; at++) await client(port, KEPT)
    await eventually(() => waiting.length === 2)
    expect(statusOf(await talk(port, get('/')))).toBe(503)
    await plane.apply(published({ upstreams, live: { processes: 1 }, revision: 2 }))
    for (let at = 0; at < 2; at++) await client(port, KEPT)
    await eventually(() => waiting.length === 4)
    expect(statusOf(await talk(port, get('/')))).toBe(503)
    await plane.apply(published({ upstreams, live: { processes: 4 }, revision: 3 }))
    expect(statusOf(await talk(port, get('/')))).toBe(503)
    expect(waiting).toHaveLength(4)
  })

  it('an endpoint that fails gives its place back', async () => {
    const upstream = await rawUpstream((socket) => void socket.resetAndDestroy())
    const { port } = await router({
      upstreams: { clinic: { ports: [upstream.port, 1], circuit: { maxConnections: 1, maxPending: 0 } } },
    })
    for (let round = 0; round < 8; round++) {
      expect(problemOf(await talk(port, get('/'))).code).toMatch(/^connection_re/)
    }
  })
})
