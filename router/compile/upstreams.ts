import type { SourceObservation } from '../model/catalogue.ts'
import type { PlanUpstream } from '../model/plan.ts'
import type { Spec, Timeouts, UpstreamSpec } from '../model/spec.ts'

/** Every upstream of the plan, and why the ones that routes name cannot serve. */
export type Upstreams = {
  readonly planned: readonly PlanUpstream[]
  /** Why a name cannot be forwarded to, as a sentence; undefined: it can. */
  unavailable(name: string): Unavailable | undefined
}

export type Unavailable = { readonly code: UnavailableCode; readonly reason: string }

type UnavailableCode = 'unknown-function' | 'unknown-upstream' | 'function-failed'

/** Upstreams of the YAML, and one for every function that the functions source sees. */
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
  const planned = [...spec.upstreams.map(written), ...functions.map(({ name }) => hosted(name))]
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

/** A function answers from this machine, so its connection stands or it is gone. */
const FUNCTION_TIMEOUTS: Timeouts = { connect: 2_000, firstByte: 60_000, idle: 60_000, total: undefined }

function written(upstream: UpstreamSpec): PlanUpstream {
  return {
    name: upstream.name,
    tier: upstream.tier,
    transport: 'http',
    endpoints: upstream.urls.map(({ host, port, path }) => ({ kind: 'address', host, port, path })),
    timeouts: upstream.timeouts,
    hostHeader: upstream.hostHeader,
    rewriteLocation: upstream.rewriteLocation,
    rewriteCookies: upstream.rewriteCookies,
    ownHosts: upstream.ownHosts,
    ...(upstream.encodedSlash && { encodedSlash: upstream.encodedSlash }),
    ...(upstream.balance === undefined ? {} : { balance: upstream.balance }),
    ...(upstream.outlier === undefined ? {} : { outlier: upstream.outlier }),
    ...(upstream.circuit === undefined ? {} : { circuit: upstream.circuit }),
    ...(upstream.retry === undefined ? {} : { retry: upstream.retry }),
  }
}

function hosted(name: string): PlanUpstream {
  return {
    name,
    tier: 'function',
    transport: 'worker',
    endpoints: [{ kind: 'symbol', symbol: name }],
    timeouts: FUNCTION_TIMEOUTS,
    hostHeader: 'preserve',
    rewriteLocation: false,
    rewriteCookies: false,
    ownHosts: [],
  }
}
