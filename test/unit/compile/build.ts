import { operationKey } from '../../../router/kernel/template.ts'
import type { Catalogue, CatalogueOperation, Confidence, SourceObservation } from '../../../router/model/catalogue.ts'
import type { ShiftRecord } from '../../../router/model/shift.ts'
import type { FieldMatch, RouteMatch, RouteSpec, Spec, Tier, UpstreamSpec } from '../../../router/model/spec.ts'

/**
 * A small world in few words, for tests of compile:
 *
 *   upstreams:  { clinic: legacy, vets: service }
 *   functions:  { contact: loaded, feed: 'broken: throws at line 3' }
 *   routes:     [{ match: GET api.test/vets/** x-beta=1 ?v=2, from: clinic, to: vets }]
 *   operations: { GET /vets.html: clinic vets }   owner first, then who else implements it; `?`: only observed,
 *                                                 `~`: only remembered, `-`: no owner
 *   shifts:     [{ match: GET /vets.html, from: clinic, to: vets, stage: live }]
 *   sighted:    [{ found: Ingress web, match: clinic.test/vets/**, to: kubernetes/vets }]
 */
export type World = {
  readonly upstreams?: Readonly<Record<string, Tier>>
  readonly functions?: Readonly<Record<string, string>>
  readonly default?: string
  readonly paths?: 'insensitive'
  readonly routes?: readonly WrittenRoute[]
  readonly operations?: Readonly<Record<string, string>>
  readonly pending?: readonly string[]
  readonly shifts?: readonly WrittenShift[]
  /** Routes that a source found; their upstreams are services of its own. */
  readonly sighted?: readonly WrittenSighting[]
}

export type WrittenSighting = {
  readonly found: string
  readonly match: string
  readonly to: string
  readonly failure?: string
  readonly fallback?: true
}

export type WrittenRoute = {
  readonly id?: string
  readonly match: string
  readonly from?: string
  /** Empty where a policy answers. */
  readonly to: string
  readonly capture?: boolean
  readonly timeout?: number
  readonly policies?: Readonly<Record<string, unknown>>
}

export type WrittenShift = {
  readonly id?: string
  readonly match: string
  readonly from: string
  readonly to: string
  readonly stage?: ShiftRecord['stage']
  readonly inYaml?: boolean
}

/** A spec with everything but the world's parts at its default. */
export function specOf(world: World): Spec {
  return {
    file: '/estate/banyan.yaml',
    fileHash: 'hash',
    listen: [{ host: undefined, port: 8080 }],
    admin: { host: '127.0.0.1', port: 9080, tokens: [] },
    status: { host: undefined, port: 9081 },
    processes: 1,
    state: { kind: 'sqlite', path: '/estate/state.db', folder: '/estate' },
    trustedProxies: [],
    overrides: { from: [] },
    defaultUpstream: world.default,
    paths: world.paths ?? 'sensitive',
    lameDuckMs: 5_000,
    graceMs: 30_000,
    debug: false,
    upstreams: Object.entries(world.upstreams ?? {}).map(([name, tier]) => upstreamOf(name, tier)),
    functions: world.functions === undefined ? undefined : '/estate/functions',
    routes: (world.routes ?? []).map(routeOf),
  }
}

/** What is known of the operations. */
export function catalogueOf(world: World): Catalogue {
  return {
    operations: Object.entries(world.operations ?? {}).map(([name, who]) => operationOf(name, who)),
    unclaimed: [],
    pending: world.pending ?? [],
  }
}

/** What the functions source sees. */
export function sourcesOf(world: World): readonly SourceObservation[] {
  const upstreams = Object.entries(world.functions ?? {}).map(([name, state]) => ({
    name: `functions/${name}`,
    tier: 'function' as const,
    endpoints: state === 'loaded' || state.startsWith('older') ? [{ host: '127.0.0.1', port: 1, path: '' }] : [],
    ...(state === 'loaded' ? {} : { failure: state }),
  }))
  return [{ source: 'functions', at: 0, upstreams }, ...(world.sighted === undefined ? [] : [sightedOf(world.sighted)])]
}

function sightedOf(written: readonly WrittenSighting[]): SourceObservation {
  const found = [...new Set(written.map(({ to }) => to))].filter((name) => name.includes('/'))
  return {
    source: 'kubernetes',
    at: 0,
    upstreams: found.map((name) => ({ name, tier: 'service', endpoints: [{ host: '10.0.0.9', port: 80, path: '' }] })),
    routes: written.map(({ match, ...route }) => ({ ...route, id: route.found, match: matchOf(match), policies: [] })),
  }
}

/** Shifts on record. */
export function shiftsOf(world: World): readonly ShiftRecord[] {
  return (world.shifts ?? []).map((shift) => ({
    id: shift.id ?? shift.match,
    match: matchOf(shift.match),
    incumbent: shift.from,
    candidate: shift.to,
    inYaml: shift.inYaml ?? false,
    steps: [0.5],
    stage: shift.stage ?? 'canary',
    weight: 0.25,
    salt: '00112233445566778899aabbccddeeff',
    version: 1,
    createdAt: 0,
    changedAt: 0,
  }))
}

/** `GET,POST api.test/vets/** x-beta=1 ?v=2`; `~` begins a regular expression, `!name` is absent, `name` is present. */
export function matchOf(text: string): RouteMatch {
  const words = text.split(' ')
  const methods = /^[A-Z,]+$/.test(words[0] ?? '') ? words.shift()?.split(',').sort() : undefined
  const place = words.shift() ?? ''
  const start = place.search(/[/~]/)
  const path = place.slice(start)
  const query = words.filter((word) => word.startsWith('?')).map((word) => fieldOf(word.slice(1)))
  const headers = words.filter((word) => !word.startsWith('?')).map(fieldOf)
  return {
    ...(start > 0 ? { host: place.slice(0, start) } : {}),
    ...(path.startsWith('~') ? { pathRegex: path.slice(1) } : { path }),
    ...(methods === undefined ? {} : { methods }),
    ...(headers.length > 0 ? { headers } : {}),
    ...(query.length > 0 ? { query } : {}),
  }
}

/** The text that `matchOf` reads. */
export function matchText({ host = '', path, pathRegex, methods, headers = [], query = [] }: RouteMatch): string {
  const place = `${host}${path ?? `~${pathRegex}`}`
  return [methods?.join(',') ?? '', place, ...headers.map(fieldText), ...query.map((field) => `?${fieldText(field)}`)]
    .filter((word) => word !== '')
    .join(' ')
}

function fieldOf(word: string): FieldMatch {
  const [name = '', ...value] = word.split('=')
  if (value.length > 0) return { name, kind: 'exact', value: value.join('=') }
  const [field = '', regex] = word.split('~')
  if (regex !== undefined) return { name: field, kind: 'regex', value: regex }
  return { name: word.replace('!', ''), kind: 'present', value: !word.startsWith('!') }
}

function fieldText(field: FieldMatch): string {
  if (field.kind === 'present') return `${field.value ? '' : '!'}${field.name}`
  return `${field.name}${field.kind === 'exact' ? '=' : '~'}${field.value}`
}

function upstreamOf(name: string, tier: Tier): UpstreamSpec {
  const at = { file: '/estate/banyan.yaml', line: 1, column: 1 }
  return {
    name,
    at,
    tier,
    urls: [{ host: `${name}.internal`, port: 80, path: '', at }],
    discover: { openapi: undefined, mappings: undefined },
    timeouts: { connect: 1, firstByte: 2, idle: 3, total: undefined },
    hostHeader: 'preserve',
    rewriteLocation: tier === 'legacy',
    rewriteCookies: tier === 'legacy',
    ownHosts: [],
  }
}

function routeOf(written: WrittenRoute, index: number): RouteSpec {
  const line = (index + 1) * 10
  const position = (offset: number) => ({ file: '/estate/banyan.yaml', line: line + offset, column: 5 })
  const keys = ['path', 'pathRegex', 'methods', 'headers', 'query', 'from', 'to', 'capture']
  return {
    id: written.id ?? written.match,
    at: position(0),
    match: matchOf(written.match),
    to: written.to,
    from: written.from,
    shift: written.from === undefined ? undefined : { strategy: 'canary', steps: [0.5] },
    capture: written.capture ?? false,
    timeouts: written.timeout === undefined ? {} : { total: written.timeout },
    ...(written.policies === undefined
      ? {}
      : { policies: Object.entries(written.policies).map(([kind, options]) => ({ kind, options })) }),
    positions: Object.fromEntries(keys.map((key, offset) => [key, position(offset + 1)])),
  }
}

const CONFIDENCES: Readonly<Record<string, Confidence>> = { '?': 'observed' }

function operationOf(name: string, who: string): CatalogueOperation {
  const [method = '', template = ''] = name.split(' ')
  const [owner = '-', ...others] = who.split(' ')
  const implementers = [...(owner === '-' ? [] : [owner]), ...others]
  return {
    key: operationKey(method, template),
    method,
    template,
    implementations: implementers.map((word) => ({
      upstream: word.replace(/[?~]$/, ''),
      template,
      evidence: word.endsWith('~')
        ? []
        : [{ detector: 'test', confidence: CONFIDENCES[word.slice(-1)] ?? 'declared', at: 0, source: 'test' }],
    })),
    owner: owner === '-' ? undefined : owner.replace(/[?~]$/, ''),
  }
}
