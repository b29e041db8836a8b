import type { ShiftRecord } from '../model/shift.ts'

/**
 * The moves of a shift, as pure functions from record to record:
 *
 *   waiting → canary[steps…] → live
 *      └────────── any ───────────→ rolled-back → (retry) canary[first step]
 *
 * A move that is not possible says why, in a sentence for the person who asked.
 */
export type Move = { readonly kind: 'moved'; readonly after: ShiftRecord } | Refused | Unchanged

export type Refused = { readonly kind: 'refused'; readonly message: string }

/** The record is already where the move would put it. */
export type Unchanged = { readonly kind: 'unchanged'; readonly message: string }

/** A new shift at its first step. `salt` is 32 hex digits and stays with the record for ever. */
export function begin(
  plan: Pick<ShiftRecord, 'id' | 'match' | 'incumbent' | 'candidate' | 'inYaml' | 'steps'>,
  salt: string,
  now: number,
): ShiftRecord {
  const weight = plan.steps[0] ?? 1
  return { ...plan, stage: stageAt(weight), weight, salt, version: 1, createdAt: now, changedAt: now }
}

/** To the next step, or to `weight` (a fraction); weights only rise. */
export function promote(record: ShiftRecord, weight: number | undefined, now: number): Move {
  const next = weight ?? record.steps.find((step) => step > record.weight) ?? 1
  if (record.stage === 'rolled-back') {
    return refused(`shift "${record.id}" was rolled back; start it again with: banyan shift retry "${record.id}"`)
  }
  if (record.stage === 'live') {
    return weight === undefined || weight === 1
      ? unchanged(`shift "${record.id}" is live: ${record.candidate} serves 100 %`)
      : refused(`shift "${record.id}" is live; weights only rise. To go back: banyan shift abort "${record.id}"`)
  }
  if (!(next > 0 && next <= 1)) {
    return refused(`weight ${percent(next)} is not above 0 % and at most 100 %`)
  }
  if (next === record.weight) return unchanged(`shift "${record.id}" is already at ${percent(next)}`)
  if (next < record.weight) {
    return refused(
      `shift "${record.id}" is at ${percent(record.weight)}; weights only rise, ${percent(next)} is lower. ` +
        `To take traffic back: banyan shift abort "${record.id}"`,
    )
  }
  return moved({ ...changed(record, now), stage: stageAt(next), weight: next })
}

/** Everything back to the incumbent. Does nothing where nothing is in progress. */
export function abort(record: ShiftRecord, now: number): Move {
  if (record.stage === 'rolled-back' || record.stage === 'waiting') {
    return unchanged(`shift "${record.id}" is ${record.stage}: ${record.incumbent} serves 100 %, nothing to abort`)
  }
  return moved({ ...changed(record, now), stage: 'rolled-back', weight: 0 })
}

/** From `rolled-back` to the first step again; the same salt, so the same users go first. */
export function retry(record: ShiftRecord, now: number): Move {
  if (record.stage !== 'rolled-back') {
    return refused(`shift "${record.id}" is ${describe(record)}; only a shift that was rolled back is retried`)
  }
  const weight = record.steps[0] ?? 1
  return moved({ ...changed(record, now), stage: stageAt(weight), weight })
}

/** Whether the candidate may get requests, and answers may carry our cookie. */
export function inProgress(record: ShiftRecord): boolean {
  return record.stage === 'canary' || record.stage === 'live'
}

/** `canary at 25 %`, `live`, `rolled-back`. */
export function describe(record: ShiftRecord): string {
  return record.stage === 'canary' ? `canary at ${percent(record.weight)}` : record.stage
}

/** 0.25 → `25 %`, without the noise of binary fractions. */
export function percent(weight: number): string {
  return `${Number((weight * 100).toFixed(4))} %`
}

function stageAt(weight: number): 'canary' | 'live' {
  return weight >= 1 ? 'live' : 'canary'
}

function changed(record: ShiftRecord, now: number): ShiftRecord {
  return { ...record, version: record.version + 1, changedAt: now }
}

function moved(after: ShiftRecord): Move {
  return { kind: 'moved', after }
}

function refused(message: string): Refused {
  return { kind: 'refused', message }
}

function unchanged(message: string): Unchanged {
  return { kind: 'unchanged', message }
}
