import { expect, it, vi } from 'vitest'
import { decideOwnership } from '../../../router/catalogue/ownership.ts'
import { compile } from '../../../router/compile/compile.ts'
import { jsonSchema } from '../../../router/config/schema.ts'
import type { FetchDescription } from '../../../router/discovery/fetch.ts'
import { startDiscovery } from '../../../router/discovery/index.ts'
import { manualClock } from '../../../router/kernel/clock.ts'
import { silentLog } from '../../../router/kernel/log.ts'
import { problems, specOf } from '../config/decoding.ts'
import { REGISTER } from './fixtures/register/index.ts'

// The lines that adding them to the router would be: one in each list, and one beside it for keys in the YAML.
vi.mock('../../../router/discovery/sources/index.ts', async (original) => {
  const { SOURCES } = await original<typeof import('../../../router/discovery/sources/index.ts')>()
  const { register } = await import('./fixtures/register/index.ts')
  return { SOURCES: [...SOURCES, register] }
})
vi.mock('../../../router/discovery/sources/schemas.ts', async (original) => {
  const { SOURCE_SCHEMAS } = await original<typeof import('../../../router/discovery/sources/schemas.ts')>()
  const { registerSchema } = await import('./fixtures/register/schema.ts')
  return { SOURCE_SCHEMAS: [...SOURCE_SCHEMAS, registerSchema] }
})
vi.mock('../../../router/discovery/detectors/index.ts', async (original) => {
  const { DETECTORS } = await original<typeof import('../../../router/discovery/detectors/index.ts')>()
  const { banner } = await import('./fixtures/banner/index.ts')
  return { DETECTORS: [...DETECTORS, banner] }
})

const answer = {
  kind: 'answered',
  status: 200,
  etag: undefined,
  modified: undefined,
  location: undefined,
  body: new TextEncoder().encode('GET /a\nPOST /b'),
  ms: 1,
} as const

it('a source and a detector are one folder each and their lines in the lists', async () => {
  const spec = specOf('upstreams: { vets: { register: vets-service } }')
  const asked: string[] = []
  const fetch: FetchDescription = async ({ host, port, path }) => {
    asked.push(`${host}:${port}${path}`)
    return answer
  }
  const clock = manualClock(1_000)
  let changes = 0
  const changed = () => {
    changes += 1
  }
  const options = { spec, functions: undefined, fetch, clock, random: () => 0, log: silentLog, changed }
  const discovery = startDiscovery(options)
  expect(discovery.upstreams()).toMatchObject([
    { name: 'vets', source: 'register', endpoints: [], sighting: { attempts: [{ outcome: 'is not registered' }] } },
  ])

  REGISTER.set('vets-service', 8080)
  clock.advance(10_000)
  await vi.waitFor(() => expect(discovery.observations()[0]?.state).toBe('answered'), {
    interval: 2,
  })
  expect(asked).toEqual(['10.0.0.1:8080/banner'])
  expect(changes).toBeGreaterThan(0)
  const sources = discovery.sources()
  const observations = discovery.observations()
  const { ownership } = decideOwnership({ remembered: new Map(), observations, sources, spec })
  expect(Object.fromEntries(ownership)).toEqual({ 'GET /a': 'vets', 'POST /b': 'vets' })
  const { plan } = compile(spec, { catalogue: { operations: [], unclaimed: [], pending: [] }, sources }, [])
  expect(plan.upstreams).toMatchObject([
    { name: 'vets', endpoints: [{ kind: 'address', host: '10.0.0.1', port: 8080, path: '' }] },
  ])
  await discovery.close()
})

it('the keys of a new source are in the JSON Schema, and its mistakes have their place', () => {
  const upstream = jsonSchema().properties?.upstreams?.additionalProperties
  expect(upstream).toMatchObject({ properties: { register: { description: 'Its name in the register' } } })
  expect(problems('upstreams: { vets: { register: [a] } }')).toEqual([
    '1:22 upstreams.vets.register  must be a name in the register, got a list',
  ])
})
