import { own } from '../kernel/own.ts'
import type { Live, Plan, PlanEndpoint, PlanRule, PlanUpstream, Published, Weight } from '../model/plan.ts'
import type { Balance, OutlierSpec, Timeouts } from '../model/spec.ts'
import { type AddressSet, addressSet } from './addresses.ts'
import { BALANCERS, type Balancer } from './balancing/index.ts'
import { Circuit } from './circuit.ts'
import { Counters } from './counts.ts'
import { Availability } from './health/availability.ts'
import { EndpointHealth } from './health/endpoint-health.ts'
import { buildMatcher, createMatcher, type Matcher } from './match.ts'
import type { Pause } from './pause.ts'
import { chainOf, type PolicyChain } from './policies/chain.ts'
import { RetryBudget } from './retry-budget.ts'
import { type OwnHosts, ownHosts } from './rewrite/own-hosts.ts'
import type { EndpointPool } from './transports/pool.ts'

/**
 * A plan made live: everything a request needs, looked up by number. Frozen once published; a request reads one and
 * keeps it to its end.
 */
export type Snapshot = {
  readonly revision: number
  readonly hash: string
  readonly table: Table
  readonly upstreams: readonly Upstream[]
  /** By index of the rule; undefined: its shift has no weight, or it has no shift. */
  readonly weights: readonly (Weight | undefined)[]
}

/** What depends on the plan alone and survives a change of weights or addresses. */
export type Table = {
  readonly plan: Plan
  readonly fold: boolean
  readonly debug: boolean
  readonly matcher: Matcher
  /** In the plan's order, which is what the matcher counts by. */
  readonly rules: readonly Rule[]
  readonly trusted: AddressSet
  readonly overriders: AddressSet
  readonly counters: Counters
}

/** Which of a shift's two sides; a rule without one has the incumbent only. */
export type Arm = 0 | 1
export const INCUMBENT: Arm = 0
export const CANDIDATE: Arm = 1

export type Rule = {
  readonly index: number
  readonly plan: PlanRule
  /** Indices of the incumbent's and the candidate's upstream; -1: there is none. */
  readonly upstreams: readonly [number, number]
  readonly timeouts: readonly [Timeouts, Timeouts]
  /** How often a request is tried, for either side; 0: nothing is said about that. */
  readonly attempts: readonly [number, number]
  readonly shift: string | undefined
  readonly isDefault: boolean
  /** It takes more than one operation: which one a request is for, only its path says. */
  readonly isUnnamed: boolean
  /** Undefined where the route has none: then its requests pay nothing for them. */
  readonly policies: PolicyChain | undefined
  /** Longest body that a request may have, in bytes; undefined: any. */
  readonly maxBody: number | undefined
  /** Set where the rule is quarantined: why. */
  readonly unavailable: string | undefined
}

export type Upstream = {
  readonly plan: PlanUpstream
  readonly endpoints: readonly Endpoint[]
  /** Which of them a request may go to. */
  readonly availability: Availability<Endpoint>
  /** Undefined where it has no limits. */
  readonly circuit: Circuit | undefined
  readonly retries: RetryBudget
  /** Undefined where answers pass as they are. */
  readonly rewriteLocation: OwnHosts | undefined
  readonly rewriteCookies: OwnHosts | undefined
}

/** One dialable address of an upstream; `path` is put before every request's path. */
export type Endpoint = {
  readonly pool: EndpointPool
  readonly path: string
  readonly authority: string
  readonly health: EndpointHealth
}

/** Gives the pool of an address; the same one for as long as any snapshot names it. */
export type PoolSource = (upstream: PlanUpstream, host: string, port: number) => EndpointPool

/** What serves before the first plan: nothing. */
export function emptySnapshot(): Snapshot {
  const settings = {
    paths: 'sensitive',
    trustedProxies: [],
    overrides: [],
    lameDuckMs: 0,
    graceMs: 0,
    debug: false,
  } as const
  const plan: Plan = { format: 1, settings, upstreams: [], rules: [] }
  return { revision: -1, hash: '', table: tableOf(plan, createMatcher([], settings), []), upstreams: [], weights: [] }
}

/**
 * Makes a published plan live. What the `previous` snapshot compiled from the same plan is used again, so a change of
 * weights or addresses costs next to nothing. Throws where the plan cannot be: nothing has changed then.
 */
export async function realise(
  published: Published,
  previous: Snapshot,
  pools: PoolSource,
  pause: Pause,
  now: () => number,
): Promise<Snapshot> {
  const { plan, live, revision, hash } = published
  const table = previous.table.plan === plan ? previous.table : await compileTable(plan, pause)
  const upstreams: Upstream[] = []
  const known = new Map(previous.upstreams.map((upstream) => [upstream.plan.name, upstream]))
  for (const upstream of plan.upstreams) {
    upstreams.push(realiseUpstream(upstream, known.get(upstream.name), { live, pools, now }))
    await pause()
  }
  const weights = table.rules.map((rule) => (rule.shift === undefined ? undefined : own(live.weights, rule.shift)))
  return Object.freeze({ revision, hash, table, upstreams, weights })
}

async function compileTable(plan: Plan, pause: Pause): Promise<Table> {
  const matcher = await buildMatcher(plan.rules, plan.settings, pause)
  const indices = new Map(plan.upstreams.map((upstream, index) => [upstream.name, index]))
  const rules: Rule[] = []
  for (const rule of plan.rules) {
    rules.push(compileRule(rule, rules.length, plan, indices))
    const pausing = pause()
    if (pausing !== undefined) await pausing
  }
  return tableOf(plan, matcher, rules)
}

function tableOf(plan: Plan, matcher: Matcher, rules: readonly Rule[]): Table {
  const { settings } = plan
  return Object.freeze({
    plan,
    fold: settings.paths === 'insensitive',
    debug: settings.debug,
    matcher,
    rules,
    trusted: addressSet(settings.trustedProxies),
    overriders: addressSet(settings.overrides),
    counters: new Counters(rules, plan.upstreams),
  })
}

function compileRule(rule: PlanRule, index: number, plan: Plan, indices: ReadonlyMap<string, number>): Rule {
  const { action } = rule
  const find = (name: string): number => {
    const found = indices.get(name)
    if (found === undefined) throw new Error(`rule "${rule.id}": upstream "${name}" is not in the plan`)
    return found
  }
  let upstreams: readonly [number, number] = [-1, -1]
  if (action.kind === 'forward') upstreams = [find(action.upstream), -1]
  else if (action.kind === 'shift') upstreams = [find(action.incumbent), find(action.candidate)]
  const timeouts = (arm: Arm): Timeouts => ({
    ...NO_TIMEOUTS,
    ...plan.upstreams[upstreams[arm]]?.timeouts,
    ...rule.timeouts,
  })
  const attempts = (arm: Arm) => (rule.retry ?? plan.upstreams[upstreams[arm]]?.retry)?.attempts ?? 0
  const policies = chainOf(rule, plan.settings)
  return Object.freeze({
    index,
    plan: rule,
    upstreams,
    timeouts: [timeouts(INCUMBENT), timeouts(CANDIDATE)] as const,
    attempts: [attempts(INCUMBENT), attempts(CANDIDATE)] as const,
    shift: action.kind === 'shift' ? action.shift : undefined,
    isDefault: rule.origin === 'default',
    isUnnamed: isUnnamed(rule),
    policies,
    maxBody: policies?.bodyLimit,
    unavailable: action.kind === 'unavailable' ? action.reason : undefined,
  })
}

function isUnnamed({ origin, match: { path, methods } }: PlanRule): boolean {
  if (origin === 'operation' || origin === 'kept') return false
  return path === undefined || path.endsWith('**') || methods === undefined
}

/** For arms that lead nowhere; never waited for. */
const NO_TIMEOUTS: Timeouts = { connect: 0, firstByte: 0, idle: 0, total: undefined }

type Parts = { readonly live: Live; readonly pools: PoolSource; readonly now: () => number }

function realiseUpstream(plan: PlanUpstream, before: Upstream | undefined, parts: Parts): Upstream {
  const endpoints = plan.endpoints.flatMap((endpoint) => realiseEndpoint(plan, endpoint, before, parts))
  const hosts = ownHosts(plan.ownHosts)
  const balance = plan.balance ?? LEAST_REQUESTS
  const { create, scattered } = balancerOf(plan.name, balance)
  const outlier = plan.outlier ?? USUAL_OUTLIER
  return Object.freeze({
    plan,
    endpoints,
    availability: new Availability({
      endpoints,
      picker: create(balance),
      scattered,
      outlier: outlier === false ? undefined : outlier,
      unhealthy: new Set(own(parts.live.health ?? {}, plan.name)),
      before: before?.availability,
      now: parts.now,
    }),
    circuit: circuitOf(plan, before, parts.live),
    retries: before?.retries ?? new RetryBudget(),
    rewriteLocation: plan.rewriteLocation ? hosts : undefined,
    rewriteCookies: plan.rewriteCookies ? hosts : undefined,
  })
}

/** The one of the snapshot before knows who has a place. */
function circuitOf(plan: PlanUpstream, before: Upstream | undefined, live: Live): Circuit | undefined {
  if (plan.circuit === undefined) return undefined
  const circuit = before?.circuit ?? new Circuit()
  circuit.divide(plan.circuit, Math.max(1, live.processes ?? 1))
  return circuit
}

function balancerOf(upstream: string, balance: Balance): Balancer {
  const balancer = BALANCERS.find(({ kind }) => kind === balance.kind)
  if (balancer !== undefined) return balancer
  const known = BALANCERS.map(({ kind }) => kind).join(', ')
  throw new Error(`upstream "${upstream}": balance "${balance.kind}" is unknown to this version; it has ${known}`)
}

const LEAST_REQUESTS: Balance = { kind: 'least-requests' }
/** Where the configuration says nothing. An answer is no failure then: one broken page must not cost an endpoint. */
const USUAL_OUTLIER: OutlierSpec = { consecutive: 5, baseEjectionMs: 10_000, maxEjected: 0.5, gatewayErrors: false }

function realiseEndpoint(
  plan: PlanUpstream,
  endpoint: PlanEndpoint,
  before: Upstream | undefined,
  { live, pools, now }: Parts,
): Endpoint[] {
  const addresses =
    endpoint.kind === 'address'
      ? [endpoint]
      : (own(live.addresses, endpoint.symbol) ?? []).map((address) => ({ ...address, path: '', authority: undefined }))
  const unhealthy = own(live.health ?? {}, plan.name) ?? []
  return addresses.map(({ host, port, path, authority }) => {
    const name = host.includes(':') ? `[${host}]` : host
    const pool = pools(plan, host, port)
    return {
      pool,
      path,
      authority: authority ?? (port === (plan.tls ? 443 : 80) ? name : `${name}:${port}`),
      health: healthOf(pool, before, unhealthy, now),
    }
  })
}

/** What is known of the endpoint; one that joins others, or is well again, warms up. */
function healthOf(
  pool: EndpointPool,
  before: Upstream | undefined,
  unhealthy: readonly string[],
  now: () => number,
): EndpointHealth {
  const known = before?.endpoints.find((endpoint) => endpoint.pool === pool)
  if (known !== undefined) {
    if (before?.availability.isUnhealthy(pool.address) && !unhealthy.includes(pool.address)) known.health.appear(now())
    return known.health
  }
  const health = new EndpointHealth()
  if (before !== undefined && before.endpoints.length > 0) health.appear(now())
  return health
}
