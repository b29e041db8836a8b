import type { ObservedEndpoint } from '../model/catalogue.ts'
import type { DetectContext } from './detectors/detector.ts'

/** Endpoints that may be asked in vain in one round: each of them can take all the time that an answer has. */
const MOST_IN_VAIN = 3

/**
 * The endpoints to ask, in turn, until one answers. Those in `context.silent` have not answered in this round and are
 * not asked again; whoever gets no answer adds to them.
 */
export function endpointsToAsk({ upstream, silent }: Pick<DetectContext, 'upstream' | 'silent'>) {
  const left = Math.max(0, MOST_IN_VAIN - (silent?.size ?? 0))
  return upstream.endpoints.filter((endpoint) => silent?.has(endpoint) !== true).slice(0, left)
}

/** The same endpoints from the one at `begin` on, so that rounds which ask only some ask all of them in the end. */
export function turned(endpoints: readonly ObservedEndpoint[], begin: number): readonly ObservedEndpoint[] {
  const at = endpoints.length === 0 ? 0 : begin % endpoints.length
  return [...endpoints.slice(at), ...endpoints.slice(0, at)]
}
