import type { Balancer, Keyed } from './index.ts'

/** What is compared. */
export type Loaded = { readonly pool: { readonly inFlight: number } }

/** The default: the less loaded of two. */
export const leastRequests: Balancer = {
  kind: 'least-requests',
  scattered: true,
  create: () => ({ pick: (among, _request: Keyed, random) => pickEndpoint(among, random) }),
}

/**
 * The less loaded of two endpoints drawn at random: nearly as even as asking all of them, and without the herd that
 * runs to the one that looks least loaded. `random` gives numbers in [0, 1). One endpoint costs no draw.
 */
export function pickEndpoint<E extends Loaded>(endpoints: readonly E[], random: () => number): E | undefined {
  if (endpoints.length < 2) return endpoints[0]
  const first = Math.floor(random() * endpoints.length)
  // The second is drawn among the others.
  const drawn = Math.floor(random() * (endpoints.length - 1))
  const one = endpoints[first]
  const other = endpoints[drawn < first ? drawn : drawn + 1]
  if (one === undefined || other === undefined) return one ?? other
  return other.pool.inFlight < one.pool.inFlight ? other : one
}
