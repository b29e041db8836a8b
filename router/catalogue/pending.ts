import type { Observation } from '../model/catalogue.ts'

/**
 * Upstreams whose first detection has neither answered nor failed yet, sorted. One of several descriptions that has
 * operations is an answer; one that is merely not there is none while another has still to be heard.
 */
export function pendingUpstreams(observations: readonly Observation[]): readonly string[] {
  const answered = new Set(observations.filter(({ state }) => state === 'answered').map(({ upstream }) => upstream))
  const pending = observations.filter(({ state, upstream }) => state === 'pending' && !answered.has(upstream))
  return [...new Set(pending.map(({ upstream }) => upstream))].sort()
}
