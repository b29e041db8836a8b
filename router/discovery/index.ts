import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { Observation, SourceObservation } from '../model/catalogue.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { FunctionFeed } from '../model/functions.ts'
import type { Spec } from '../model/spec.ts'
import { detectableUpstreams } from './detectable.ts'
import { startDetection } from './detection.ts'
import type { FetchDescription } from './fetch.ts'
import { mergeObservations, type ObservedUpstream, openSources } from './sources/index.ts'

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
  /** Called after upstreams or operations changed; never before `startDiscovery` returned. */
  readonly changed: () => void
}

/** Who exists and what they implement, as far as is known now. */
export type Discovery = {
  /** The last complete word of each source. */
  sources(): readonly SourceObservation[]
  /** Every upstream once. */
  upstreams(): readonly ObservedUpstream[]
  /** Names that two sources give. */
  clashes(): readonly Diagnostic[]
  /** What every detector knows about every upstream, and what it tried. */
  observations(): readonly Observation[]
  /** Goes on with a new spec. */
  update(spec: Spec): void
  close(): Promise<void>
}

/** Starts sources and detectors: sources say who exists, detectors ask them what they implement. */
export function startDiscovery(options: DiscoveryOptions): Discovery {
  const { clock, changed } = options
  let { spec } = options
  const detection = startDetection(options)
  const sources = openSources({ spec, functions: options.functions, clock, changed: observe })
  detection.update(detectableUpstreams(spec, merged().upstreams))

  return {
    sources: () => sources.observations(),
    upstreams: () => merged().upstreams,
    clashes: () => merged().clashes,
    observations: () => detection.observations(),
    update(next) {
      spec = next
      sources.update(next)
    },
    async close() {
      await sources.close()
      await detection.close()
    },
  }

  function merged() {
    return mergeObservations(sources.observations())
  }

  function observe(): void {
    detection.update(detectableUpstreams(spec, merged().upstreams))
    changed()
  }
}
