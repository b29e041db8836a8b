import type { Clock } from '../../kernel/clock.ts'
import type { Attempt, Confidence, ObservedEndpoint } from '../../model/catalogue.ts'
import type { DiscoverSpec, UpstreamTls } from '../../model/spec.ts'
import type { FetchDescription } from '../fetch.ts'
import type { WrittenOperation } from '../operations.ts'

/** An upstream as detectors see it. */
export type DetectableUpstream = {
  readonly name: string
  readonly endpoints: readonly ObservedEndpoint[]
  readonly discover: DiscoverSpec
  /** How it is spoken to by TLS; absent: in plain. */
  readonly tls?: UpstreamTls
  /** Names by which the application knows itself, with port where one was written. */
  readonly ownHosts: readonly string[]
  /** Operations it declares itself; undefined: it declares nothing. */
  readonly declares: readonly string[] | undefined
  /** Why it cannot serve, where that is known. */
  readonly failure: string | undefined
}

/** One kind of detector: what an upstream implements. */
export type DetectorKind = {
  readonly kind: string
  readonly confidence: Confidence
  /** True: the answer is asked for over the network, again and again; false: only when the upstream changed. */
  readonly polls: boolean
  applies(upstream: DetectableUpstream): boolean
  /** All that the answer depends on, as one text: it is asked at once when this changes, and only then. */
  question(upstream: DetectableUpstream): string
  /** What it finds after `signal` was aborted is not used. */
  detect(context: DetectContext): Promise<Finding>
}

export type DetectContext = {
  readonly upstream: DetectableUpstream
  readonly fetch: FetchDescription
  readonly clock: Clock
  readonly signal: AbortSignal
  /** What the last `read` or `unchanged` left for the next time. */
  readonly memory: Memory | undefined
  /** Endpoints that have not answered in this round; absent: that does not matter. */
  readonly silent?: Set<ObservedEndpoint>
}

/** Where a description was read and how to ask whether it changed. */
export type Memory = {
  readonly what: string
  readonly etag: string | undefined
  readonly modified: string | undefined
  /** Hash of its bytes, for upstreams that do not answer conditionally. */
  readonly digest: string
}

/**
 * What one round of asking came to. `read`: a description was read, perhaps an empty one. `absent`: the upstream
 * answers and has none. `failed`: it answered something that cannot be read. `unreachable`: no answer yet.
 */
export type Finding = { readonly attempts: readonly Attempt[] } & (
  | {
      readonly kind: 'read'
      readonly operations: readonly WrittenOperation[]
      readonly source: string
      readonly memory?: Memory
    }
  | { readonly kind: 'unchanged' | 'absent' | 'failed' | 'unreachable' }
)
