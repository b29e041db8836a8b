import type { LedgerEntry, ShiftRecord } from './shift.ts'

/** Raised when a compare-and-set lost: someone changed the record first. */
export type Conflict = { readonly kind: 'conflict'; readonly current: ShiftRecord | undefined }

/** What the router remembers. Every write is durable when it returns; a store that cannot write throws. */
export type Store = {
  /** Where it is, for messages. */
  readonly description: string
  /** Operation key → upstream. */
  ownership(): ReadonlyMap<string, string>
  setOwnership(changes: ReadonlyMap<string, string | undefined>): void
  shifts(): readonly ShiftRecord[]
  /**
   * Changes one shift and appends the ledger entry in one transaction; `seq` is given by the store.
   * `expected` is the version the caller saw, 0 for a new one. `after` null removes the record.
   */
  change(
    expected: number,
    entry: Omit<LedgerEntry, 'seq'>,
  ): { readonly kind: 'changed'; readonly entry: LedgerEntry } | Conflict
  ledger(shift?: string): readonly LedgerEntry[]
  close(): void
}
