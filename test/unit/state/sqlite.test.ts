import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../router/kernel/clock.ts'
import { type LogFields, silentLog } from '../../../router/kernel/log.ts'
import { openStore } from '../../../router/state/index.ts'
import { setAside } from '../../../router/state/sqlite/salvage.ts'
import { schemaVersion, UPGRADES, type Upgrade, upgrade } from '../../../router/state/sqlite/schema.ts'

const NOW = Date.UTC(2026, 10, 23, 3, 47)

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-sqlite-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const addColumn: Upgrade = (database) => database.exec("ALTER TABLE ownership ADD COLUMN since TEXT DEFAULT ''")

describe('upgrade', () => {
  it('makes a new database without a backup', () => {
    using database = new DatabaseSync(join(folder, 'state.db'))
    expect(upgrade(database, () => join(folder, 'backup'))).toBeUndefined()
    expect(schemaVersion(database)).toBe(UPGRADES.length)
    expect(existsSync(join(folder, 'backup'))).toBe(false)
  })

  it('copies an older database before it changes it, with what is only in the log', () => {
    using database = new DatabaseSync(join(folder, 'state.db'))
    database.exec('PRAGMA journal_mode = WAL')
    upgrade(database, () => '')
    database.exec("INSERT INTO ownership VALUES ('GET /', 'clinic')")

    const backup = upgrade(database, (version) => join(folder, `v${version}`), [...UPGRADES, addColumn])
    expect(backup).toBe(join(folder, `v${UPGRADES.length}`))
    expect(schemaVersion(database)).toBe(UPGRADES.length + 1)
    expect(database.prepare('SELECT * FROM ownership').all()).toEqual([
      { operation: 'GET /', upstream: 'clinic', since: '' },
    ])
    using copy = new DatabaseSync(backup ?? '')
    expect(schemaVersion(copy)).toBe(UPGRADES.length)
    expect(copy.prepare('SELECT * FROM ownership').all()).toEqual([{ operation: 'GET /', upstream: 'clinic' }])
  })

  it('does nothing to a database that has the newest schema', () => {
    using database = new DatabaseSync(':memory:')
    upgrade(database, () => '')
    expect(upgrade(database, () => join(folder, 'never'))).toBeUndefined()
  })

  it('leaves the schema as it was when a step fails', () => {
    using database = new DatabaseSync(join(folder, 'state.db'))
    upgrade(database, () => '')
    const fails: Upgrade = () => {
      throw new Error('half way')
    }
    expect(() => upgrade(database, () => join(folder, 'copy'), [...UPGRADES, addColumn, fails])).toThrow('half way')
    expect(schemaVersion(database)).toBe(UPGRADES.length)
    expect(database.prepare('PRAGMA table_info(ownership)').all()).toHaveLength(2)
  })
})

describe('openStore on a database of a newer version', () => {
  it('leaves it alone, refuses changes and says which version to run', () => {
    const path = join(folder, 'state.db')
    const database = new DatabaseSync(path)
    upgrade(database, () => '')
    database.exec('PRAGMA user_version = 99')
    database.close()

    const warned: string[] = []
    const log = { ...silentLog, warn: (message: string, _fields?: LogFields) => void warned.push(message) }
    const { store, condition, notices } = openStore({ kind: 'sqlite', path, folder }, { clock: manualClock(NOW), log })
    expect(condition).toBe('unwritable')
    expect(notices[0]).toContain('schema version 99 is newer than')
    expect(notices[0]).toContain('Run the newer version again')
    expect(warned).toEqual(notices)
    expect(() => store.setOwnership(new Map([['GET /', 'clinic']]))).toThrow(/newer/)
    store.close()

    using again = new DatabaseSync(path)
    expect(schemaVersion(again)).toBe(99)
  })
})

describe('setAside', () => {
  it('moves the database with its log, under the time, and never over an earlier one', () => {
    const path = join(folder, 'state.db')
    for (const round of [1, 2]) {
      writeFileSync(path, `database ${round}`)
      writeFileSync(`${path}-wal`, `log ${round}`)
      setAside(path, NOW)
    }
    expect(readdirSync(folder).sort()).toEqual([
      'state.db.corrupt-2026-11-23T03-47-00.000Z',
      'state.db.corrupt-2026-11-23T03-47-00.000Z-2',
      'state.db.corrupt-2026-11-23T03-47-00.000Z-2-wal',
      'state.db.corrupt-2026-11-23T03-47-00.000Z-wal',
    ])
  })
})
