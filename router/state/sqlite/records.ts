import type { DatabaseSync } from 'node:sqlite'
import { BanyanError } from '../../kernel/errors.ts'
import type { LedgerEntry, ShiftRecord } from '../../model/shift.ts'
import type { Conflict, Store } from '../../model/store.ts'
import { historyOver, type Write } from './history.ts'

/** A store over an open database whose schema is the newest. `refusal` set: every write throws it. */
export function storeOver(database: DatabaseSync, description: string, refusal?: string): Store {
  const write = writer(database, description, refusal)
  const allOwnership = database.prepare('SELECT operation, upstream FROM ownership ORDER BY operation')
  const putOwner = database.prepare('INSERT OR REPLACE INTO ownership VALUES (?, ?)')
  const dropOwner = database.prepare('DELETE FROM ownership WHERE operation = ?')
  const allShifts = database.prepare('SELECT record FROM shift ORDER BY id')
  const wholeLedger = database.prepare('SELECT seq, entry FROM ledger ORDER BY seq')
  const ledgerOfShift = database.prepare('SELECT seq, entry FROM ledger WHERE shift = ? ORDER BY seq')
  const change = changer(database)

  return {
    description,
    ownership: () => new Map(allOwnership.all().map((row) => [String(row.operation), String(row.upstream)])),
    setOwnership(changes) {
      if (changes.size === 0) return
      write(() => {
        for (const [operation, upstream] of changes) {
          if (upstream === undefined) dropOwner.run(operation)
          else putOwner.run(operation, upstream)
        }
      })
    },
    shifts: () => allShifts.all().map((row) => readRecord(row.record)),
    change(expected, entry) {
      checkEntry(expected, entry)
      return write(() => change(expected, entry))
    },
    ledger: (shift) => (shift === undefined ? wholeLedger.all() : ledgerOfShift.all(shift)).map(readEntry),
    history: historyOver(database, write),
    close: () => database.close(),
  }
}

/** Runs one write as a transaction that is on disk when it returns; what cannot be kept throws and changes nothing. */
function writer(database: DatabaseSync, description: string, refusal: string | undefined): Write {
  return (write) => {
    if (refusal !== undefined) throw new BanyanError('state_unwritable', refusal)
    try {
      database.exec('BEGIN IMMEDIATE')
      const result = write()
      database.exec('COMMIT')
      return result
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      if (error instanceof BanyanError) throw error
      throw new BanyanError('state_unwritable', `${description}: the change was not kept: ${reason(error)}`, {
        cause: error,
      })
    }
  }
}

type Changed = { readonly kind: 'changed'; readonly entry: LedgerEntry }

/** The compare-and-set; `seq` is read in the same transaction, so that an entry that was not kept leaves no gap. */
function changer(database: DatabaseSync): (expected: number, entry: Omit<LedgerEntry, 'seq'>) => Changed | Conflict {
  const oneShift = database.prepare('SELECT version, record FROM shift WHERE id = ?')
  const putShift = database.prepare('INSERT OR REPLACE INTO shift VALUES (?, ?, ?)')
  const dropShift = database.prepare('DELETE FROM shift WHERE id = ?')
  const lastSeq = database.prepare('SELECT coalesce(max(seq), 0) AS seq FROM ledger')
  const append = database.prepare('INSERT INTO ledger VALUES (?, ?, ?)')

  return (expected, entry) => {
    const row = oneShift.get(entry.shift)
    if (Number(row?.version ?? 0) !== expected) {
      return { kind: 'conflict', current: row === undefined ? undefined : readRecord(row.record) }
    }
    if (entry.after === null) dropShift.run(entry.shift)
    else putShift.run(entry.shift, entry.after.version, JSON.stringify(entry.after))
    const seq = Number(lastSeq.get()?.seq) + 1
    append.run(seq, entry.shift, JSON.stringify(entry))
    return { kind: 'changed', entry: { ...entry, seq } }
  }
}

// A record that kept its version would let a second writer with old eyes overwrite it.
function checkEntry(expected: number, { shift, after }: Omit<LedgerEntry, 'seq'>): void {
  if (after === null || (after.id === shift && after.version > expected)) return
  throw new BanyanError(
    'internal',
    `shift "${shift}": record "${after.id}" version ${after.version} does not follow version ${expected}`,
  )
}

function readRecord(text: unknown): ShiftRecord {
  return JSON.parse(String(text)) as ShiftRecord
}

function readEntry(row: Readonly<Record<string, unknown>>): LedgerEntry {
  const entry = JSON.parse(String(row.entry)) as Omit<LedgerEntry, 'seq'>
  // JSON leaves out what is undefined; the type promises the keys.
  return { ...entry, undoes: entry.undoes, note: entry.note, seq: Number(row.seq) }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
