import type { Catalogue, CatalogueOperation } from '../model/catalogue.ts'
import type { Tier } from '../model/spec.ts'
import type { TrafficTotals } from './traffic.ts'

/** What is left in the monolith, and how far the move has come. */
export type Left = {
  /** Since when requests are counted, wall time in ms. */
  readonly since: number
  /** Operations that tier legacy still serves, most requested first. */
  readonly operations: readonly LeftOperation[]
  /** One entry a tier, in the order legacy, service, function. */
  readonly tiers: readonly TierShare[]
}

export type LeftOperation = {
  readonly key: string
  readonly method: string
  readonly template: string
  readonly upstream: string
  /** Answered by that upstream under the rule that decides; a rule over several operations counts for each. */
  readonly requests: number
  /** Fraction of the requests of all tiers. */
  readonly share: number
  /** Who else implements it, and so could serve it. */
  readonly candidates: readonly { readonly upstream: string; readonly tier: Tier }[]
}

export type TierShare = {
  readonly tier: Tier
  /** Operations that it serves. */
  readonly operations: number
  /** Requests that were for its upstreams, those that no operation covers included. */
  readonly requests: number
  /** Fraction of the requests of all tiers; 0 where there were none. */
  readonly share: number
}

export type LeftWorld = {
  readonly catalogue: Catalogue
  readonly traffic: TrafficTotals
  readonly tierOf: (upstream: string) => Tier | undefined
  /** Who answers an operation now and by which rule, routes and shifts counted; undefined: nobody. */
  readonly served: (operation: CatalogueOperation) => { readonly upstream: string; readonly rule: string } | undefined
}

/** Says what is left in tier legacy. Pure. */
export function leftInLegacy({ catalogue, traffic, tierOf, served }: LeftWorld): Left {
  const byArm = sumBy(traffic, ({ rule, upstream }) => armKey(rule, upstream))
  const byTier = sumBy(traffic, ({ upstream }) => tierOf(upstream))
  // What the router answers itself (redirects, refusals) was for no upstream, and would be left by none.
  const total = TIERS.reduce((sum, tier) => sum + (byTier.get(tier) ?? 0), 0)
  const shareOf = (count: number) => (total === 0 ? 0 : count / total)
  const operationsByTier = new Map<Tier | undefined, number>()
  const left: LeftOperation[] = []

  for (const operation of catalogue.operations) {
    const { upstream, rule } = served(operation) ?? {}
    if (upstream === undefined || rule === undefined) continue
    const tier = tierOf(upstream)
    operationsByTier.set(tier, (operationsByTier.get(tier) ?? 0) + 1)
    if (tier !== 'legacy') continue
    const { key, method, template } = operation
    const requests = byArm.get(armKey(rule, upstream)) ?? 0
    const candidates = candidatesOf(operation, upstream, tierOf)
    left.push({ key, method, template, upstream, requests, share: shareOf(requests), candidates })
  }
  const tiers = TIERS.map((tier): TierShare => {
    const requests = byTier.get(tier) ?? 0
    return { tier, operations: operationsByTier.get(tier) ?? 0, requests, share: shareOf(requests) }
  })
  // The catalogue's own order, by path and method, decides among equals.
  return { since: traffic.since, operations: left.sort((a, b) => b.requests - a.requests), tiers }
}

const TIERS: readonly Tier[] = ['legacy', 'service', 'function']

function armKey(rule: string, upstream: string): string {
  return JSON.stringify([rule, upstream])
}

function sumBy<Key>(
  { requests }: TrafficTotals,
  keyOf: (entry: TrafficTotals['requests'][number]) => Key,
): ReadonlyMap<Key, number> {
  const sums = new Map<Key, number>()
  for (const entry of requests) sums.set(keyOf(entry), (sums.get(keyOf(entry)) ?? 0) + entry.count)
  return sums
}

function candidatesOf(
  { implementations }: CatalogueOperation,
  serving: string,
  tierOf: LeftWorld['tierOf'],
): LeftOperation['candidates'] {
  return implementations.flatMap(({ upstream }) => {
    const tier = tierOf(upstream)
    return tier === undefined || tier === 'legacy' || upstream === serving ? [] : [{ upstream, tier }]
  })
}
