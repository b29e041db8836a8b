import { mkdirSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { StateSpec } from '../../model/spec.ts'
import type { OpenedStore } from '../../model/store.ts'
import type { StoreContext, StoreKind } from '../kind.ts'
import { storeOver } from './records.ts'
import { copyForReading, type ReadingCopy, setAside, timeStamp } from './salvage.ts'
import { NewerSchema, upgrade } from './schema.ts'

/** The default store: one file through node:sqlite, written ahead, synced to disk at every change. */
export const sqlite: StoreKind = { kind: 'sqlite', open: openSqlite }

function openSqlite(spec: StateSpec, context: StoreContext): OpenedStore {
  try {
    return { ...openWritable(spec, context), condition: 'sound' }
  } catch (error) {
    return isCorrupt(error) ? openReplaced(spec, context, error) : openForReading(spec, error)
  }
}

type Opened = Pick<OpenedStore, 'store' | 'notices'>

function openWritable(spec: StateSpec, { clock, log }: StoreContext): Opened {
  mkdirSync(spec.folder, { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(spec.path, { timeout: 1000 })
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    checkSound(database)
    const stamp = timeStamp(clock.now())
    const backup = upgrade(database, (version) => `${spec.path}.schema-${version}-${stamp}`)
    if (backup !== undefined) log.info(`state store ${spec.path}: schema upgraded; the old one is kept as ${backup}`)
    // Proves that a write reaches the disk now, rather than at the first shift.
    database.prepare('INSERT OR REPLACE INTO opened VALUES (1, ?)').run(Math.trunc(clock.now()))
    const store = storeOver(database, `sqlite ${spec.path}`)
    store.ledger()
    store.shifts()
    return { store, notices: [] }
  } catch (error) {
    database.close()
    throw error
  }
}

/** Raised where SQLite opens a file whose content is damaged. */
class Damaged extends Error {}

function checkSound(database: DatabaseSync): void {
  const verdict = database.prepare('PRAGMA quick_check(1)').get()?.quick_check
  if (verdict !== 'ok') throw new Damaged(String(verdict).replace(/^\*\*\*.*\n/, ''))
}

const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26

function isCorrupt(error: unknown): boolean {
  // A SyntaxError is a record that is no JSON any more.
  return (
    error instanceof Damaged || error instanceof SyntaxError || [SQLITE_CORRUPT, SQLITE_NOTADB].includes(code(error))
  )
}

/** SQLite's primary result code, 0 for other errors. */
function code(error: unknown): number {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return 0
  return error.errcode & 0xff
}

function openReplaced(spec: StateSpec, context: StoreContext, cause: unknown): OpenedStore {
  try {
    const aside = setAside(spec.path, context.clock.now())
    const notice =
      `state store ${spec.path} is corrupt (${text(cause)}): set aside as ${aside}, started empty. ` +
      'Shifts keep the weights last known and do not move up. To restore, stop the router, put a sound copy in ' +
      'its place and start again; to go on without it, start the shifts again'
    return { ...openWritable(spec, context), condition: 'replaced', notices: [notice] }
  } catch (error) {
    return openForReading(spec, error, cause)
  }
}

/** What can be read of a store that cannot be written; empty where that is nothing. */
function openForReading(spec: StateSpec, cause: unknown, damage?: unknown): OpenedStore {
  const copy = damage === undefined ? copyForReading(spec.path) : undefined
  const { database, found } = openCopy(copy)
  const problem =
    cause instanceof NewerSchema
      ? `state store ${spec.path}: ${cause.message}. Run the newer version again, or restore a copy that this one made`
      : `state store ${spec.path} is ${damage === undefined ? '' : `corrupt (${text(damage)}) and `}not writable ` +
        `(${text(cause)}). Make ${spec.folder} a folder that can be written, with room on its disk, then start again`
  const consequence = found
    ? 'Until then its last records are read and no change is accepted'
    : 'Until then nothing is remembered and no change is accepted'
  const notice = `${problem}. ${consequence}`
  const store = storeOver(database, `sqlite ${spec.path}`, notice)
  const close = () => {
    store.close()
    copy?.remove()
  }
  return { store: { ...store, close }, condition: 'unwritable', notices: [notice] }
}

function openCopy(copy: ReadingCopy | undefined): { database: DatabaseSync; found: boolean } {
  if (copy !== undefined) {
    const database = new DatabaseSync(copy.path)
    try {
      checkSound(database)
      upgrade(database, (version) => `${copy.path}.schema-${version}`)
      return { database, found: true }
    } catch {
      // Newer, damaged or empty: the notice says that nothing could be read.
      database.close()
    }
  }
  const empty = new DatabaseSync(':memory:')
  upgrade(empty, () => ':memory:')
  return { database: empty, found: false }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
