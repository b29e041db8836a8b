import { describe, expect, it } from 'vitest'
import { decideOwnership, type OwnershipWorld } from '../../../router/catalogue/ownership.ts'
import type { Observation, SourceObservation } from '../../../router/model/catalogue.ts'
import type { Tier, UpstreamSpec } from '../../../router/model/spec.ts'
import { observed } from './observed.ts'

const AT = { file: 'banyan.yaml', line: 1, column: 1 }

function upstream(name: string, tier: Tier, openapi: string | undefined = 'auto'): UpstreamSpec {
  return {
    name,
    at: AT,
    tier,
    urls: [],
    discover: { openapi, mappings: undefined },
    timeouts: { connect: 1, firstByte: 1, idle: 1, total: undefined },
    hostHeader: 'preserve',
    rewriteLocation: false,
    rewriteCookies: false,
    ownHosts: [],
  }
}

const CLINIC = upstream('clinic', 'legacy')
const VETS = upstream('vets', 'service')
const OWNERS = upstream('owners', 'service')

function functionsOf(...names: string[]): SourceObservation {
  return { source: 'functions', at: 1, upstreams: names.map((name) => ({ name, tier: 'function', endpoints: [] })) }
}

type Scene = {
  readonly remembered?: Record<string, string>
  readonly observations: readonly Observation[]
  readonly upstreams?: readonly UpstreamSpec[]
  readonly functions?: SourceObservation | null
  readonly default?: string | null
}

function decide({
  remembered = {},
  observations,
  upstreams = [CLINIC, VETS, OWNERS],
  functions = functionsOf(),
  default: name = 'clinic',
}: Scene) {
  const world: OwnershipWorld = {
    remembered: new Map(Object.entries(remembered)),
    observations,
    sources: functions === null ? [] : [functions],
    spec: { upstreams, defaultUpstream: name ?? undefined, functions: '/functions' },
  }
  const { ownership, changes } = decideOwnership(world)
  return { ownership: Object.fromEntries(ownership), changes: Object.fromEntries(changes) }
}

describe('decideOwnership, the first time', () => {
  it('gives an operation to its only implementer, and with several to the incumbent', () => {
    const observations = [
      observed('functions/feed', ['GET /vets.xml', 'GET /vets.html', 'GET /feed', 'GET /both']),
      observed('vets', ['GET /vets.html', 'GET /api/vets', 'GET /both']),
      observed('clinic', ['GET /vets.html', 'GET /vets.xml', 'GET /']),
    ]
    const { ownership, changes } = decide({ observations, functions: functionsOf('functions/feed') })
    expect(ownership).toEqual({
      'GET /vets.xml': 'clinic',
      'GET /vets.html': 'clinic',
      'GET /': 'clinic',
      'GET /api/vets': 'vets',
      'GET /both': 'vets',
      'GET /feed': 'functions/feed',
    })
    expect(changes).toEqual(ownership)
  })

  it('prefers the default among equals, then the alphabet, whatever the order', () => {
    const observations = [observed('vets', ['GET /x']), observed('owners', ['GET /x']), observed('clinic', [])]
    expect(decide({ observations }).ownership).toEqual({ 'GET /x': 'owners' })
    expect(decide({ observations, default: 'vets' }).ownership).toEqual({ 'GET /x': 'vets' })
    expect(decide({ observations: observations.toReversed(), default: 'vets' }).ownership).toEqual({ 'GET /x': 'vets' })
  })

  it('does not count parameter names', () => {
    const observations = [observed('owners', ['GET /owners/{id}']), observed('clinic', ['GET /owners/*'])]
    expect(decide({ observations }).ownership).toEqual({ 'GET /owners/{}': 'clinic' })
  })

  it('gives nothing to an upstream that is not configured', () => {
    const observations = [observed('clinic', []), observed('gone', ['GET /x'])]
    expect(decide({ observations }).ownership).toEqual({})
  })
})

describe('decideOwnership, until the default upstream was heard', () => {
  const vets = observed('vets', ['GET /vets.html'])

  it.each([
    { state: 'pending', ownership: {} },
    { state: 'failed', ownership: { 'GET /vets.html': 'vets' } },
    { state: 'none', ownership: { 'GET /vets.html': 'vets' } },
  ] as const)('decides $ownership while it is $state', ({ state, ownership }) => {
    expect(decide({ observations: [vets, observed('clinic', [], { state })] }).ownership).toEqual(ownership)
  })

  it('waits for an answer that has not been asked for yet', () => {
    expect(decide({ observations: [vets] }).ownership).toEqual({})
  })

  it('does not wait for a default that is not asked, nor for others, nor without a default', () => {
    const silent = upstream('clinic', 'legacy', undefined)
    const slow = observed('owners', [], { state: 'pending' })
    const expected = { 'GET /vets.html': 'vets' }
    expect(decide({ observations: [vets, slow], upstreams: [silent, VETS, OWNERS] }).ownership).toEqual({})
    expect(
      decide({
        observations: [vets, slow],
        upstreams: [{ ...silent, discover: { openapi: undefined, mappings: undefined } }, VETS, OWNERS],
      }).ownership,
    ).toEqual(expected)
    expect(
      decide({ observations: [vets, slow], upstreams: [{ ...silent, discover: { openapi: 'off' } }, VETS, OWNERS] })
        .ownership,
    ).toEqual(expected)
    expect(decide({ observations: [vets, slow], default: null }).ownership).toEqual(expected)
  })

  it('keeps what is remembered meanwhile', () => {
    const scene = {
      remembered: { 'GET /vets.html': 'vets' },
      observations: [observed('clinic', [], { state: 'pending' })],
    }
    expect(decide(scene)).toEqual({ ownership: scene.remembered, changes: {} })
  })
})

describe('decideOwnership, ever after', () => {
  const remembered = { 'GET /vets.html': 'vets', 'GET /owners/{}': 'owners' }

  it.each([
    {
      what: 'the incumbent appears',
      observations: [observed('clinic', ['GET /vets.html']), observed('vets', ['GET /vets.html'])],
    },
    {
      what: 'the owner no longer describes it',
      observations: [observed('clinic', ['GET /vets.html']), observed('vets', [])],
    },
    {
      what: 'the owner is not heard',
      observations: [observed('clinic', ['GET /vets.html']), observed('vets', [], { state: 'failed' })],
    },
    { what: 'nobody is heard', observations: [] },
  ])('changes nothing when $what', ({ observations }) => {
    expect(decide({ remembered, observations })).toEqual({ ownership: remembered, changes: {} })
  })

  it('decides again what an upstream had that configuration removed', () => {
    const observations = [observed('clinic', ['GET /vets.html'])]
    expect(decide({ remembered, observations, upstreams: [CLINIC, OWNERS] })).toEqual({
      ownership: { 'GET /vets.html': 'clinic', 'GET /owners/{}': 'owners' },
      changes: { 'GET /vets.html': 'clinic' },
    })
    expect(decide({ remembered, observations, upstreams: [CLINIC, VETS] })).toEqual({
      ownership: { 'GET /vets.html': 'vets' },
      changes: { 'GET /owners/{}': undefined },
    })
  })
})

describe('decideOwnership with functions', () => {
  const contact = observed('functions/contact', ['GET /contact.html', 'GET /vets.xml'])
  const clinic = observed('clinic', ['GET /vets.xml'])

  it('gives a new function what nobody owns, and leaves what somebody does', () => {
    const remembered = { 'GET /vets.xml': 'clinic' }
    const functions = functionsOf('functions/contact')
    expect(decide({ remembered, observations: [clinic, contact], functions }).changes).toEqual({
      'GET /contact.html': 'functions/contact',
    })
  })

  it('takes from a function whose folder was removed', () => {
    const remembered = { 'GET /contact.html': 'functions/contact', 'GET /vets.xml': 'functions/contact' }
    expect(decide({ remembered, observations: [clinic] })).toEqual({
      ownership: { 'GET /vets.xml': 'clinic' },
      changes: { 'GET /contact.html': undefined, 'GET /vets.xml': 'clinic' },
    })
  })

  it('keeps what a function has while it fails to load, and before the folder was read', () => {
    const remembered = { 'GET /contact.html': 'functions/contact' }
    const failing = functionsOf('functions/contact')
    const observations = [clinic, observed('functions/contact', [], { state: 'failed' })]
    expect(decide({ remembered, observations, functions: failing }).ownership).toMatchObject(remembered)
    expect(decide({ remembered, observations: [clinic], functions: null }).ownership).toMatchObject(remembered)
  })
})
