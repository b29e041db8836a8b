import type { Contract } from './contract.ts'
import type { Diagnostic } from './diagnostic.ts'
import type { DiscoverSpec, PolicySpec, RouteMatch, Tier } from './spec.ts'

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
  /** What else it said: `SOAP GetVets, AddVet`. */
  readonly detail?: string
}

/** One thing a detector tried, kept so that nobody has to guess what happened. */
export type Attempt = {
  readonly what: string
  /** `200, 19 operations`, `404 in 12 ms`, `connection refused` … */
  readonly outcome: string
  readonly at: number
}

/** How often something was asked for, since when, and what came back. */
export type Seen = {
  readonly count: number
  /** Wall time in ms. */
  readonly first: number
  readonly last: number
  /** Requests by status. */
  readonly statuses: Readonly<Record<number, number>>
}

/** An operation as one detector saw it on one upstream. */
export type ObservedOperation = {
  readonly method: string
  readonly template: string
  /** What the description promises of it; absent: the detector reads none, or nothing is kept beyond a restart. */
  readonly contract?: Contract
  /** More to know it by: the SOAP operations behind one path, the method that an HTTP annotation stands for. */
  readonly detail?: string
  /** The requests that it is known by; absent: it was read in a description. */
  readonly seen?: Seen
}

/** The complete word of one detector on one upstream; a new one replaces it whole. */
export type Observation = {
  readonly upstream: string
  readonly detector: string
  /** pending: not asked or no answer yet; answered: has operations; none: answered and has none; failed: answered nonsense. */
  readonly state: 'pending' | 'answered' | 'none' | 'failed'
  readonly operations: readonly ObservedOperation[]
  readonly confidence: Confidence
  readonly source: string
  readonly attempts: readonly Attempt[]
  readonly at: number
  /** When it is asked again, wall time in ms. */
  readonly nextAt: number | undefined
}

/** One address of an upstream as a source sees it. */
export type ObservedEndpoint = {
  readonly host: string
  readonly port: number
  readonly path: string
  /** Host field by which it knows itself, where that is another than its address: the name behind a DNS record. */
  readonly authority?: string
}

/**
 * How a source knows what it says. `pending`: it has not been answered yet; `answered`: what it says is so, even where
 * it is nothing; `failed`: it was asked in vain, and what it says is what it last knew.
 */
export type Sighting = {
  readonly state: 'pending' | 'answered' | 'failed'
  /** What it tried last and what came back. */
  readonly attempts: readonly Attempt[]
  /** When what it says was last confirmed, wall time in ms; undefined: never. */
  readonly at: number | undefined
  /** When it asks again, wall time in ms; undefined: when it is told. */
  readonly nextAt: number | undefined
}

/** An upstream in the word of a source. */
export type SightedUpstream = {
  readonly name: string
  readonly tier: Tier
  /** Where requests may go now; one that is left out is drained. */
  readonly endpoints: readonly ObservedEndpoint[]
  /** Identity of what runs there: a function's bundle hash, an image digest; absent where unknown. */
  readonly revision?: string
  /** Set where the upstream exists but cannot serve: why. */
  readonly failure?: string
  /** Set where a newer version of what runs there was refused: why. The one before it serves on. */
  readonly refused?: string
  /** Operations that it declares itself (`GET /contact.html`), as written; absent: it declares nothing. */
  readonly declares?: readonly string[]
  /** Where its labels say that descriptions are; what the YAML says of it goes before. */
  readonly discover?: Partial<DiscoverSpec>
  /** Where the source found it, in words: `container vets-1`. Absent: where the YAML says. */
  readonly found?: string
  /** Absent: there is nobody to ask, it is what the YAML says. */
  readonly sighting?: Sighting
}

/** A route that a source found: a rule of an Ingress. It gives way to the routes of the YAML. */
export type SightedRoute = {
  /** Unique within its source: `clinic/web clinic.test/vets`. */
  readonly id: string
  /** Where it stands, in words: `Ingress clinic/web, clinic.test/vets (Prefix)`. */
  readonly found: string
  readonly match: RouteMatch
  readonly to: string
  readonly policies: readonly PolicySpec[]
  /** It is for what nothing else claims; the default upstream of the YAML goes before it. */
  readonly fallback?: true
  /** Set where it matches but cannot be served as it is meant: why. */
  readonly failure?: string
}

/** The complete word of one source: every upstream it knows and their endpoints. */
export type SourceObservation = {
  readonly source: string
  readonly at: number
  readonly upstreams: readonly SightedUpstream[]
  /** Of two for the same requests the first counts. Absent: none. */
  readonly routes?: readonly SightedRoute[]
  /** What is worth knowing about what it found, nothing of it an error. Absent: nothing. */
  readonly problems?: readonly Diagnostic[]
  /** How the source itself fares: an engine, an API server. Absent: it has nobody to ask, or each upstream says it. */
  readonly sighting?: Sighting
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
