import { describe, expect, it } from 'vitest'
import { joinCatalogue } from '../../../router/catalogue/join.ts'
import { type LeftWorld, leftInLegacy } from '../../../router/catalogue/left.ts'
import { createTraffic } from '../../../router/catalogue/traffic.ts'
import { manualClock } from '../../../router/kernel/clock.ts'
import type { Tier } from '../../../router/model/spec.ts'
import { observed } from './observed.ts'

function requested(path: string, status = 404, count = 1) {
  return { method: 'GET', path, upstream: 'clinic', status, count }
}

describe('createTraffic', () => {
  it('sums requests over processes, by rule, upstream and outcome', () => {
    const traffic = createTraffic({ clock: manualClock(50) })
    const request = { rule: 'default', upstream: 'clinic', outcome: '2xx', count: 3 }
    traffic.add({ requests: [request, { ...request, outcome: 'error:connection_refused', count: 1 }], unclaimed: [] })
    traffic.add({ requests: [{ ...request, count: 4 }], unclaimed: [] })
    expect(traffic.totals()).toEqual({
      since: 50,
      requests: [
        { ...request, count: 7 },
        { ...request, outcome: 'error:connection_refused', count: 1 },
      ],
    })
  })

  it('remembers what was requested in vain: how often, when last, and the last answer', () => {
    const clock = manualClock(1_000)
    const traffic = createTraffic({ clock })
    traffic.add({ requests: [], unclaimed: [requested('/contact.html', 500, 2)] })
    clock.advance(500)
    traffic.add({ requests: [], unclaimed: [requested('/contact.html', 404, 3)] })
    expect(traffic.unclaimed()).toEqual([{ ...requested('/contact.html'), count: 5, lastAt: 1_500 }])
  })

  it('forgets what was requested longest ago when there is too much', () => {
    const traffic = createTraffic({ clock: manualClock(), limit: 3 })
    for (const path of ['/a', '/b', '/c', '/a', '/d', '/e']) traffic.add({ requests: [], unclaimed: [requested(path)] })
    expect(traffic.unclaimed().map(({ path }) => path)).toEqual(['/a', '/d', '/e'])
    traffic.add({ requests: [], unclaimed: Array.from({ length: 50 }, (_, index) => requested(`/${index}`)) })
    expect(traffic.unclaimed()).toHaveLength(3)
  })
})

describe('leftInLegacy', () => {
  const tiers = new Map<string, Tier>([
    ['clinic', 'legacy'],
    ['vets', 'service'],
    ['functions/feed', 'function'],
  ])
  const catalogue = joinCatalogue(
    [
      observed('clinic', ['GET /', 'GET /vets.html', 'GET /vets.xml', 'GET /owners']),
      observed('vets', ['GET /vets.html', 'GET /api/vets']),
      observed('functions/feed', ['GET /vets.xml'], { confidence: 'declared' }),
    ],
    [],
    new Map(),
  )
  const counts = (rule: string, upstream: string, count: number) => ({ rule, upstream, outcome: '2xx', count })
  const world: LeftWorld = {
    catalogue,
    traffic: {
      since: 9,
      requests: [
        counts('operation:GET /owners', 'clinic', 30),
        counts('route:vets', 'clinic', 15),
        counts('route:vets', 'vets', 5),
        counts('operation:GET /vets.xml', 'functions/feed', 10),
        counts('operation:GET /api/vets', 'vets', 20),
        counts('default', 'clinic', 20),
      ],
    },
    tierOf: (upstream) => tiers.get(upstream),
    served: ({ key }) => {
      if (key === 'GET /vets.html') return { upstream: 'clinic', rule: 'route:vets' }
      if (key === 'GET /vets.xml') return { upstream: 'functions/feed', rule: 'operation:GET /vets.xml' }
      if (key === 'GET /api/vets') return { upstream: 'vets', rule: 'operation:GET /api/vets' }
      return { upstream: 'clinic', rule: `operation:${key}` }
    },
  }

  it('lists what the monolith still serves, most requested first, with who else could', () => {
    const { operations, since } = leftInLegacy(world)
    expect(since).toBe(9)
    expect(operations).toEqual([
      {
        key: 'GET /owners',
        method: 'GET',
        template: '/owners',
        upstream: 'clinic',
        requests: 30,
        share: 0.3,
        candidates: [],
      },
      {
        key: 'GET /vets.html',
        method: 'GET',
        template: '/vets.html',
        upstream: 'clinic',
        requests: 15,
        share: 0.15,
        candidates: [{ upstream: 'vets', tier: 'service' }],
      },
      { key: 'GET /', method: 'GET', template: '/', upstream: 'clinic', requests: 0, share: 0, candidates: [] },
    ])
  })

  it('gives operations and requests by tier, paths that nobody implements included', () => {
    expect(leftInLegacy(world).tiers).toEqual([
      { tier: 'legacy', operations: 3, requests: 65, share: 0.65 },
      { tier: 'service', operations: 1, requests: 25, share: 0.25 },
      { tier: 'function', operations: 1, requests: 10, share: 0.1 },
    ])
  })

  it('counts for no tier what the router answered itself, or what an upstream got that is gone', () => {
    const requests = [...world.traffic.requests, counts('route:old', '', 40), counts('', '', 7), counts('x', 'gone', 3)]
    expect(leftInLegacy({ ...world, traffic: { since: 9, requests } })).toEqual(leftInLegacy(world))
  })

  it('has no share where nothing was requested, and no operation that nobody serves', () => {
    const left = leftInLegacy({ ...world, traffic: { since: 1, requests: [] }, served: () => undefined })
    expect(left.operations).toEqual([])
    expect(left.tiers.map(({ share, operations }) => [share, operations])).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ])
  })
})
