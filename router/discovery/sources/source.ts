import type { Clock } from '../../kernel/clock.ts'
import type { SourceObservation } from '../../model/catalogue.ts'
import type { FunctionFeed } from '../../model/functions.ts'
import type { Spec } from '../../model/spec.ts'

/** What a source is given. `publish` takes the complete word of the source every time, never a delta. */
export type SourceContext = {
  readonly spec: Spec
  /** Undefined: this router hosts no functions. */
  readonly functions: FunctionFeed | undefined
  readonly clock: Clock
  readonly publish: (observation: SourceObservation) => void
}

/** One kind of source: who exists. */
export type SourceKind = {
  readonly kind: string
  /** Begins to observe; what it knows already it publishes before it returns. The caller closes it. */
  create(context: SourceContext): Source
}

/** A source at work. */
export type Source = {
  /** Goes on with a new spec. */
  update(spec: Spec): void
  close(): Promise<void>
}
