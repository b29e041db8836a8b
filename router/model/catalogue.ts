import type { Tier } from './spec.ts'

/** An operation: method + path template. `key` is its identity: parameter names do not count. */
export type Operation = {
  /** `GET /owners/{}` */
  readonly key: string
  readonly method: string
  /** As first written, for display: `/owners/{ownerId}`. */
  readonly template: string
}

/** How an implementation is known; `declared` > `described` > `observed`. */
export type Confidence = 'declared' | 'described' | 'observed'

export type Evidence = {
  /** Kind of the detector that saw it: `openapi`, `mappings`, `declared` … */
  readonly detector: string
  readonly confidence: Confidence
  /** Wall time in ms. */
  readonly at: number
  /** Where it was read: `GET /openapi.json`, `functions/contact/index.ts`. */
  readonly source: string
}

/** One thing a detector tried, kept so that nobody has to guess what happened. */
export type Attempt = {
  readonly what: string
  /** `200, 19 operations`, `404 in 12 ms`, `connection refused` … */
  readonly outcome: string
  readonly at: number
}

/** The complete word of one detector on one upstream; a new one replaces it whole. */
export type Observation = {
  readonly upstream: string
  readonly detector: string
  /** pending: not asked or no answer yet; answered: has operations; none: answered and has none; failed: answered nonsense. */
  readonly state: 'pending' | 'answered' | 'none' | 'failed'
  readonly operations: readonly { readonly method: string; readonly template: string }[]
  readonly confidence: Confidence
  readonly source: string
  readonly attempts: readonly Attempt[]
  readonly at: number
  /** When it is asked again, wall time in ms. */
  readonly nextAt: number | undefined
}

/** One address of an upstream as a source sees it. */
export type ObservedEndpoint = { readonly host: string; readonly port: number; readonly path: string }

/** The complete word of one source: every upstream it knows and their endpoints. */
export type SourceObservation = {
  readonly source: string
  readonly at: number
  readonly upstreams: readonly {
    readonly name: string
    readonly tier: Tier
    readonly endpoints: readonly ObservedEndpoint[]
    /** Identity of what runs there: a function's bundle hash, an image digest; absent where unknown. */
    readonly revision?: string
    /** Set where the upstream exists but cannot serve: why. */
    readonly failure?: string
    /** Set where a newer version of what runs there was refused: why. The one before it serves on. */
    readonly refused?: string
    /** Operations that it declares itself (`GET /contact.html`), as written; absent: it declares nothing. */
    readonly declares?: readonly string[]
  }[]
}

export type CatalogueOperation = Operation & {
  /** Sorted: best confidence first, then name. */
  readonly implementations: readonly {
    readonly upstream: string
    readonly template: string
    /** Empty: only remembered as the owner; no detector has seen it since the router started. */
    readonly evidence: readonly Evidence[]
  }[]
  /** Who serves it when no route names it; undefined: nobody implements it, the default gets it. */
  readonly owner: string | undefined
}

/** A path that was asked for, that no operation covers, and what came back. */
export type Unclaimed = {
  readonly method: string
  readonly path: string
  readonly upstream: string
  readonly status: number
  readonly count: number
  readonly lastAt: number
}

/** All implementations known now, sorted by path then method. */
export type Catalogue = {
  readonly operations: readonly CatalogueOperation[]
  readonly unclaimed: readonly Unclaimed[]
  /** Upstreams whose first detection has neither answered nor failed yet. */
  readonly pending: readonly string[]
}
