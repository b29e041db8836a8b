import { expect, it } from 'vitest'
import { adviceFor } from '../../../router/admin/advice.ts'
import type { Observation, SightedUpstream, Sighting } from '../../../router/model/catalogue.ts'

const HERE = [{ host: '10.0.0.1', port: 80, path: '' }]
const sighted = (state: Sighting['state'], endpoints: SightedUpstream['endpoints'] = []): SightedUpstream => ({
  name: 'vets',
  tier: 'service',
  endpoints,
  declares: [],
  sighting: { state, attempts: [], at: 1, nextAt: 2 },
})
const asked = (state: Observation['state']): Observation => ({
  upstream: 'vets',
  detector: 'openapi',
  state,
  operations: [],
  confidence: 'described',
  source: '',
  attempts: [{ what: 'GET /openapi.json', outcome: 'connection refused', at: 1 }],
  at: 1,
  nextAt: 2,
})

it.each([
  { why: 'a name server is silent', source: 'dns', upstream: sighted('failed', HERE), says: [/name server/] },
  { why: 'a name is not there', source: 'dns', upstream: sighted('answered'), says: [/correct dns:/] },
  { why: 'an engine is away', source: 'docker', upstream: sighted('failed', HERE), says: [/engine runs/] },
  { why: 'there is no container', source: 'docker', upstream: sighted('answered'), says: [/start a container/] },
  { why: 'an API server is away', source: 'kubernetes', upstream: sighted('failed'), says: [/API server/] },
  { why: 'a source of another kind fails', source: 'other', upstream: sighted('failed'), says: [/what came back/] },
  { why: 'all is well', source: 'dns', upstream: sighted('answered', HERE), says: [] },
])('says what to do where $why', ({ source, upstream, says }) => {
  const advice = adviceFor(source, upstream, [])
  expect(advice).toHaveLength(says.length)
  for (const [index, pattern] of says.entries()) expect(advice[index]).toMatch(pattern)
})

it.each([
  {
    state: 'pending',
    says: ['openapi: it has not answered yet; see that it runs and listens where its endpoints are'],
  },
  { state: 'none', says: [expect.stringMatching(/^openapi: it answers and has none there/)] },
  { state: 'failed', says: [expect.stringMatching(/^openapi: what it answers is no description/)] },
  { state: 'answered', says: [] },
] as const)('says what to do where a detector is $state', ({ state, says }) => {
  expect(adviceFor('static', { name: 'vets', tier: 'service', endpoints: HERE }, [asked(state)])).toEqual(says)
})

it('says that nobody asks what it implements, unless it declares that itself', () => {
  const upstream = { name: 'vets', tier: 'service', endpoints: HERE } as const
  expect(adviceFor('static', upstream, [])).toEqual([expect.stringMatching(/^nobody asks what it implements/)])
  expect(adviceFor('functions', { ...upstream, declares: ['GET /a'] }, [])).toEqual([])
})
