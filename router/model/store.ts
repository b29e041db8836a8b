import type { LedgerEntry, ShiftRecord } from './shift.ts'
import type { Tier } from './spec.ts'

/** Raised when a compare-and-set lost: someone changed the record first. */
export type Conflict = { readonly kind: 'conflict'; readonly current: ShiftRecord | undefined }

/**
 * How a store came up. `sound`: all of it is there. `replaced`: what was there could not be read, was set
 * aside, and it started empty. `unwritable`: reads give the last records that could be found, writes throw.
 * In the last two, weights last known elsewhere are better than the records, and nothing may move up.
 */
export type StoreCondition = 'sound' | 'replaced' | 'unwritable'

/** A store and what the operator must know about it, one sentence each with the remedy. */
export type OpenedStore = {
  readonly store: Store
  readonly condition: StoreCondition
  readonly notices: readonly string[]
}

/** What the router remembers. Every write is durable when it returns; otherwise it throws `state_unwritable`. */
export type Store = {
  /** Where it is, for messages. */
  readonly description: string
  /** Operation key → upstream. */
  ownership(): ReadonlyMap<string, string>
  setOwnership(changes: ReadonlyMap<string, string | undefined>): void
  shifts(): readonly ShiftRecord[]
  /**
   * Changes one shift and appends the ledger entry in one transaction; `seq` is given by the store.
   * `expected` is the version the caller saw, 0 for a new one; `after.version` must be above it. `after`
   * null removes the record.
   */
  change(
    expected: number,
    entry: Omit<LedgerEntry, 'seq'>,
  ): { readonly kind: 'changed'; readonly entry: LedgerEntry } | Conflict
  ledger(shift?: string): readonly LedgerEntry[]
  /** Requests by day, and when each operation was last asked for. */
  readonly history: HistoryStore
  close(): void
}

/** What was asked for, over the years. */
export type HistoryStore = {
  /** Sorted by day, then tier. */
  days(): readonly DayOfTier[]
  watched(): WatchRecord
  /** Writes all of it at once; what it does not name stays. */
  write(change: {
    readonly watchedMs: number
    readonly days: readonly DayOfTier[]
    readonly operations: ReadonlyMap<string, WatchedOperation>
  }): void
}

/** What one tier answered on one day (UTC, `2026-11-23`), and how many operations it served at the end of it. */
export type DayOfTier = {
  readonly day: string
  readonly tier: Tier
  readonly requests: number
  readonly operations: number
}

/** Time counts while the router runs only: `watchedMs` is how long it has watched in all. */
export type WatchRecord = {
  readonly watchedMs: number
  readonly operations: ReadonlyMap<string, WatchedOperation>
}

/** `since` and `asked` are values of `watchedMs`: when it became known, and when it was last asked for. */
export type WatchedOperation = {
  readonly since: number
  /** Undefined: never. */
  readonly asked: number | undefined
  /** Wall time in ms of the last request; undefined: none. */
  readonly askedAt: number | undefined
}
