import type { Clock } from '../../kernel/clock.ts'
import type { SourceObservation } from '../../model/catalogue.ts'
import type { Diagnostic } from '../../model/diagnostic.ts'
import type { FunctionFeed } from '../../model/functions.ts'
import type { Spec } from '../../model/spec.ts'
import { functions } from './functions/index.ts'
import type { SourceKind } from './source.ts'
import { staticSource } from './static/index.ts'

/** The whole list of sources. Add yours here, alphabetically, and nowhere else. */
export const SOURCES: readonly SourceKind[] = [functions, staticSource]

/** Every source at work. */
export type Sources = {
  /** The last complete word of each source that has spoken. */
  observations(): readonly SourceObservation[]
  update(spec: Spec): void
  close(): Promise<void>
}

export type SourcesOptions = {
  readonly spec: Spec
  readonly functions: FunctionFeed | undefined
  readonly clock: Clock
  /** Called after a source said something new; never before `openSources` returned. */
  readonly changed: () => void
}

/** Starts every source. The caller closes it. */
export function openSources({ spec, functions: feed, clock, changed }: SourcesOptions): Sources {
  const words = new Map<string, SourceObservation>()
  let started = false
  const publish = (observation: SourceObservation): void => {
    words.set(observation.source, observation)
    if (started) changed()
  }
  const running = SOURCES.map((kind) => kind.create({ spec, functions: feed, clock, publish }))
  started = true
  return {
    observations: () => [...words.values()],
    update: (next) => {
      for (const source of running) source.update(next)
    },
    close: async () => {
      await Promise.all(running.map((source) => source.close()))
    },
  }
}

/** An upstream as its source sees it. */
export type ObservedUpstream = SourceObservation['upstreams'][number] & { readonly source: string }

/** One list of upstreams. A name that two sources give keeps its first owner, and a diagnostic names both. */
export function mergeObservations(observations: readonly SourceObservation[]): {
  readonly upstreams: readonly ObservedUpstream[]
  readonly clashes: readonly Diagnostic[]
} {
  const merged = new Map<string, ObservedUpstream>()
  const clashes: Diagnostic[] = []
  // The YAML wins whatever the order: what the user wrote is not replaced by what was found.
  const ordered = observations.toSorted((a, b) => rank(a.source) - rank(b.source) || (a.source < b.source ? -1 : 1))
  for (const { source, upstreams } of ordered) {
    for (const upstream of upstreams) {
      const first = merged.get(upstream.name)
      if (first === undefined) merged.set(upstream.name, { ...upstream, source })
      else clashes.push(clash(upstream.name, first.source, source))
    }
  }
  return { upstreams: [...merged.values()], clashes }
}

function rank(source: string): number {
  return source === 'static' ? 0 : 1
}

function clash(name: string, first: string, second: string): Diagnostic {
  return {
    severity: 'error',
    code: 'upstream-clash',
    message: `upstream "${name}" comes from ${first} and from ${second}; the one from ${first} is used`,
    hint: 'rename one of them: an upstream has one source',
  }
}
