import type { LedgerEntry, ShiftRecord } from '../model/shift.ts'
import type { Store } from '../model/store.ts'
import { describe } from './stages.ts'

/** What an action came to; `message` is for the person who asked. */
export type Outcome =
  | { readonly kind: 'done'; readonly message: string; readonly shift: ShiftRecord | undefined }
  | { readonly kind: 'unchanged'; readonly message: string; readonly shift: ShiftRecord | undefined }
  | { readonly kind: 'refused'; readonly message: string }

/** An action that changes nothing, and why. */
export function refused(message: string): Outcome {
  return { kind: 'refused', message }
}

/** Refuses to start what runs. */
export function alreadyStarted(record: ShiftRecord): Outcome {
  const next = record.stage === 'rolled-back' ? 'retry' : 'promote'
  return refused(
    `shift "${record.id}" is ${describe(record)} already; next: banyan shift ${next} ${JSON.stringify(record.id)}`,
  )
}

/** Refuses what no record is about. */
export function unknownShift(id: string, records: readonly ShiftRecord[]): Outcome {
  const known = records.map((record) => JSON.stringify(record.id)).join(', ') || 'none'
  return refused(`no shift "${id}" has been started; known: ${known}. To start it: banyan shift start "${id}"`)
}

/** Why a shift whose route says something else is not moved up. */
export function strandedMessage(record: ShiftRecord): string {
  return (
    `shift "${record.id}" goes from ${record.incumbent} to ${record.candidate}, which is not what the YAML says now; ` +
    `end it: banyan shift abort "${record.id}"`
  )
}

/** Why an entry that the YAML caused is not undone. */
export function notByUndo(entry: LedgerEntry): string {
  return `entry ${entry.seq} followed the YAML (${entry.note ?? 'the shift ended'}); change the route there to take it back`
}

/** Refuses a change whose record somebody else changed first. */
export function conflict(id: string, current: ShiftRecord | undefined): Outcome {
  const now = current ? describe(current) : 'gone'
  return refused(`shift "${id}" was changed by someone else meanwhile: it is ${now}; look again and repeat`)
}

/** What a store has lost, and what to do. */
export function lostMessage(ids: readonly string[], store: Store): string {
  const names = ids.map((id) => JSON.stringify(id)).join(', ')
  return (
    `the state store (${store.description}) has lost the shifts ${names}; they are served from the last-known copy ` +
    'and moves up are blocked. Restore the store from a backup, or abort each of them and start again'
  )
}

/** What is in force although the store does not have it, and that it will be tried again. */
export function unrecordedMessage({ shift, action }: Pick<LedgerEntry, 'shift' | 'action'>, reason: string): string {
  return (
    `shift "${shift}": ${action} is in force, but not recorded (${reason}); it is tried again every few seconds, and ` +
    'a restart before that may bring back what it took away'
  )
}
