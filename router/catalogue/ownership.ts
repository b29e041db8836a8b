import { askedOf } from '../discovery/detectable.ts'
import type { Observation, SourceObservation } from '../model/catalogue.ts'
import type { Spec, Tier } from '../model/spec.ts'
import { operationKeys } from './keys.ts'
import { pendingUpstreams } from './pending.ts'

export type OwnershipWorld = {
  /** Operation key → upstream, as the store has it. */
  readonly remembered: ReadonlyMap<string, string>
  readonly observations: readonly Observation[]
  readonly sources: readonly SourceObservation[]
  readonly spec: Pick<Spec, 'upstreams' | 'defaultUpstream' | 'functions' | 'sources'>
}

export type Ownership = {
  readonly ownership: ReadonlyMap<string, string>
  /** What differs from what was remembered; undefined: nobody owns it any more. */
  readonly changes: ReadonlyMap<string, string | undefined>
  /** What only requests show, which went to the default upstream anyway: it is not remembered. */
  readonly observed: ReadonlyMap<string, string>
}

/**
 * Who serves each operation that no route names. What is remembered stays, whatever discovery finds or loses; an
 * upstream that configuration removed gives up what it had. An operation nobody owns goes to its only implementer,
 * with several to the incumbent: legacy before service before function, then the default, then the alphabet. As long
 * as the default upstream has not been heard, nothing is decided: it may turn out to implement what others do.
 */
export function decideOwnership({ remembered, observations, sources, spec }: OwnershipWorld): Ownership {
  const tiers = configuredTiers(spec, sources)
  const ownership = new Map(remembered)
  const changes = new Map<string, string | undefined>()
  for (const [key, owner] of remembered) {
    if (tiers.has(owner) || isUnheard(owner, spec, sources)) continue
    ownership.delete(key)
    changes.set(key, undefined)
  }
  const { defaultUpstream } = spec
  const shown = observations.filter(
    ({ confidence, upstream }) => confidence === 'observed' && upstream === defaultUpstream,
  )
  const observed = new Map(
    defaultUpstream === undefined ? [] : shown.flatMap(operationKeys).map((key) => [key, defaultUpstream]),
  )
  if (isDefaultPending({ spec, observations, sources })) return { ownership, changes, observed }

  // Nobody gets requests because a log shows that he answered some: whoever serves them may have been left out of it.
  const certain = observations.filter(({ confidence }) => confidence !== 'observed')
  for (const [key, implementers] of implementersByOperation(certain)) {
    if (ownership.has(key)) continue
    const shownBy = observed.get(key)
    const owner = incumbentOf(new Set([...implementers, ...(shownBy ? [shownBy] : [])]), tiers, defaultUpstream)
    if (owner === undefined) continue
    ownership.set(key, owner)
    changes.set(key, owner)
  }
  return { ownership, changes, observed }
}

/** Every upstream that the YAML, the functions folder or a source that is switched on holds now. */
function configuredTiers(
  spec: OwnershipWorld['spec'],
  sources: readonly SourceObservation[],
): ReadonlyMap<string, Tier> {
  const functions = spec.functions === undefined ? [] : (functionsSource(sources)?.upstreams ?? [])
  const kinds = discovering(spec)
  const found = sources.filter(({ source }) => kinds.includes(source)).flatMap(({ upstreams }) => upstreams)
  return new Map([...functions, ...found, ...spec.upstreams].map(({ name, tier }) => [name, tier]))
}

/** Kinds of sources that find upstreams which the YAML does not name. */
function discovering({ sources = [] }: OwnershipWorld['spec']): readonly string[] {
  return sources.filter(({ discovers }) => discovers).map(({ kind }) => kind)
}

// At the start the functions folder has not been read, nor has a source been answered: not known yet is not removed.
function isUnheard(name: string, spec: OwnershipWorld['spec'], sources: readonly SourceObservation[]): boolean {
  if (name.startsWith('functions/')) return spec.functions !== undefined && functionsSource(sources) === undefined
  return isAnySourceUnheard(spec, sources)
}

function isAnySourceUnheard(spec: OwnershipWorld['spec'], sources: readonly SourceObservation[]): boolean {
  return discovering(spec).some((kind) => {
    const word = sources.find(({ source }) => source === kind)
    return word === undefined || (word.sighting !== undefined && word.sighting.state !== 'answered')
  })
}

function functionsSource(sources: readonly SourceObservation[]): SourceObservation | undefined {
  return sources.find(({ source }) => source === 'functions')
}

function isDefaultPending({ spec, observations, sources }: Omit<OwnershipWorld, 'remembered'>): boolean {
  const name = spec.defaultUpstream
  if (name === undefined) return false
  const sighted = sources.flatMap(({ upstreams }) => upstreams).find((one) => one.name === name)
  const written = spec.upstreams.find((one) => one.name === name)
  // One that a source is to find may turn out to implement anything, as long as it has not been found.
  if (written === undefined && sighted === undefined) return isAnySourceUnheard(spec, sources)
  const asked = Object.keys(askedOf(written?.discover, sighted?.discover)).length > 0
  const heard = observations.some(({ upstream }) => upstream === name)
  return (asked && !heard) || pendingUpstreams(observations).includes(name)
}

function implementersByOperation(observations: readonly Observation[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>()
  for (const observation of observations) {
    for (const key of operationKeys(observation)) {
      const known = found.get(key)
      if (known === undefined) found.set(key, new Set([observation.upstream]))
      else known.add(observation.upstream)
    }
  }
  return found
}

const TIER_ORDER: Readonly<Record<Tier, number>> = { legacy: 0, service: 1, function: 2 }

function incumbentOf(
  implementers: ReadonlySet<string>,
  tiers: ReadonlyMap<string, Tier>,
  defaultUpstream: string | undefined,
): string | undefined {
  const ranked = [...implementers].flatMap((name) => {
    const tier = tiers.get(name)
    return tier === undefined ? [] : [{ name, rank: TIER_ORDER[tier] * 2 + (name === defaultUpstream ? 0 : 1) }]
  })
  ranked.sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1))
  return ranked[0]?.name
}
