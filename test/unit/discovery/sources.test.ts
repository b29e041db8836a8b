import { describe, expect, it } from 'vitest'
import { detectableUpstreams } from '../../../router/discovery/detectable.ts'
import { mergeObservations } from '../../../router/discovery/sources/merge.ts'
import { foreseen, openSources } from '../../../router/discovery/sources/open.ts'
import { manualClock } from '../../../router/kernel/clock.ts'
import { silentLog } from '../../../router/kernel/log.ts'
import type { FunctionFeed, FunctionState } from '../../../router/model/functions.ts'
import type { Spec, UpstreamSpec } from '../../../router/model/spec.ts'

const AT = { file: 'banyan.yaml', line: 1, column: 1 }

function upstream(name: string, part: Partial<UpstreamSpec> = {}): UpstreamSpec {
  return {
    name,
    at: AT,
    tier: 'service',
    urls: [{ host: '10.0.0.1', port: 3000, path: '', at: AT }],
    discover: { openapi: 'auto', mappings: undefined },
    timeouts: { connect: 1, firstByte: 1, idle: 1, total: undefined },
    hostHeader: 'preserve',
    rewriteLocation: false,
    rewriteCookies: false,
    ownHosts: ['vets.test'],
    ...part,
  }
}

function specWith(upstreams: readonly UpstreamSpec[]): Spec {
  return {
    file: '/banyan.yaml',
    fileHash: '',
    listen: [],
    admin: { host: undefined, port: 0, tokens: [] },
    status: { host: undefined, port: 0 },
    processes: 1,
    state: { kind: 'sqlite', path: '/state/state.db', folder: '/state' },
    trustedProxies: [],
    overrides: { from: [] },
    defaultUpstream: undefined,
    paths: 'sensitive',
    lameDuckMs: 0,
    graceMs: 0,
    debug: false,
    upstreams,
    functions: '/functions',
    routes: [],
  }
}

/** A function host whose folders a test changes by hand. */
function feedOf(states: readonly FunctionState[] | undefined) {
  let now = states
  const listeners = new Set<() => void>()
  const feed: FunctionFeed = {
    state: () => now,
    changed: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  const set = (next: readonly FunctionState[]) => {
    now = next
    for (const listener of listeners) listener()
  }
  return { feed, set, listeners }
}

const CONTACT: FunctionState = { name: 'functions/contact', revision: 'abc', routes: ['GET /contact.html'] }

const PARTS = { clock: manualClock(7), random: () => 0, log: silentLog, changed: () => {} }

describe('openSources', () => {
  it('publishes what the YAML and the functions folder hold, each whole', () => {
    const { feed } = feedOf([
      CONTACT,
      { name: 'functions/bad', revision: undefined, failure: 'does not load', routes: [] },
      { name: 'functions/loading', revision: undefined, routes: [] },
    ])
    const sources = openSources({ ...PARTS, spec: specWith([upstream('vets')]), functions: feed })
    expect(sources.observations()).toEqual([
      {
        source: 'functions',
        at: 7,
        upstreams: [
          {
            name: 'functions/contact',
            tier: 'function',
            endpoints: [],
            declares: ['GET /contact.html'],
            revision: 'abc',
          },
          { name: 'functions/bad', tier: 'function', endpoints: [], declares: [], failure: 'does not load' },
          { name: 'functions/loading', tier: 'function', endpoints: [] },
        ],
      },
      {
        source: 'static',
        at: 7,
        upstreams: [{ name: 'vets', tier: 'service', endpoints: [{ host: '10.0.0.1', port: 3000, path: '' }] }],
      },
    ])
  })

  it('says nothing of functions before the folder was read, then follows it', () => {
    const { feed, set, listeners } = feedOf(undefined)
    let changes = 0
    const changed = () => {
      changes += 1
    }
    const sources = openSources({ ...PARTS, spec: specWith([]), functions: feed, changed })
    expect(sources.observations().map(({ source }) => source)).toEqual(['static'])
    set([CONTACT])
    expect(changes).toBe(1)
    set([])
    expect(sources.observations().find(({ source }) => source === 'functions')?.upstreams).toEqual([])
    void sources.close()
    expect(listeners.size).toBe(0)
  })

  it('goes on with a new spec', () => {
    const sources = openSources({ ...PARTS, spec: specWith([]), functions: undefined })
    sources.update(specWith([upstream('vets'), upstream('owners')]))
    expect(sources.observations()[0]?.upstreams.map(({ name }) => name)).toEqual(['vets', 'owners'])
  })
})

const sighted = (name: string, found?: string) =>
  ({ name, tier: 'service', endpoints: [], ...(found === undefined ? {} : { found }) }) as const

describe('mergeObservations', () => {
  it.each([
    { why: 'the YAML wins by its addresses', wins: 'static', loses: 'docker (container c)', written: 'static' },
    { why: 'the YAML wins by the source it names', wins: 'docker', loses: 'the YAML', written: 'docker' },
    { why: 'else the alphabet decides', wins: 'docker', loses: 'the YAML', written: undefined },
  ])('keeps one upstream of a name and names both sides of a clash: $why', ({ wins, loses, written }) => {
    const merged = mergeObservations(
      [
        { source: 'static', at: 1, upstreams: [sighted('a'), sighted('b')] },
        { source: 'docker', at: 1, upstreams: [sighted('a', 'container c')] },
      ],
      new Map(written === undefined ? [] : [['a', written]]),
    )
    expect(merged.upstreams.map(({ name, source }) => [name, source]).sort()).toEqual([
      ['a', wins],
      ['b', 'static'],
    ])
    expect(merged.observations.map(({ source, upstreams }) => [source, upstreams.map(({ name }) => name)])).toEqual([
      ['static', wins === 'static' ? ['a', 'b'] : ['b']],
      ['docker', wins === 'docker' ? ['a'] : []],
    ])
    const first = wins === 'static' ? 'the YAML' : 'docker (container c)'
    expect(merged.clashes).toMatchObject([
      { code: 'upstream-clash', message: `upstream "a" comes from ${first} and from ${loses}; the first one is used` },
    ])
  })
})

describe('foreseen', () => {
  const dns = (name: string) => upstream(name, { urls: [], source: { kind: 'dns', options: { name } } })
  const words = [
    { source: 'dns', at: 1, upstreams: [sighted('a'), sighted('b'), sighted('c')] },
    { source: 'docker', at: 1, upstreams: [sighted('found')] },
    { source: 'functions', at: 1, upstreams: [sighted('functions/contact')] },
    { source: 'static', at: 1, upstreams: [sighted('old')] },
  ]

  it('keeps what is found in the same way under the other spec, and what is found without being named', () => {
    const docker = { kind: 'docker', options: {}, discovers: true }
    const now = { ...specWith([dns('a'), dns('b'), dns('c'), upstream('old')]), sources: [docker] }
    const other = dns('else').source ?? { kind: '', options: {} }
    const next = specWith([dns('a'), { ...dns('b'), source: other }, upstream('new')])
    const names = (spec: Spec) => foreseen(words, now, spec).map(({ upstreams }) => upstreams.map(({ name }) => name))
    expect(names({ ...next, sources: [docker] })).toEqual([['a'], ['found'], ['functions/contact'], ['new']])
    expect(names(next)).toEqual([['a'], [], ['functions/contact'], ['new']])
  })
})

describe('detectableUpstreams', () => {
  it('joins what sources see with what the YAML says', () => {
    const spec = specWith([upstream('vets')])
    const { feed } = feedOf([CONTACT])
    const { upstreams } = mergeObservations(
      openSources({ ...PARTS, spec, functions: feed }).observations(),
      new Map([['vets', 'static']]),
    )
    expect(detectableUpstreams(spec, upstreams)).toEqual([
      {
        name: 'vets',
        endpoints: [{ host: '10.0.0.1', port: 3000, path: '' }],
        discover: { openapi: 'auto', mappings: undefined },
        ownHosts: ['vets.test'],
        declares: undefined,
        failure: undefined,
      },
      {
        name: 'functions/contact',
        endpoints: [],
        discover: { openapi: undefined, mappings: undefined },
        ownHosts: [],
        declares: ['GET /contact.html'],
        failure: undefined,
      },
    ])
  })

  it.each([
    { written: {}, labels: { openapi: 'auto' }, asks: { openapi: 'auto' } },
    { written: { openapi: 'off' }, labels: { openapi: 'auto' }, asks: {} },
    { written: { openapi: 'off' }, labels: { openapi: 'auto', grpc: 'on' }, asks: { grpc: 'on' } },
    { written: { mappings: '/mappings', grpc: 'off' }, labels: { openapi: 'auto' }, asks: { mappings: '/mappings' } },
    { written: { openapi: '/a.json' }, labels: { openapi: 'auto', grpc: 'on' }, asks: { openapi: '/a.json' } },
  ])('asks $asks where the YAML says $written and labels $labels', ({ written, labels, asks }) => {
    const spec = specWith([upstream('vets', { discover: written })])
    const observed = { source: 'docker', name: 'vets', tier: 'service' as const, endpoints: [], discover: labels }
    const [detectable] = detectableUpstreams(spec, [observed])
    expect(detectable?.discover).toEqual({ openapi: undefined, mappings: undefined, ...asks })
  })
})
