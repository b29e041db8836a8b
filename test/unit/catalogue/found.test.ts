import { describe, expect, it } from 'vitest'
import { decideOwnership } from '../../../router/catalogue/ownership.ts'
import type { SightedUpstream, Sighting, SourceObservation } from '../../../router/model/catalogue.ts'
import { observed } from './observed.ts'

const SPEC = {
  upstreams: [],
  defaultUpstream: undefined,
  functions: undefined,
  sources: [{ kind: 'docker', options: {}, discovers: true }],
}

function docker(state: Sighting['state'], ...upstreams: readonly SightedUpstream[]): SourceObservation {
  return { source: 'docker', at: 1, upstreams, sighting: { state, attempts: [], at: 1, nextAt: undefined } }
}

const sighted = (name: string, tier: SightedUpstream['tier']): SightedUpstream => ({ name, tier, endpoints: [] })
const BOTH = [observed('clinic', ['GET /vets', 'GET /owners']), observed('vets', ['GET /vets'])]

describe('who owns what upstreams implement that the file does not name', () => {
  it('is decided by tier, as for those that it names', () => {
    const sources = [docker('answered', sighted('vets', 'service'), sighted('clinic', 'legacy'))]
    const { ownership } = decideOwnership({ remembered: new Map(), observations: BOTH, sources, spec: SPEC })
    expect(Object.fromEntries(ownership)).toEqual({ 'GET /vets': 'clinic', 'GET /owners': 'clinic' })
  })

  it.each([
    { why: 'the engine has not been answered yet', sources: [docker('pending')] },
    { why: 'the engine is away', sources: [docker('failed')] },
    { why: 'the source has not spoken', sources: [] },
    { why: 'its containers are gone', sources: [docker('answered', sighted('vets', 'service'))] },
  ])('stays with an upstream where $why', ({ sources }) => {
    const remembered = new Map([['GET /vets', 'vets']])
    const { changes } = decideOwnership({ remembered, observations: [], sources, spec: SPEC })
    expect(changes.size).toBe(0)
  })

  it('is given up where the file no longer lets them be found', () => {
    const remembered = new Map([['GET /vets', 'vets']])
    const sources = [docker('answered', sighted('vets', 'service'))]
    const spec = { ...SPEC, sources: [] }
    const { changes } = decideOwnership({ remembered, observations: [], sources, spec })
    expect([...changes]).toEqual([['GET /vets', undefined]])
  })

  it('is not decided before the default upstream has been found', () => {
    const spec = { ...SPEC, defaultUpstream: 'clinic' }
    const vets = [observed('vets', ['GET /vets'])]
    const decide = (sources: readonly SourceObservation[]) =>
      decideOwnership({ remembered: new Map(), observations: vets, sources, spec }).ownership.size
    expect(decide([docker('pending', sighted('vets', 'service'))])).toBe(0)
    expect(decide([docker('answered', sighted('vets', 'service'))])).toBe(1)
  })
})
