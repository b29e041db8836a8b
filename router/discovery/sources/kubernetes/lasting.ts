import type { SightedRoute, SightedUpstream, SourceObservation } from '../../../model/catalogue.ts'
import type { KubernetesOptions } from './options.ts'
import { type Standing, sightingOf } from './standing.ts'

/** Ends the place of an upstream that a Service names by its annotation. */
export const BY_ANNOTATION = ', by its annotation'

export type LastingOptions = {
  readonly last: SourceObservation | undefined
  readonly settings: KubernetesOptions
  /** How Services and EndpointSlices of a namespace are known. */
  readonly standing: (namespace: string) => readonly Standing[]
  readonly now: number
}

/**
 * Upstreams of the last word that are not seen now and stay all the same: what nobody could be asked about yet, and
 * what named itself, for discovery never takes away who serves an operation; without endpoints it answers 503.
 */
export function lastingUpstreams(
  seen: readonly SightedUpstream[],
  { last, settings, standing, now }: LastingOptions,
): readonly SightedUpstream[] {
  const names = new Set(seen.map(({ name }) => name))
  return (last?.upstreams ?? []).flatMap((upstream): readonly SightedUpstream[] => {
    const { name, found = '', sighting } = upstream
    const [, namespace = ''] = /^Service ([^/]+)\//.exec(found) ?? []
    if (names.has(name) || !isSearched(namespace, settings)) return []
    const standings = standing(namespace)
    if (!areListed(standings)) {
      return [{ ...upstream, sighting: sightingOf(standings, sighting?.attempts ?? [], sighting, now) }]
    }
    if (!settings.upstreams || !found.endsWith(BY_ANNOTATION)) return []
    const failure = `${found.slice(0, -BY_ANNOTATION.length)} is gone, or has another annotation banyan.upstream`
    const attempts = [{ what: found, outcome: 'there is none', at: now }]
    return [{ ...upstream, endpoints: [], failure, sighting: sightingOf(standings, attempts, sighting, now) }]
  })
}

/** Routes, and those of the last word from namespaces about which nobody could be asked yet. */
export function lastingRoutes(
  seen: readonly SightedRoute[],
  last: readonly SightedRoute[] | undefined,
  standing: (namespace: string) => readonly Standing[],
): readonly SightedRoute[] {
  const ids = new Set(seen.map(({ id }) => id))
  const unasked = (last ?? []).filter(({ id }) => !ids.has(id) && !areListed(standing(id.replace(/\/.*/s, ''))))
  return [...seen, ...unasked]
}

/** Whether all that is watched has been listed at least once. */
export function areListed(standings: readonly Standing[]): boolean {
  return standings.every(({ confirmedAt }) => confirmedAt !== undefined)
}

function isSearched(namespace: string, { upstreams, ingress, namespaces }: KubernetesOptions): boolean {
  return (upstreams || ingress !== false) && (namespaces === undefined || namespaces.includes(namespace))
}
