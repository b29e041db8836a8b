import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../router/kernel/clock.ts'
import { silentLog } from '../../router/kernel/log.ts'
import type { StateSpec } from '../../router/model/spec.ts'
import type { OpenedStore, Store } from '../../router/model/store.ts'
import { openStore, STORES } from '../../router/state/index.ts'
import { entryOf, recordOf } from './fixtures/records.ts'

// How a test gets an empty store of each kind; a new kind does not compile until it is here.
const SPECS: Readonly<Record<StateSpec['kind'], (folder: string) => StateSpec>> = {
  sqlite: (folder) => ({ kind: 'sqlite', folder, path: join(folder, 'state.db') }),
}

let folder = ''
let open: Store[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-store-'))
})

afterEach(() => {
  for (const store of open) store.close()
  open = []
  chmodSync(folder, 0o700)
  rmSync(folder, { recursive: true, force: true })
})

function opened(spec: StateSpec): OpenedStore {
  const result = openStore(spec, { clock: systemClock, log: silentLog })
  open.push(result.store)
  return result
}

function reopened(spec: StateSpec): Store {
  for (const store of open) store.close()
  open = []
  return opened(spec).store
}

describe.each(STORES.map(({ kind }) => ({ kind })))('store $kind', ({ kind }) => {
  const spec = () => SPECS[kind](folder)

  it('is empty and sound at first, in a folder that it makes', () => {
    const { store, condition, notices } = opened(SPECS[kind](join(folder, 'new', 'state')))
    expect({ condition, notices }).toEqual({ condition: 'sound', notices: [] })
    expect([...store.ownership()]).toEqual([])
    expect(store.shifts()).toEqual([])
    expect(store.ledger()).toEqual([])
  })

  it('remembers ownership, its changes and what was given up', () => {
    const { store } = opened(spec())
    store.setOwnership(
      new Map([
        ['GET /vets.html', 'clinic'],
        ['GET /owners/{}', 'clinic'],
        ['GET /counter', 'counter'],
      ]),
    )
    store.setOwnership(
      new Map([
        ['GET /owners/{}', 'owners'],
        ['GET /counter', undefined],
      ]),
    )
    expect([...reopened(spec()).ownership()]).toEqual([
      ['GET /owners/{}', 'owners'],
      ['GET /vets.html', 'clinic'],
    ])
  })

  it('changes a record and appends the entry as one, with sequence numbers from 1', () => {
    const { store } = opened(spec())
    const first = recordOf('GET /vets.html')
    const second = recordOf('GET /vets.html', { version: 2, weight: 0.25 })
    expect(store.change(0, entryOf(null, first))).toEqual({
      kind: 'changed',
      entry: { ...entryOf(null, first), seq: 1 },
    })
    expect(store.change(1, entryOf(first, second))).toMatchObject({ entry: { seq: 2 } })
    const again = reopened(spec())
    expect(again.shifts()).toEqual([second])
    expect(again.ledger()).toEqual([
      { ...entryOf(null, first), seq: 1 },
      { ...entryOf(first, second), seq: 2 },
    ])
  })

  it('refuses a change by who saw an older version, and shows the current record', () => {
    const { store } = opened(spec())
    const first = recordOf('GET /vets.html')
    store.change(0, entryOf(null, first))
    const conflict = { kind: 'conflict', current: first }
    expect(store.change(0, entryOf(null, first))).toEqual(conflict)
    expect(store.change(2, entryOf(first, recordOf('GET /vets.html', { version: 3 })))).toEqual(conflict)
    expect(store.change(7, entryOf(null, recordOf('GET /new', { version: 8 })))).toEqual({
      kind: 'conflict',
      current: undefined,
    })
    expect(store.ledger()).toHaveLength(1)
  })

  it('does not take a record whose version does not rise or whose shift is another', () => {
    const { store } = opened(spec())
    const record = recordOf('GET /vets.html')
    expect(() => store.change(1, entryOf(record, record))).toThrow(/does not follow version 1/)
    expect(() => store.change(0, { ...entryOf(null, record), shift: 'other' })).toThrow(/shift "other"/)
    expect(store.ledger()).toEqual([])
  })

  it('removes a record and can create it again; the ledger keeps everything', () => {
    const { store } = opened(spec())
    const record = recordOf('GET /vets.html')
    store.change(0, entryOf(null, record))
    store.change(1, entryOf(record, null))
    expect(store.shifts()).toEqual([])
    store.change(0, entryOf(null, record))
    expect(store.shifts()).toEqual([record])
    expect(store.ledger().map(({ seq, action }) => [seq, action])).toEqual([
      [1, 'create'],
      [2, 'remove'],
      [3, 'create'],
    ])
  })

  it('gives the ledger of one shift, numbered over all', () => {
    const { store } = opened(spec())
    for (const id of ['a', 'b', 'a2', 'b2']) store.change(0, entryOf(null, recordOf(id)))
    store.change(1, entryOf(recordOf('b'), recordOf('b', { version: 2 })))
    expect(store.ledger('b').map(({ seq }) => seq)).toEqual([2, 5])
    expect(store.ledger('none')).toEqual([])
  })

  it('keeps ids and names of every kind', () => {
    const { store } = opened(spec())
    const ids = ['__proto__', 'GET /ä/{}', "'; DROP TABLE ledger; --", '']
    for (const id of ids) store.change(0, entryOf(null, recordOf(id)))
    store.setOwnership(new Map(ids.map((id) => [id, id])))
    const again = reopened(spec())
    expect(new Set(again.shifts().map(({ id }) => id))).toEqual(new Set(ids))
    expect(again.ownership().get('__proto__')).toBe('__proto__')
  })

  it('has no gap and a record equal to the last entry after kill -9 of its writer, again and again', async () => {
    for (const writes of [50, 3, 120]) {
      const known = opened(spec()).store.ledger().length
      reopened(spec()).close()
      open = []
      const acknowledged = await killedWriter(spec(), known + writes)
      const { store, condition } = opened(spec())
      const ledger = store.ledger()
      expect(condition).toBe('sound')
      expect(ledger.map(({ seq }) => seq)).toEqual(ledger.map((_, index) => index + 1))
      // What was acknowledged is there; one more may have been on its way.
      expect([0, 1]).toContain(ledger.length - acknowledged)
      expect(acknowledged).toBeGreaterThanOrEqual(known + writes)
      expect(store.shifts()).toEqual([ledger.at(-1)?.after])
    }
  })

  it('refuses what a full disk cannot keep, keeps the rest, and takes changes again afterwards', async () => {
    const lines = await runWriter(spec(), ['sh', '-c', `trap '' XFSZ; ulimit -f 400; exec "$0" "$@"`], 4_000)
    const refused = JSON.parse(lines.at(-1) ?? '{}')
    expect(refused).toMatchObject({ refused: 'state_unwritable', entries: lines.length - 2 })
    expect(refused.message).toContain('the change was not kept')
    const { store, condition } = opened(spec())
    expect(condition).toBe('sound')
    expect(store.ledger()).toHaveLength(refused.entries)
    const [record] = store.shifts()
    expect(record).toEqual(store.ledger().at(-1)?.after)
    expect(store.change(record?.version ?? 0, entryOf(record ?? null, null)).kind).toBe('changed')
  })
})

describe('store sqlite on a folder that is damaged or read-only', () => {
  const spec = () => SPECS.sqlite(folder)

  it.each([
    { damage: 'something else', content: 'not a database at all, but some kilobytes of text '.repeat(100) },
    { damage: 'a page overwritten', content: undefined },
  ])('sets $damage aside with a message that says what to do, and starts empty', ({ content }) => {
    const { store } = opened(spec())
    for (let index = 0; index < 200; index++) store.change(0, entryOf(null, recordOf(`shift ${index}`)))
    store.close()
    open = []
    overwrite(spec().path, content)

    const { store: empty, condition, notices } = opened(spec())
    expect(condition).toBe('replaced')
    expect(notices[0]).toMatch(/state\.db is corrupt \(.+\): set aside as .*state\.db\.corrupt-\d{4}-.*To restore/)
    expect(empty.shifts()).toEqual([])
    expect(empty.change(0, entryOf(null, recordOf('a')))).toMatchObject({ entry: { seq: 1 } })
    expect(readdirSync(folder).filter((name) => /^state\.db\.corrupt-[^w]*Z$/.test(name))).toHaveLength(1)
    expect(reopened(spec()).shifts()).toHaveLength(1)
  })

  it('reads the last records of a folder it may not write to, and refuses changes', async () => {
    const { store } = opened(spec())
    store.change(0, entryOf(null, recordOf('GET /vets.html')))
    // Not closed first: the newest records are still in the log beside the file.
    for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o444)
    chmodSync(folder, 0o555)
    const lines = await runWriter(spec(), [], 1, 65534)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ condition: 'unwritable', shifts: 1 })
    expect(lines[0]).toMatch(
      /not writable .*Make .* a folder that can be written, with room on its disk, then start again/,
    )
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ refused: 'state_unwritable', entries: 1 })
  })

  it('serves empty and refuses changes where there is no folder and none can be made', () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    const { store, condition, notices } = opened(SPECS.sqlite(join(file, 'state')))
    expect(condition).toBe('unwritable')
    expect(notices[0]).toContain('nothing is remembered and no change is accepted')
    expect(() => store.setOwnership(new Map([['GET /', 'clinic']]))).toThrow(/not writable/)
    expect([...store.ownership()]).toEqual([])
  })
})

const WRITER = fileURLToPath(new URL('fixtures/store-writer.ts', import.meta.url))

/** Kills a writer as soon as it acknowledged `enough`; returns the last number it printed. */
async function killedWriter(spec: StateSpec, enough: number): Promise<number> {
  const child = spawn(process.execPath, [WRITER, JSON.stringify(spec)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  let last = 0
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{')) last = Number(line)
    if (last === enough) child.kill('SIGKILL')
  }
  await closed
  expect(existsSync(join(folder, 'state.db-wal'))).toBe(true)
  return last
}

/** Runs a writer to its end, `before` the command, as another user where this one may write anywhere. */
async function runWriter(spec: StateSpec, before: string[], limit: number, uid?: number): Promise<string[]> {
  const [program = '', ...args] = [...before, process.execPath, WRITER, JSON.stringify(spec), String(limit)]
  const user = uid !== undefined && process.getuid?.() === 0 ? { uid, gid: uid } : {}
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], ...user })
  const closed = once(child, 'close')
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) lines.push(line)
  expect((await closed)[0]).toBe(0)
  return lines
}

function overwrite(path: string, content: string | undefined): void {
  if (content !== undefined) {
    writeFileSync(path, content)
    return
  }
  // The header stays: SQLite opens the file, and only the check finds the damage.
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(6 * 4096, 0xa5), 0, 6 * 4096, 4096)
  closeSync(file)
}
