import type { Drift } from '../catalogue/drift.ts'
import type { Left } from '../catalogue/left.ts'
import type { NextOperation } from '../catalogue/next.ts'
import type { Quiet } from '../catalogue/quiet.ts'
import type { Catalogue, Observation, ObservedOperation, SourceObservation } from '../model/catalogue.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Bound } from '../model/link.ts'
import type { Plan, Published } from '../model/plan.ts'
import type { Spec, Tier } from '../model/spec.ts'
import type { Shifts } from '../shift/shifts.ts'

/**
 * What the admin API needs of the control process. The composition root provides it; tests may provide less than
 * a whole router.
 */
export type Control = {
  status(): Status
  spec(): Spec
  published(): Published | undefined
  catalogue(): Catalogue
  observations(): readonly Observation[]
  sources(): readonly SourceObservation[]
  /** How the endpoints of an upstream are, by its name. */
  endpointStates(): Readonly<Record<string, readonly EndpointState[]>>
  /** What is left in legacy, and how much traffic it gets; `windowMs` undefined: the usual one. */
  left(windowMs?: number): LeftView
  /** Where implementers of one operation promise different things. */
  drift(): Drift
  /** Takes over what a recording shows of an upstream. */
  learn(learning: Learning): Learned
  /** Requests by rule id, then upstream, since `since`. */
  traffic(): Traffic
  readonly shifts: Shifts
  functionLog(name: string): readonly string[]
  /** Decodes and compiles a candidate configuration against the world as it is; changes nothing. */
  preview(text: string, file: string): Promise<Preview>
  /** Reads the configuration file again, now. */
  reload(): Promise<Reloaded>
  /** Replaces every data-plane process, one after the other, losing nothing. */
  rollProcesses(): void
  /** That the router only observes, in words; undefined: it does what the configuration says. */
  observing(): string | undefined
  /** Why an upstream cannot take traffic now; undefined: it can. */
  unready(upstream: string): string | undefined
  /** Prometheus text of the whole router. */
  metrics(): Promise<string>
}

/** The shape of `banyan left --json`. */
export type LeftView = Left & {
  /** Oldest first; today as it is now. Days are those of UTC. */
  readonly days: readonly LeftDay[]
  readonly quiet: Quiet
  /** The easiest to move now, best first. */
  readonly next: readonly NextOperation[]
}

export type LeftDay = {
  readonly day: string
  readonly tiers: readonly {
    readonly tier: Tier
    readonly requests: number
    readonly share: number
    readonly operations: number
  }[]
}

/** `because` says why it is not healthy. */
export type EndpointState = {
  readonly address: string
  readonly state: 'healthy' | 'unhealthy' | 'draining'
  readonly because: string | null
}

export type Traffic = {
  /** Wall time in ms. */
  readonly since: number
  readonly requests: readonly {
    readonly rule: string
    readonly upstream: string
    readonly outcome: string
    readonly count: number
  }[]
}

/** `upstream` absent: the default one. */
export type Learning = {
  readonly upstream?: string | undefined
  readonly detector: 'har' | 'log'
  /** File names. */
  readonly source: string
  readonly operations: readonly ObservedOperation[]
}

export type Learned =
  | { readonly kind: 'learned'; readonly upstream: string; readonly operations: number }
  | { readonly kind: 'refused'; readonly message: string }

export type Preview = { readonly diagnostics: readonly Diagnostic[]; readonly plan: Plan | undefined }

export type Reloaded = {
  readonly accepted: boolean
  readonly diagnostics: readonly Diagnostic[]
  readonly revision: number
  readonly hash: string
}

/** The shape of `banyan status --json`. */
export type Status = {
  readonly version: string
  readonly state: 'ok' | 'degraded' | 'starting'
  readonly notices: readonly string[]
  readonly pid: number
  readonly startedAt: number
  readonly plan: { readonly revision: number; readonly hash: string; readonly publishedAt: number } | undefined
  readonly configuration: {
    readonly file: string
    /** False while the last good configuration serves because the file is broken. */
    readonly current: boolean
    readonly loadedAt: number
    readonly diagnostics: readonly Diagnostic[]
  }
  readonly listen: readonly Bound[]
  readonly admin: Bound | undefined
  readonly statusPort: Bound | undefined
  /** Everything goes to the default upstream, and nothing is moved. */
  readonly observing: boolean
  readonly processes: readonly { readonly pid: number; readonly revision: number }[]
  readonly store: string
}
