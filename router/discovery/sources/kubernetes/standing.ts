import type { Attempt, Sighting } from '../../../model/catalogue.ts'

/** How the objects of one resource are known. */
export type Standing = {
  /** `list endpointslices in namespace clinic` */
  readonly what: string
  /** When the objects were last known to be all there are, wall time in ms; undefined: they were never listed. */
  readonly confirmedAt: number | undefined
  /** What went wrong, and when; undefined: the server tells of every change. */
  readonly problem: { readonly message: string; readonly at: number; readonly nextAt: number } | undefined
}

/** `seen`: what came of it where the server could be asked; what went wrong since stands behind it. */
export function sightingOf(
  standings: readonly Standing[],
  seen: readonly Attempt[],
  before: Sighting | undefined,
  now: number,
): Sighting {
  const troubles = standings.flatMap(({ what, problem }) =>
    problem === undefined
      ? []
      : [{ attempt: { what, outcome: problem.message, at: problem.at }, nextAt: problem.nextAt }],
  )
  const listed = standings.every(({ confirmedAt }) => confirmedAt !== undefined)
  const confirmed = standings.map(({ confirmedAt }) => confirmedAt ?? now)
  const old = new Set(standings.map(({ what }) => what))
  return {
    state: troubles.length > 0 ? 'failed' : listed ? 'answered' : 'pending',
    attempts: [...seen.filter(({ what }) => !old.has(what)), ...troubles.map(({ attempt }) => attempt)],
    at: listed ? Math.min(now, ...confirmed) : before?.at,
    nextAt: troubles.length === 0 ? undefined : Math.min(...troubles.map(({ nextAt }) => nextAt)),
  }
}
