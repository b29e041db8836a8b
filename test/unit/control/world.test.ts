import { describe, expect, it } from 'vitest'
import { createWorld } from '../../../router/control/world.ts'
import { manualClock } from '../../../router/kernel/clock.ts'
import { silentLog } from '../../../router/kernel/log.ts'
import type { Observation } from '../../../router/model/catalogue.ts'
import type { Store } from '../../../router/model/store.ts'
import { specOf } from '../config/decoding.ts'

const spec = specOf(`default: clinic
upstreams:
  clinic: { tier: legacy, url: "http://10.0.0.1", discover: { mappings: /mappings } }
  owners: { url: "http://10.0.0.2" }
`)
const seen: Observation = {
  upstream: 'clinic',
  detector: 'mappings',
  state: 'answered',
  operations: [
    { method: 'GET', template: '/owners/{ownerId}' },
    { method: 'GET', template: '/owners/new' },
  ],
  confidence: 'described',
  source: 'GET /mappings',
  attempts: [],
  at: 0,
  nextAt: undefined,
}

describe('an operation that is handed over', () => {
  it.each([
    { why: 'named by its template', match: { path: '/owners/{id}', methods: ['GET'] }, owned: 'GET /owners/{}' },
    { why: 'below a prefix', match: { path: '/owners/**', methods: ['GET'] }, owned: undefined },
    { why: 'under any method', match: { path: '/owners/{id}' }, owned: undefined },
    { why: 'on one host', match: { path: '/owners/new', methods: ['GET'], host: 'a.test' }, owned: undefined },
  ])('is one that the match names: $why', async ({ match, owned }) => {
    const kept = new Map<string, string | undefined>()
    const store: Pick<Store, 'ownership' | 'setOwnership'> = {
      ownership: () => new Map(),
      setOwnership: (changes) => {
        for (const [key, owner] of changes) kept.set(key, owner)
      },
    }
    const world = createWorld({
      spec,
      store: store as Store,
      functions: undefined,
      remembered: [seen],
      unhealthy: () => ({}),
      clock: manualClock(),
      random: () => 0,
      log: silentLog,
      changed() {},
    })
    world.hand(match, 'owners')
    const owners = new Map(world.catalogue().operations.map(({ key, owner }) => [key, owner]))
    const expected = new Map([
      ['GET /owners/new', 'clinic'],
      ['GET /owners/{}', 'clinic'],
    ])
    if (owned !== undefined) expected.set(owned, 'owners')
    expect(owners).toEqual(expected)
    expect(kept).toEqual(expected)
    await world.close()
  })
})
