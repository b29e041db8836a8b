import type { DatabaseSync } from 'node:sqlite'

/** One step of the schema: from version n to n + 1. Published steps never change; a new version is a new line. */
export type Upgrade = (database: DatabaseSync) => void

/** Every step from an empty file to what this version reads. */
export const UPGRADES: readonly Upgrade[] = [tablesOfVersion1, historyOfVersion2]

/** The file was written by a newer version of the router, whose tables this one cannot know. */
export class NewerSchema extends Error {
  readonly found: number

  constructor(found: number) {
    super(`schema version ${found} is newer than ${UPGRADES.length}, the newest this version knows`)
    this.name = 'NewerSchema'
    this.found = found
  }
}

/**
 * Brings the schema to the newest version in one transaction. A database that holds an older schema is first
 * copied to `backup(version)`. Returns the copy's path, or undefined where none was needed.
 */
export function upgrade(
  database: DatabaseSync,
  backup: (version: number) => string,
  upgrades: readonly Upgrade[] = UPGRADES,
): string | undefined {
  const found = schemaVersion(database)
  if (found > upgrades.length) throw new NewerSchema(found)
  if (found === upgrades.length) return undefined

  const copy = found === 0 ? undefined : backup(found)
  // VACUUM INTO reads through the write-ahead log: the copy is complete and consistent, a file copy is not.
  if (copy !== undefined) database.prepare('VACUUM INTO ?').run(copy)

  try {
    database.exec('BEGIN IMMEDIATE')
    for (const step of upgrades.slice(found)) step(database)
    database.exec(`PRAGMA user_version = ${upgrades.length}; COMMIT`)
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
  return copy
}

/** The schema's version; 0: no tables yet. */
export function schemaVersion(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0)
}

function tablesOfVersion1(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE ownership (operation TEXT PRIMARY KEY, upstream TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE shift (id TEXT PRIMARY KEY, version INTEGER NOT NULL, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE ledger (seq INTEGER PRIMARY KEY, shift TEXT NOT NULL, entry TEXT NOT NULL) STRICT;
    CREATE INDEX ledger_by_shift ON ledger (shift, seq);
    CREATE TABLE opened (only INTEGER PRIMARY KEY CHECK (only = 1), at INTEGER NOT NULL) STRICT;
  `)
}

function historyOfVersion2(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE day (
      day TEXT NOT NULL, tier TEXT NOT NULL, requests INTEGER NOT NULL, operations INTEGER NOT NULL,
      PRIMARY KEY (day, tier)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE watched (
      operation TEXT PRIMARY KEY, since INTEGER NOT NULL, asked INTEGER, asked_at INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE watch (only INTEGER PRIMARY KEY CHECK (only = 1), ms INTEGER NOT NULL) STRICT;
  `)
}
