import type { LedgerEntry, ShiftRecord } from './shift.ts'

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
  close(): void
}
