import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { Observation, SourceObservation } from '../model/catalogue.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { FunctionFeed } from '../model/functions.ts'
import type { Spec } from '../model/spec.ts'
import { detectableUpstreams } from './detectable.ts'
import { startDetection } from './detection.ts'
import type { FetchDescription } from './fetch.ts'
import { type Merged, mergeObservations, type ObservedUpstream } from './sources/merge.ts'
import { openSources, writtenSources } from './sources/open.ts'

export type DiscoveryOptions = {
  readonly spec: Spec
  /** Undefined: this router hosts no functions. */
  readonly functions: FunctionFeed | undefined
  readonly fetch: FetchDescription
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  /** What was known before a restart; it stands until the upstream has been asked again. */
  readonly remembered?: readonly Observation[]
  /** The sources' last words before a restart; they stand until the sources have been answered. */
  readonly rememberedSources?: readonly SourceObservation[]
  /** Called after upstreams or operations changed; never before `startDiscovery` returned. */
  readonly changed: () => void
}

/** Who exists and what they implement, as far as is known now. */
export type Discovery = {
  /** The last complete word of each source, every upstream in one of them. */
  sources(): readonly SourceObservation[]
  /** Every upstream once. */
  upstreams(): readonly ObservedUpstream[]
  /** Names that two sources give. */
  clashes(): readonly Diagnostic[]
  /** What every detector knows about every upstream, and what it tried. */
  observations(): readonly Observation[]
  /** Resolves when every source has been answered or has failed once, at the latest after `ms`. */
  heard(ms: number): Promise<void>
  /** Goes on with a new spec. */
  update(spec: Spec): void
  close(): Promise<void>
}

/** Starts sources and detectors: sources say who exists, detectors ask them what they implement. */
export function startDiscovery(options: DiscoveryOptions): Discovery {
  const { clock, random, log, functions, changed } = options
  let { spec } = options
  let merged: Merged | undefined
  let words: readonly SourceObservation[] | undefined
  const waiting = new Set<() => void>()
  const detection = startDetection(options)
  const sources = openSources({
    spec,
    functions,
    clock,
    random,
    log,
    remembered: options.rememberedSources ?? [],
    changed: observe,
  })
  detection.update(detectableUpstreams(spec, now().upstreams))

  return {
    sources: () => now().observations,
    upstreams: () => now().upstreams,
    clashes: () => now().clashes,
    observations: () => detection.observations(),
    heard,
    update(next) {
      spec = next
      merged = undefined
      sources.update(next)
      // Sources speak up where endpoints change; where to look for descriptions is for detectors alone.
      observe()
    },
    async close() {
      await sources.close()
      await detection.close()
    },
  }

  function now(): Merged {
    const said = sources.observations()
    if (merged !== undefined && said === words) return merged
    words = said
    merged = mergeObservations(said, writtenSources(spec))
    return merged
  }

  function observe(): void {
    detection.update(detectableUpstreams(spec, now().upstreams))
    if (!isPending()) for (const resume of waiting) resume()
    changed()
  }

  function isPending(): boolean {
    return now().observations.some(
      ({ sighting, upstreams }) =>
        sighting?.state === 'pending' || upstreams.some((upstream) => upstream.sighting?.state === 'pending'),
    )
  }

  function heard(ms: number): Promise<void> {
    if (!isPending()) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = clock.after(ms, resume)
      waiting.add(resume)
      function resume(): void {
        cancel()
        waiting.delete(resume)
        resolve()
      }
    })
  }
}
