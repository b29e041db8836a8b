import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { SourceObservation } from '../../model/catalogue.ts'
import type { FunctionFeed } from '../../model/functions.ts'
import type { Spec } from '../../model/spec.ts'
import { functions } from './functions/index.ts'
import { SOURCES } from './index.ts'
import { staticSource, writtenUpstream } from './static/index.ts'

/** Every source at work. */
export type Sources = {
  /** The last complete word of each source that has spoken: the same list as long as nobody speaks. */
  observations(): readonly SourceObservation[]
  update(spec: Spec): void
  close(): Promise<void>
}

export type SourcesOptions = {
  readonly spec: Spec
  readonly functions: FunctionFeed | undefined
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  /** Their last words before a restart. */
  readonly remembered?: readonly SourceObservation[]
  /** Called after a source said something new, not at every confirmation; never before `openSources` returned. */
  readonly changed: () => void
}

/** Starts every source. The caller closes it. */
export function openSources(options: SourcesOptions): Sources {
  const { remembered = [], changed } = options
  let words: readonly SourceObservation[] = []
  let started = false
  const publish = (observation: SourceObservation): void => {
    const before = words.find(({ source }) => source === observation.source)
    words = [...words.filter((word) => word !== before), observation]
    if (started && (before === undefined || substance(before) !== substance(observation))) changed()
  }
  const running = SOURCES.map((kind) =>
    kind.create({ ...options, remembered: remembered.find(({ source }) => source === kind.kind), publish }),
  )
  started = true
  return {
    observations: () => words,
    update: (next) => {
      for (const source of running) source.update(next)
    },
    close: async () => {
      await Promise.all(running.map((source) => source.close()))
    },
  }
}

/** All of a word but when it was said and how it came about: an address that is confirmed every second is no news. */
function substance({ upstreams, routes, problems, sighting }: SourceObservation): string {
  const lasting = upstreams.map((upstream) => ({ ...upstream, sighting: upstream.sighting?.state }))
  return JSON.stringify([sighting?.state, lasting, routes, problems])
}

/** Source by upstream, for those that the YAML names. */
export function writtenSources({ upstreams }: Pick<Spec, 'upstreams'>): ReadonlyMap<string, string> {
  return new Map(upstreams.map(({ name, source }) => [name, source?.kind ?? staticSource.kind]))
}

/**
 * What the sources would say under another spec, as far as that is known without asking anybody: upstreams whose way
 * of being found changes are left out, those that are found without being named stay as long as their source is on.
 */
export function foreseen(
  observations: readonly SourceObservation[],
  now: Spec,
  next: Spec,
): readonly SourceObservation[] {
  const before = new Map(now.upstreams.map((upstream) => [upstream.name, JSON.stringify(upstream.source)]))
  const after = new Map(next.upstreams.map((upstream) => [upstream.name, JSON.stringify(upstream.source)]))
  const on = new Set(next.sources?.filter(({ discovers }) => discovers).map(({ kind }) => kind))
  const others = observations.filter(({ source }) => source !== staticSource.kind)
  return [
    ...others.map((observation) => {
      if (observation.source === functions.kind) return observation
      const stays = ({ name }: { readonly name: string }) =>
        before.has(name) || after.has(name) ? before.get(name) === after.get(name) : on.has(observation.source)
      const { routes, ...word } = observation
      const lasting = routes === undefined || !on.has(observation.source) ? {} : { routes }
      return { ...word, upstreams: observation.upstreams.filter(stays), ...lasting }
    }),
    { source: staticSource.kind, at: 0, upstreams: next.upstreams.flatMap(writtenUpstream) },
  ]
}
