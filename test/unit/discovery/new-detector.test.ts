import { expect, it, vi } from 'vitest'
import { joinCatalogue } from '../../../router/catalogue/join.ts'
import { decideOwnership } from '../../../router/catalogue/ownership.ts'
import { jsonSchema } from '../../../router/config/schema.ts'
import { startDiscovery } from '../../../router/discovery/index.ts'
import { manualClock } from '../../../router/kernel/clock.ts'
import { silentLog } from '../../../router/kernel/log.ts'
import { problems, specOf } from '../config/decoding.ts'

// The lines that adding it to the router would be: one in the list, one beside it for its key in `discover`.
vi.mock('../../../router/discovery/detectors/index.ts', async (original) => {
  const { DETECTORS } = await original<typeof import('../../../router/discovery/detectors/index.ts')>()
  const { contractFile } = await import('./fixtures/contract-file/index.ts')
  return { DETECTORS: [...DETECTORS, contractFile] }
})
vi.mock('../../../router/discovery/detectors/schemas.ts', async (original) => {
  const { DETECTOR_SCHEMAS } = await original<typeof import('../../../router/discovery/detectors/schemas.ts')>()
  const { contractFileSchema } = await import('./fixtures/contract-file/schema.ts')
  return { DETECTOR_SCHEMAS: [...DETECTOR_SCHEMAS, contractFileSchema] }
})

it('a detector with a key in the YAML is one folder and its lines in the lists', async () => {
  const spec = specOf('upstreams: { vets: { url: "http://10.0.0.1", discover: { contractFile: /vets } } }')
  const clock = manualClock()
  const fetch = () => Promise.reject(new Error('nobody is asked'))
  const options = { spec, functions: undefined, fetch, clock, random: () => 0, log: silentLog, changed: () => {} }
  const discovery = startDiscovery(options)
  clock.advance(0)
  await vi.waitFor(() => expect(discovery.observations()[0]?.state).toBe('answered'), { interval: 2 })
  const observations = discovery.observations()
  const { ownership } = decideOwnership({ remembered: new Map(), observations, sources: discovery.sources(), spec })
  expect(joinCatalogue(observations, [], ownership).operations).toMatchObject([
    {
      key: 'GET /vets',
      owner: 'vets',
      implementations: [{ evidence: [{ detector: 'contractFile', source: '/vets' }] }],
    },
  ])
  await discovery.close()
})

it('its key is in the JSON Schema, and a mistake in it has its place', () => {
  const upstream = jsonSchema().properties?.upstreams?.additionalProperties
  expect(upstream).toMatchObject({
    properties: { discover: { properties: { contractFile: { description: 'Where its contract is' }, openapi: {} } } },
  })
  expect(problems('upstreams: { vets: { url: "http://a", discover: { contractFile: x } } }')).toEqual([
    '1:65 upstreams.vets.discover.contractFile  must be a path such as /contract, got "x"',
  ])
})
