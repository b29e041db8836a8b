import type { Position } from './diagnostic.ts'
import type {
  Balance,
  CircuitSpec,
  OutlierSpec,
  PolicySpec,
  RetrySpec,
  RouteMatch,
  Tier,
  Timeouts,
  UpstreamTls,
} from './spec.ts'

/**
 * What `compile` decided, as plain JSON: all the data plane obeys, without weights and without secrets.
 * Function endpoints are symbolic, so that a plan outlives the processes it was made for.
 */
export type Plan = {
  readonly format: 1
  readonly settings: PlanSettings
  readonly upstreams: readonly PlanUpstream[]
  /** Every rule the matcher knows, best first within equal paths; order carries no meaning of its own. */
  readonly rules: readonly PlanRule[]
}

export type PlanSettings = {
  readonly paths: 'sensitive' | 'insensitive'
  /** CIDR blocks. */
  readonly trustedProxies: readonly string[]
  readonly overrides: readonly string[]
  readonly lameDuckMs: number
  readonly graceMs: number
  readonly debug: boolean
}

export type PlanUpstream = {
  readonly name: string
  readonly tier: Tier
  /** Kind of the transport: `http`, `http2`, or `worker` for a local function. */
  readonly transport: string
  readonly endpoints: readonly PlanEndpoint[]
  readonly timeouts: Timeouts
  readonly hostHeader: 'preserve' | 'upstream' | { readonly name: string }
  readonly rewriteLocation: boolean
  readonly rewriteCookies: boolean
  readonly ownHosts: readonly string[]
  /** What becomes of `%2F` and `%5C` in a path; absent: kept by the default rule to tier legacy, else rejected. */
  readonly encodedSlash?: 'keep' | 'reject' | undefined
  /** Absent: least-requests. */
  readonly balance?: Balance
  /** Absent: the usual figures; false: nothing is ejected. */
  readonly outlier?: OutlierSpec | false
  /** Absent: no limits. */
  readonly circuit?: CircuitSpec
  readonly retry?: RetrySpec
  /** Absent: in plain. */
  readonly tls?: UpstreamTls
}

/** `symbol`: looked up in the addresses published beside the plan, e.g. `functions/contact`. */
export type PlanEndpoint =
  | {
      readonly kind: 'address'
      readonly host: string
      readonly port: number
      readonly path: string
      /** The Host field that is its own, where that is not its address. */
      readonly authority?: string
    }
  | { readonly kind: 'symbol'; readonly symbol: string }

export type PlanRule = {
  /**
   * `route:ID`, `shift:ID`, `ingress:ID`, `operation:GET /owners/{}`, `default`; `kept:ROUTE-ID:OPERATION` for an operation that a
   * route covers and leaves where it is, `route:ID:OPERATION` for one that it takes although its own rule would lose.
   */
  readonly id: string
  readonly origin: 'route' | 'operation' | 'kept' | 'shift' | 'ingress' | 'default'
  readonly match: RouteMatch
  readonly action: PlanAction
  readonly timeouts: Partial<Timeouts>
  /** Instead of the upstream's. */
  readonly retry?: RetrySpec
  /** In the order in which they act; absent: none. */
  readonly policies?: readonly PolicySpec[]
  /** In words: why this rule exists and why its upstream serves it. */
  readonly because: string
  readonly at?: Position
}

export type PlanAction =
  | { readonly kind: 'forward'; readonly upstream: string }
  | { readonly kind: 'shift'; readonly shift: string; readonly incumbent: string; readonly candidate: string }
  /** One of its policies answers every request, with this status; there is no upstream. */
  | { readonly kind: 'answer'; readonly status: number }
  /** Quarantined: it matches, answers 503, and never falls through to another rule. */
  | { readonly kind: 'unavailable'; readonly reason: string }

/** A shift as the data plane needs it. */
export type Weight = { readonly weight: number; readonly salt: string; readonly active: boolean }

/** What changes more often than the plan: weights by shift id, addresses of symbolic endpoints, health. */
export type Live = {
  readonly weights: Readonly<Record<string, Weight>>
  readonly addresses: Readonly<Record<string, readonly { readonly host: string; readonly port: number }[]>>
  /** Data-plane processes that divide the limits of upstreams; absent: nothing is divided. */
  readonly processes?: number
  /** Addresses (`host:port`) by upstream that active checks found unhealthy; absent: none. */
  readonly health?: Readonly<Record<string, readonly string[]>>
  /** Why the router is degraded, one sentence each, for `/readyz`; empty: all is well. */
  readonly notices: readonly string[]
}

/** What control publishes: one revision, whole. `hash` covers plan and weights, not addresses or revision. */
export type Published = {
  readonly revision: number
  readonly hash: string
  readonly plan: Plan
  readonly live: Live
}
