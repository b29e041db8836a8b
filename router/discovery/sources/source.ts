import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { SourceObservation } from '../../model/catalogue.ts'
import type { FunctionFeed } from '../../model/functions.ts'
import type { Spec } from '../../model/spec.ts'

/**
 * What a source is given. `publish` takes the complete word of the source every time, never a delta: one that loses
 * who it asks publishes what it last knew, with a `sighting` that says `failed` and since when.
 */
export type SourceContext = {
  readonly spec: Spec
  /** Undefined: this router hosts no functions. */
  readonly functions: FunctionFeed | undefined
  readonly clock: Clock
  /** In [0, 1): spreads questions, so that routers started together do not ask together. */
  readonly random: () => number
  readonly log: Log
  /** Its last word before a restart: what it goes on with until it is answered. */
  readonly remembered: SourceObservation | undefined
  readonly publish: (observation: SourceObservation) => void
}

/**
 * One kind of source: who exists. The upstreams that it is asked for in the YAML are those whose `source.kind` is its
 * own; its options at the top of the file are in `spec.sources`.
 */
export type SourceKind = {
  readonly kind: string
  /**
   * Begins to observe; what it knows already it publishes before it returns, each upstream that it has to ask for
   * as `pending`. One that nothing in the spec concerns stays silent and asks nobody. The caller closes it.
   */
  create(context: SourceContext): Source
}

/** A source at work. */
export type Source = {
  /** Goes on with a new spec; one that concerns it no more publishes an empty word. */
  update(spec: Spec): void
  close(): Promise<void>
}
