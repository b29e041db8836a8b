import type { WatchRecord } from '../model/store.ts'

/** What nobody has asked for, and for how long that has been watched. */
export type Quiet = {
  /** How long an operation must be watched without a request, in ms. */
  readonly windowMs: number
  /** How long the router has watched in all; time in which it did not run does not count. */
  readonly watchedMs: number
  /** Not asked for in the whole window, longest first. */
  readonly dead: readonly DeadOperation[]
  /** Not asked for either, but not watched for long enough yet to say so. */
  readonly unsettled: number
}

export type DeadOperation = {
  readonly key: string
  readonly method: string
  readonly template: string
  /** Who would answer it; null: nobody. */
  readonly upstream: string | null
  /** How long it has been watched without a request, in ms. */
  readonly quietMs: number
  /** Wall time in ms of its last request; null: it has never been asked for while it was watched. */
  readonly askedAt: number | null
}

/** An operation and who answers it. */
type Known = {
  readonly key: string
  readonly method: string
  readonly template: string
  readonly upstream: string | null
}

/** The default of `windowMs`. */
export const WINDOW_MS = 30 * 86_400_000

/** Says which operations are candidates for removal. Pure. */
export function quietOperations(
  operations: readonly Known[],
  { watchedMs, operations: watched }: WatchRecord,
  windowMs: number,
): Quiet {
  const dead: DeadOperation[] = []
  let unsettled = 0
  for (const { key, method, template, upstream } of operations) {
    const record = watched.get(key)
    const quietMs = record === undefined ? 0 : watchedMs - (record.asked ?? record.since)
    if (quietMs >= windowMs) dead.push({ key, method, template, upstream, quietMs, askedAt: record?.askedAt ?? null })
    else if (record?.asked === undefined) unsettled++
  }
  dead.sort((a, b) => b.quietMs - a.quietMs)
  return { windowMs, watchedMs, dead, unsettled }
}
