import { joinCatalogue } from '../catalogue/join.ts'
import { operationKeys } from '../catalogue/keys.ts'
import { decideOwnership } from '../catalogue/ownership.ts'
import { createTraffic, type TrafficTotals } from '../catalogue/traffic.ts'
import { detectableUpstreams } from '../discovery/detectable.ts'
import { descriptionFetcher } from '../discovery/fetch.ts'
import { type Discovery, type DiscoveryOptions, startDiscovery } from '../discovery/index.ts'
import { mergeObservations, type ObservedUpstream } from '../discovery/sources/merge.ts'
import { foreseen, writtenSources } from '../discovery/sources/open.ts'
import { operationKey } from '../kernel/template.ts'
import { packageVersion } from '../kernel/version.ts'
import type { Catalogue, Observation, ObservedOperation, SourceObservation } from '../model/catalogue.ts'
import type { TrafficCounts } from '../model/link.ts'
import type { RouteMatch, Spec, Tier } from '../model/spec.ts'
import type { Store } from '../model/store.ts'
import type { Unhealthy } from './health-checks.ts'
import { createLearned, type LearnedWord } from './learned.ts'
import { createLiveLearning } from './live-learning.ts'

/** What exists and who implements what, as known now: discovery, remembered ownership and traffic joined. */
export type World = Pick<Discovery, 'clashes' | 'close' | 'heard' | 'observations' | 'sources'> & {
  catalogue(): Catalogue
  /** What the sources would say under another spec; asks nobody. */
  sourcesFor(spec: Spec): readonly SourceObservation[]
  traffic(): TrafficTotals
  /** Undefined: it does not exist now. */
  tierOf(upstream: string): Tier | undefined
  count(counts: TrafficCounts): void
  /** Operations that this match names, where it names any, belong to `upstream` from now on. */
  hand(match: RouteMatch, upstream: string): void
  /** Adds what a recording shows of an upstream. */
  learn(word: LearnedWord): void
  update(spec: Spec): void
}

export type WorldOptions = Omit<DiscoveryOptions, 'fetch'> & {
  readonly store: Store
  /** What active checks found; those endpoints are not asked for random paths. */
  readonly unhealthy: () => Unhealthy
}

export function createWorld(options: WorldOptions): World {
  const { store, clock, log } = options
  let { spec } = options
  let ownership = store.ownership()
  let observed: ReadonlyMap<string, string> = new Map()
  const learned = createLearned(options.remembered ?? [])
  let joined: Catalogue | undefined
  const traffic = createTraffic({ clock })
  const fetch = descriptionFetcher({ version: packageVersion(), clock })
  const discovery = startDiscovery({
    ...options,
    fetch,
    changed() {
      decide()
      options.changed()
    },
  })
  const live = createLiveLearning({
    ...options,
    fetch,
    remembered: new Map(
      learned
        .observations()
        .filter(({ detector }) => detector === 'traffic')
        .map(({ upstream, operations }) => [upstream, operations]),
    ),
    upstreams: () => detectableUpstreams(spec, discovery.upstreams()),
    learnsFrom: (name) => spec.upstreams.find((one) => one.name === name)?.discover.traffic !== 'off',
    learned: takeOver,
  })
  decide()

  /** What passed through shows more operations than it did, or has shown them more often. */
  function takeOver(found: ReadonlyMap<string, readonly ObservedOperation[]>): void {
    const before = keysOfObserved()
    for (const [upstream, operations] of found) {
      const outcome = `${operations.length} operations`
      learned.replace({ upstream, detector: 'traffic', operations, source: 'traffic', outcome, at: clock.now() })
    }
    if (keysOfObserved() === before) return
    decide()
    options.changed()
  }

  function keysOfObserved(): string {
    return JSON.stringify(learned.observations().map((one) => [one.upstream, one.detector, operationKeys(one)]))
  }

  /** Who owns what now; what changed is remembered, where it can be. */
  function decide(): void {
    joined = undefined
    const observations = allObservations()
    const sources = discovery.sources()
    const decided = decideOwnership({ remembered: ownership, observations, sources, spec })
    observed = decided.observed
    remember(decided.ownership, decided.changes)
  }

  /** Of upstreams that exist: what was learned of one stays while it is away. */
  function allObservations(): readonly Observation[] {
    const names = new Set(discovery.upstreams().map(({ name }) => name))
    return [...discovery.observations(), ...learned.observations().filter(({ upstream }) => names.has(upstream))]
  }

  function remember(next: ReadonlyMap<string, string>, changes: ReadonlyMap<string, string | undefined>): void {
    ownership = next
    joined = undefined
    if (changes.size === 0) return
    try {
      store.setOwnership(changes)
    } catch (error) {
      log.warn('who owns which operation could not be remembered; a restart would decide anew', { error })
    }
  }

  function catalogue(): Catalogue {
    joined ??= joinCatalogue(allObservations(), traffic.unclaimed(), new Map([...observed, ...ownership]))
    return joined
  }

  return {
    observations: allObservations,
    sources: () => discovery.sources(),
    clashes: () => discovery.clashes(),
    heard: (ms) => discovery.heard(ms),
    close() {
      live.close()
      return discovery.close()
    },
    traffic: () => traffic.totals(),
    tierOf: (name) => tiersOf(discovery.upstreams()).get(name),
    catalogue,
    sourcesFor: (other) =>
      mergeObservations(foreseen(discovery.sources(), spec, other), writtenSources(other)).observations,
    count(counts) {
      traffic.add(counts)
      live.take(counts)
      if (counts.unclaimed.length > 0) joined = undefined
    },
    hand({ path, methods, host, headers, query }, upstream) {
      if (path === undefined || methods === undefined || host !== undefined) return
      if (headers !== undefined || query !== undefined) return
      // A prefix names none: remembered, it would be listed as an operation of its own for ever.
      const known = new Set(catalogue().operations.map(({ key }) => key))
      const keys = methods.map((method) => operationKey(method, path)).filter((key) => known.has(key))
      const changes = new Map(keys.map((key) => [key, upstream]))
      remember(new Map([...ownership, ...changes]), changes)
    },
    learn(word) {
      learned.add(word)
      decide()
      options.changed()
    },
    update(next) {
      spec = next
      discovery.update(next)
      decide()
    },
  }
}

/** Asked for every operation; the list stays the same until a source says otherwise. */
function tiersOf(upstreams: readonly ObservedUpstream[]): ReadonlyMap<string, Tier> {
  const known = tiersOfList.get(upstreams)
  if (known !== undefined) return known
  const tiers = new Map(upstreams.map(({ name, tier }) => [name, tier]))
  tiersOfList.set(upstreams, tiers)
  return tiers
}

const tiersOfList = new WeakMap<readonly ObservedUpstream[], ReadonlyMap<string, Tier>>()
