import { describe, expect, it } from 'vitest'
import { createLiveLearning, type LiveLearningOptions } from '../../../router/control/live-learning.ts'
import type { DetectableUpstream } from '../../../router/discovery/detectors/detector.ts'
import type { DescriptionAnswer } from '../../../router/discovery/fetch.ts'
import { manualClock } from '../../../router/kernel/clock.ts'
import type { UnclaimedCount } from '../../../router/model/link.ts'
import { seeded } from '../../random.ts'

const CLINIC: DetectableUpstream = {
  name: 'clinic',
  endpoints: [{ host: '127.0.0.1', port: 1, path: '' }],
  discover: { openapi: undefined },
  ownHosts: [],
  declares: undefined,
  failure: undefined,
}

type Site = (path: string) => { readonly status: number; readonly body?: string; readonly location?: string }

const HONEST: Site = () => ({ status: 404 })

/** What is learned of these requests, from a site that answers paths nobody means like this. */
async function learn(site: Site, counts: readonly UnclaimedCount[], part: Partial<LiveLearningOptions> = {}) {
  const clock = manualClock()
  const asked: string[] = []
  let learned: readonly string[] = []
  const learning = createLiveLearning({
    remembered: new Map(),
    clock,
    random: seeded(1).next,
    upstreams: () => [CLINIC],
    learnsFrom: () => true,
    unhealthy: () => ({}),
    fetch: async ({ path }) => {
      asked.push(path)
      const { status, body = '', location } = site(path)
      const bytes = new Uint8Array(Buffer.from(body))
      const answer: DescriptionAnswer = {
        kind: 'answered',
        status,
        body: bytes,
        location,
        etag: undefined,
        modified: undefined,
        ms: 1,
      }
      return answer
    },
    learned: (found) => {
      learned = (found.get('clinic') ?? []).map(({ method, template }) => `${method} ${template}`)
    },
    ...part,
  })
  learning.take({ requests: [], unclaimed: counts })
  for (let second = 0; second < 120; second++) {
    clock.advance(1_000)
    for (let turn = 0; turn < 5; turn++) await Promise.resolve()
  }
  learning.close()
  return { learned, asked }
}

function answered(path: string, rest: Partial<UnclaimedCount> = {}): UnclaimedCount {
  return { method: 'GET', path, upstream: 'clinic', status: 200, count: 3, ...rest }
}

describe('what passes through', () => {
  it('shows operations, identifiers folded', async () => {
    const counts = ['/owners/1', '/owners/2', '/owners/new', '/vets.html'].map((path) => answered(path))
    const { learned } = await learn(HONEST, [...counts, answered('/contact.html', { status: 404 })])
    expect(learned).toEqual(['GET /owners/new', 'GET /owners/{}', 'GET /vets.html'])
  })

  it('names the methods that a 405 allows', async () => {
    const { learned } = await learn(HONEST, [
      answered('/a', { method: 'DELETE', status: 405, allow: 'GET, HEAD, PUT' }),
    ])
    expect(learned).toEqual(['GET /a', 'PUT /a'])
  })

  it('asks once for a random path in each folder, and in no other', async () => {
    const { asked } = await learn(
      HONEST,
      ['/owners/1', '/owners/2', '/owners/1/edit', '/x'].map((path) => answered(path)),
    )
    expect(asked.map((path) => path.replace(/[^/]+$/, '*')).sort()).toEqual(['/*', '/owners/*', '/owners/1/*'])
  })
})

describe('an upstream that is not to be learned from', () => {
  it('is asked nothing, and nothing is learned of it', async () => {
    const counts = [answered('/owners'), answered('/a', { method: 'DELETE', status: 405, allow: 'GET' })]
    expect((await learn(HONEST, counts)).learned).toEqual(['GET /a', 'GET /owners'])
    expect(await learn(HONEST, counts, { learnsFrom: (name) => name !== 'clinic' })).toEqual({ learned: [], asked: [] })
  })

  it('is asked no more from the moment that it is switched off', async () => {
    let on = true
    const upstreams = () => {
      on = false
      return [CLINIC]
    }
    const counts = ['/owners/find', '/vets/find', '/pets/find'].map((path) => answered(path))
    const page = () => ({ status: 200, body: 'x' })
    const { asked, learned } = await learn(page, counts, { learnsFrom: () => on, upstreams })
    expect([asked.length, learned]).toEqual([1, []])
  })
})

describe('an endpoint that its health check found unhealthy', () => {
  const unhealthy = () => ({ clinic: { '127.0.0.1:1': 'answers 503' } })

  it('is not asked', async () => {
    expect(await learn(HONEST, [answered('/owners')], { unhealthy })).toEqual({ learned: [], asked: [] })
  })

  it('leaves the questions to the others', async () => {
    const endpoints = [1, 2].map((port) => ({ host: '127.0.0.1', port, path: '' }))
    const ports: number[] = []
    const fetch: LiveLearningOptions['fetch'] = async ({ port }) => {
      ports.push(port)
      return { kind: 'unreachable', why: 'nobody listens' }
    }
    await learn(HONEST, [answered('/owners')], { unhealthy, fetch, upstreams: () => [{ ...CLINIC, endpoints }] })
    expect(ports).toEqual([2])
  })
})

describe('nothing is learned', () => {
  const paths = Array.from(
    { length: 50 },
    (_, index) => `/area/${'abcdefghij'[index % 10]}${'vwxyz'[Math.floor(index / 10)]}`,
  )

  it('of an application that answers 200 with the same page to anything', async () => {
    const page = 'x'.repeat(500)
    const { learned } = await learn(
      () => ({ status: 200, body: page }),
      paths.map((path) => answered(path, { length: 500 })),
    )
    expect(learned).toEqual([])
  })

  it('of one whose page names the path', async () => {
    const site = (path: string) => ({ status: 200, body: `${'x'.repeat(300)}${path}${path}` })
    const counts = paths.map((path) => answered(path, { length: site(path).body.length }))
    const { learned } = await learn(site, [...counts, answered('/area/real', { length: 4_000 })])
    expect(learned).toEqual(['GET /area/real'])
  })

  it('of one that does not say how long its page is', async () => {
    const { learned } = await learn(
      () => ({ status: 200, body: 'x' }),
      paths.map((path) => answered(path)),
    )
    expect(learned).toEqual([])
  })

  it('of one that redirects anything to one place', async () => {
    const counts = paths.map((path) =>
      answered(path, { status: 302, location: `/login?next=${path}`.replace(/\?.*/, '') }),
    )
    const { learned } = await learn(
      () => ({ status: 302, location: '/login' }),
      [...counts, answered('/area/old', { status: 301, location: '/area/new' })],
    )
    expect(learned).toEqual(['GET /area/old'])
  })

  it('of one that asks anybody for credentials', async () => {
    const counts = paths.map((path) => answered(path, { status: 401 }))
    expect((await learn(() => ({ status: 401 }), counts)).learned).toEqual([])
  })

  it('of paths that only ever answered 404, 501 or with an error', async () => {
    const counts = paths.map((path, index) => answered(path, { status: [404, 501, 500, 503][index % 4] ?? 404 }))
    expect((await learn(HONEST, counts)).learned).toEqual([])
  })

  it('of a folder that cannot be asked about, while others are', async () => {
    const site: Site = (path) => (path.startsWith('/down/') ? { status: 503 } : { status: 404 })
    const down = Array.from({ length: 2_000 }, (_, index) => answered(`/down/${index}`))
    const { learned } = await learn(site, [...down, answered('/up/here')])
    expect(learned).toEqual([])
    expect((await learn(site, [...down.slice(0, 100), answered('/up/here')])).learned).toEqual(['GET /up/here'])
  })

  it('of an upstream that does not answer now', async () => {
    const { learned } = await learn(
      () => ({ status: 503 }),
      paths.map((path) => answered(path)),
    )
    expect(learned).toEqual([])
  })
})
