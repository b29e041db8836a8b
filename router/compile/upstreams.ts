import type { ObservedEndpoint, SightedUpstream, SourceObservation } from '../model/catalogue.ts'
import type { PlanEndpoint, PlanUpstream } from '../model/plan.ts'
import type { Spec, Timeouts, UpstreamSpec, UpstreamTls } from '../model/spec.ts'

/** Every upstream of the plan, and why the ones that routes name cannot serve. */
export type Upstreams = {
  readonly planned: readonly PlanUpstream[]
  /** Why a name cannot be forwarded to, as a sentence; undefined: it can. */
  unavailable(name: string): Unavailable | undefined
}

export type Unavailable = { readonly code: UnavailableCode; readonly reason: string }

type UnavailableCode = 'unknown-function' | 'unknown-upstream' | 'function-failed'

/**
 * Upstreams of the YAML, one for every function that the functions source sees, and those that other sources find
 * without being asked for them by name.
 */
export function planUpstreams(spec: Spec, sources: readonly SourceObservation[]): Upstreams {
  const observed = sources.find((source) => source.source === 'functions')?.upstreams ?? []
  const functions = spec.functions === undefined ? [] : observed
  const failures = new Map<string, Unavailable>()
  for (const { name, failure, endpoints } of functions) {
    // A failure beside an address is that of a newer version: the one before serves on.
    if (failure !== undefined && endpoints.length === 0) {
      failures.set(name, { code: 'function-failed', reason: `${name} failed to load: ${failure}` })
    }
  }
  const sighted = new Map(
    sources.filter(({ source }) => source !== 'functions').flatMap((one) => one.upstreams.map((up) => [up.name, up])),
  )
  const own = new Set(spec.upstreams.map(({ name }) => name))
  const planned = [
    ...spec.upstreams.map((upstream) => written(upstream, sighted.get(upstream.name)?.endpoints ?? [])),
    ...functions.map(({ name }) => hosted(name)),
    ...[...sighted.values()].filter(({ name }) => !own.has(name)).map(found),
  ]
  const names = new Set(planned.map(({ name }) => name))
  return {
    planned: planned.sort((a, b) => (a.name < b.name ? -1 : 1)),
    unavailable(name) {
      if (names.has(name)) return failures.get(name)
      const code = name.startsWith('functions/') ? 'unknown-function' : 'unknown-upstream'
      return { code, reason: `${name} does not exist` }
    },
  }
}

/** Of upstreams that the YAML says nothing about: functions, and what other sources find. */
const UNWRITTEN_TIMEOUTS: Timeouts = { connect: 2_000, firstByte: 60_000, idle: 60_000, total: undefined }

function written(upstream: UpstreamSpec, sighted: readonly ObservedEndpoint[]): PlanUpstream {
  const endpoints = upstream.source === undefined ? upstream.urls : sighted
  return {
    name: upstream.name,
    tier: upstream.tier,
    transport: upstream.protocol === undefined ? 'http' : 'http2',
    endpoints: endpoints.map(addressed),
    timeouts: upstream.timeouts,
    hostHeader: upstream.hostHeader,
    rewriteLocation: upstream.rewriteLocation,
    rewriteCookies: upstream.rewriteCookies,
    ownHosts: upstream.source === undefined ? upstream.ownHosts : ownHosts(upstream.ownHosts, sighted),
    ...(upstream.encodedSlash && { encodedSlash: upstream.encodedSlash }),
    ...(upstream.balance === undefined ? {} : { balance: upstream.balance }),
    ...(upstream.outlier === undefined ? {} : { outlier: upstream.outlier }),
    ...(upstream.tls === undefined ? {} : { tls: tlsOf(upstream.tls, endpoints) }),
    ...(upstream.circuit === undefined ? {} : { circuit: upstream.circuit }),
    ...(upstream.retry === undefined ? {} : { retry: upstream.retry }),
  }
}

/** With what an upstream has of which the YAML says nothing but its address. */
function found({ name, tier, endpoints }: SightedUpstream): PlanUpstream {
  return {
    name,
    tier,
    transport: 'http',
    endpoints: endpoints.map(addressed),
    timeouts: UNWRITTEN_TIMEOUTS,
    hostHeader: 'preserve',
    rewriteLocation: tier === 'legacy',
    rewriteCookies: tier === 'legacy',
    ownHosts: ownHosts([], endpoints),
  }
}

/** An endpoint whose address was looked up must prove to be the name that was asked for. */
function tlsOf(tls: UpstreamTls, endpoints: readonly ObservedEndpoint[]): UpstreamTls {
  const named = endpoints.find(({ authority }) => authority !== undefined)?.authority?.replace(/:\d*$/, '')
  return tls.serverName === undefined && named !== undefined ? { ...tls, serverName: named } : tls
}

function addressed({ host, port, path, authority }: ObservedEndpoint): PlanEndpoint {
  return { kind: 'address', host, port, path, ...(authority === undefined ? {} : { authority }) }
}

/** An application knows itself by its address where it was told no other name. */
function ownHosts(named: readonly string[], endpoints: readonly ObservedEndpoint[]): readonly string[] {
  return named.length > 0 ? named : [...new Set(endpoints.map(({ host }) => host))]
}

function hosted(name: string): PlanUpstream {
  return {
    name,
    tier: 'function',
    transport: 'worker',
    endpoints: [{ kind: 'symbol', symbol: name }],
    timeouts: UNWRITTEN_TIMEOUTS,
    hostHeader: 'preserve',
    rewriteLocation: false,
    rewriteCookies: false,
    ownHosts: [],
  }
}
