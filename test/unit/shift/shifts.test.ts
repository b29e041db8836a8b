import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../router/kernel/clock.ts'
import { stableHash } from '../../../router/kernel/hash.ts'
import { silentLog } from '../../../router/kernel/log.ts'
import type { Plan } from '../../../router/model/plan.ts'
import type { RouteSpec } from '../../../router/model/spec.ts'
import type { Store } from '../../../router/model/store.ts'
import type { Movement } from '../../../router/shift/movement.ts'
import { lostRecords } from '../../../router/shift/reconcile.ts'
import { createShifts, type Shifts } from '../../../router/shift/shifts.ts'
import { openStore } from '../../../router/state/index.ts'
import { planNamed } from '../../e2e/fixtures/plans.ts'

const vets: Movement = {
  id: 'GET /vets.html',
  match: { path: '/vets.html', methods: ['GET'] },
  incumbent: 'clinic',
  candidate: 'vets',
  inYaml: true,
  steps: [0.05, 0.25, 0.5],
}
const at = { file: 'banyan.yaml', line: 7, column: 5 }
const route: RouteSpec = {
  id: vets.id,
  at,
  match: vets.match,
  from: 'clinic',
  to: 'vets',
  shift: { strategy: 'canary', steps: vets.steps },
  capture: false,
  timeouts: {},
  positions: {},
}

const planWithShift: Plan = {
  ...planNamed('route:GET /vets.html'),
  rules: [
    {
      id: 'route:GET /vets.html',
      origin: 'route',
      match: vets.match,
      action: { kind: 'shift', shift: vets.id, incumbent: 'clinic', candidate: 'vets' },
      timeouts: {},
      because: 'the YAML says so',
    },
  ],
}

let folder: string
let store: Store
let shifts: Shifts
/** What the data plane was told and what the store held at that moment, in order. */
let published: { weight: number | undefined; recorded: number | undefined }[]
let salts: number

function open(options: Partial<Parameters<typeof createShifts>[0]> = {}): Shifts {
  const made = createShifts({
    store,
    clock: manualClock(1000),
    log: silentLog,
    salt: () => String(++salts).padStart(32, '0'),
    publish: async () => {
      published.push({
        weight: made.weights()[vets.id]?.weight,
        recorded: store.shifts().find((record) => record.id === vets.id)?.weight,
      })
    },
    ...options,
  })
  made.accept([route])
  return made
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-shifts-'))
  store = openStore(
    { kind: 'sqlite', path: join(folder, 'state.db'), folder },
    { clock: manualClock(), log: silentLog },
  ).store
  published = []
  salts = 0
  shifts = open()
})
afterEach(() => {
  store.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('a shift', () => {
  it('rises: written down before it is applied', async () => {
    await shifts.start(vets, 'ada')
    await shifts.promote(vets.id, undefined, 'ada')
    expect(published).toEqual([
      { weight: 0.05, recorded: 0.05 },
      { weight: 0.25, recorded: 0.25 },
    ])
  })

  it('falls: applied before it is written down', async () => {
    await shifts.start(vets, 'ada')
    published = []
    const outcome = await shifts.abort(vets.id, 'ada')
    expect(published).toEqual([{ weight: 0, recorded: 0.05 }])
    expect(outcome.kind).toBe('done')
    expect(store.shifts()[0]).toMatchObject({ weight: 0, stage: 'rolled-back', version: 2 })
  })

  it('is aborted before promotes that wait, and those are refused', async () => {
    await shifts.start(vets, 'ada')
    const waiting = [1, 2, 3].map(() => shifts.promote(vets.id, undefined, 'bob'))
    const abort = shifts.abort(vets.id, 'ada')
    const outcomes = await Promise.all([...waiting, abort])
    expect(outcomes.slice(1).map((outcome) => outcome.kind)).toEqual(['refused', 'refused', 'done'])
    expect(published.at(-1)?.weight).toBe(0)
    expect(shifts.weights()[vets.id]).toMatchObject({ weight: 0, active: false })
    expect(store.shifts()[0]).toMatchObject({ weight: 0, stage: 'rolled-back' })
  })

  it('does nothing when aborted while idle', async () => {
    expect((await shifts.abort(vets.id, 'ada')).kind).toBe('unchanged')
    expect(store.ledger()).toEqual([])
    expect(published).toEqual([])
  })

  it('sticks after an abort until it is retried, with the salt it had', async () => {
    await shifts.start(vets, 'ada')
    await shifts.abort(vets.id, 'ada')
    expect((await shifts.promote(vets.id, undefined, 'ada')).kind).toBe('refused')
    expect((await shifts.start(vets, 'ada')).kind).toBe('refused')
    await shifts.retry(vets.id, 'ada')
    expect(shifts.weights()[vets.id]).toEqual({ weight: 0.05, salt: '1'.padStart(32, '0'), active: true })
  })

  it('is undone move by move to exactly what was there before', async () => {
    const before = stableHash(shifts.weights())
    await shifts.start(vets, 'ada')
    const started = stableHash(shifts.weights())
    await shifts.promote(vets.id, undefined, 'ada')
    await shifts.promote(vets.id, undefined, 'ada')
    await shifts.undo('ada')
    await shifts.undo('ada')
    expect(stableHash(shifts.weights())).toBe(started)
    await shifts.undo('ada')
    expect(stableHash(shifts.weights())).toBe(before)
    expect(store.ledger().map((entry) => [entry.action, entry.undoes])).toEqual([
      ['start', undefined],
      ['promote', undefined],
      ['promote', undefined],
      ['undo', 3],
      ['undo', 2],
      ['undo', 1],
    ])
    expect((await shifts.undo('ada')).kind).toBe('refused')
  })

  it('is undone move by move where several undo at once', async () => {
    await shifts.start(vets, 'ada')
    await shifts.promote(vets.id, undefined, 'ada')
    await shifts.promote(vets.id, undefined, 'ada')
    await Promise.all([shifts.undo('ada'), shifts.undo('bob')])
    expect(store.ledger().map((entry) => entry.undoes)).toEqual([undefined, undefined, undefined, 3, 2])
    expect(store.shifts()[0]).toMatchObject({ weight: 0.05, version: 5 })
    // Never up again on the way, whichever was written down first.
    expect(published.slice(3).map(({ weight }) => weight)).toEqual([0.25, 0.05])
    expect(shifts.weights()[vets.id]?.weight).toBe(0.05)
  })

  it('is aborted a second time no sooner than every process obeys the first', async () => {
    const obeyed = Promise.withResolvers<void>()
    let slow = false
    shifts = open({ publish: () => (slow ? obeyed.promise : Promise.resolve()) })
    await shifts.start(vets, 'ada')
    slow = true
    const order: string[] = []
    const aborts = [shifts.abort(vets.id, 'ada'), shifts.abort(vets.id, 'bob')].map((abort) =>
      abort.then(({ kind }) => order.push(kind)),
    )
    await new Promise(setImmediate)
    order.push('obeyed')
    obeyed.resolve()
    await Promise.all(aborts)
    expect(order[0]).toBe('obeyed')
    expect(order.toSorted()).toEqual(['done', 'obeyed', 'unchanged'])
    expect(store.ledger()).toHaveLength(2)
  })

  it('is not published at 0 % on the way from one step down to another', async () => {
    await shifts.start(vets, 'ada')
    await shifts.promote(vets.id, undefined, 'ada')
    published = []
    await shifts.undo('ada')
    expect(published.map(({ weight }) => weight)).toEqual([0.05])
  })

  it('keeps its weight and salt over a restart', async () => {
    await shifts.start(vets, 'ada')
    const before = shifts.weights()
    expect(open().weights()).toEqual(before)
  })
})

describe('the YAML and a shift', () => {
  it('that now says to: the candidate alone ends it, on record', async () => {
    const finished: string[] = []
    shifts = open({ onFinished: (record, upstream) => finished.push(`${record.id} → ${upstream}`) })
    await shifts.start(vets, 'ada')
    await shifts.promote(vets.id, 1, 'ada')
    shifts.accept([{ ...route, from: undefined, shift: undefined }])
    expect(finished).toEqual(['GET /vets.html → vets'])
    expect([shifts.records(), shifts.weights()]).toEqual([[], {}])
    expect(store.ledger().at(-1)).toMatchObject({ action: 'remove', who: 'system' })
    expect((await shifts.undo('ada')).kind).toBe('refused')
  })

  it('that lost the route strands it: no traffic moves, and that is said', async () => {
    await shifts.start(vets, 'ada')
    shifts.accept([])
    const [diagnostic] = shifts.diagnostics()
    expect(diagnostic?.message).toContain('no route has that id any more')
    expect(shifts.weights()).toEqual({})
    expect((await shifts.promote(vets.id, undefined, 'ada')).kind).toBe('refused')
    shifts.accept([route])
    expect(shifts.diagnostics()).toEqual([])
    expect(shifts.weights()[vets.id]?.weight).toBe(0.05)
  })

  it('that names other upstreams strands it', async () => {
    await shifts.start(vets, 'ada')
    shifts.accept([{ ...route, to: 'owners' }])
    const [diagnostic] = shifts.diagnostics()
    expect(diagnostic?.message).toContain('the route now says from: clinic to: owners')
    expect(shifts.weights()).toEqual({})
  })
})

describe('a store that lost its shifts', () => {
  it('is made up for from the copy; moves up are blocked until each was aborted', async () => {
    await shifts.start(vets, 'ada')
    const before = shifts.weights()
    store.close()
    rmSync(join(folder, 'state.db'))
    store = openStore(
      { kind: 'sqlite', path: join(folder, 'state.db'), folder },
      { clock: manualClock(), log: silentLog },
    ).store
    const lost = lostRecords(store, planWithShift, before, [route], 2000)
    shifts = open({ lost })
    expect(shifts.weights()).toEqual(before)
    expect(shifts.notices()[0]).toContain('has lost the shifts "GET /vets.html"')
    expect((await shifts.promote(vets.id, undefined, 'ada')).kind).toBe('refused')
    expect((await shifts.abort(vets.id, 'ada')).kind).toBe('done')
    expect(shifts.notices()).toEqual([])
    expect((await shifts.retry(vets.id, 'ada')).kind).toBe('done')
    expect(shifts.weights()).toEqual(before)
  })
})

/** The store, as long as its disk has room. */
function storeOn(disk: { readonly full: boolean }): Store {
  return {
    ...store,
    change(expected, entry) {
      if (disk.full) throw new Error('the disk is full')
      return store.change(expected, entry)
    },
  }
}

describe('a store that cannot be written', () => {
  it('refuses moves up and lets moves down happen, saying that they are not recorded', async () => {
    await shifts.start(vets, 'ada')
    const full: Store = {
      ...store,
      change: () => {
        throw new Error('the disk is full')
      },
    }
    const stuck = open({ store: full })
    expect(await stuck.promote(vets.id, undefined, 'ada')).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('the disk is full'),
    })
    expect(await stuck.abort(vets.id, 'ada')).toMatchObject({
      kind: 'done',
      message: expect.stringContaining('not recorded: the disk is full'),
    })
    expect(stuck.weights()[vets.id]).toMatchObject({ weight: 0, active: false })
  })

  it('is told of a move down again until it keeps it; until then nothing moves up, and that is said', async () => {
    await shifts.start(vets, 'ada')
    const clock = manualClock(1000)
    const disk = { full: true }
    const told: string[][] = []
    const stuck = open({ store: storeOn(disk), clock, noticesChanged: () => void told.push([...stuck.notices()]) })
    await stuck.abort(vets.id, 'ada')
    expect(stuck.notices()).toEqual([
      expect.stringContaining(`shift "${vets.id}": abort is in force, but not recorded (the disk is full)`),
    ])
    expect(told).toEqual([stuck.notices()])
    expect(await stuck.retry(vets.id, 'ada')).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('not recorded'),
    })
    expect(stuck.weights()[vets.id]).toMatchObject({ weight: 0, active: false })

    disk.full = false
    clock.advance(10_000)
    await new Promise(setImmediate)
    expect(stuck.notices()).toEqual([])
    expect(store.shifts()[0]).toMatchObject({ stage: 'rolled-back', version: 2 })
    expect(store.ledger().at(-1)).toMatchObject({ action: 'abort', who: 'ada' })
    expect(await stuck.retry(vets.id, 'ada')).toMatchObject({ kind: 'done' })
    expect(store.shifts()[0]).toMatchObject({ stage: 'canary', weight: 0.05, version: 3 })
  })

  it('is told of a retry at once, where it keeps changes again', async () => {
    await shifts.start(vets, 'ada')
    const disk = { full: true }
    const stuck = open({ store: storeOn(disk) })
    await stuck.abort(vets.id, 'ada')
    disk.full = false
    expect(await stuck.retry(vets.id, 'ada')).toMatchObject({ kind: 'done' })
    expect(store.ledger().map(({ action }) => action)).toEqual(['start', 'abort', 'retry'])
  })
})

describe('an abort that the router did not live to write down', () => {
  it('stays in force at the next start, on record', async () => {
    await shifts.start(vets, 'ada')
    const { salt = '' } = shifts.find(vets.id) ?? {}
    const next = open({ lastKnown: { [vets.id]: { weight: 0, salt, active: false } } })
    expect(next.weights()[vets.id]).toEqual({ weight: 0, salt, active: false })
    expect(store.ledger().at(-1)).toMatchObject({ action: 'abort', who: 'system', after: { stage: 'rolled-back' } })
    expect(next.notices()).toEqual([])
  })

  it.each([
    { why: 'serves still', last: { weight: 0.05, active: true }, salt: undefined },
    { why: 'is of an earlier shift of that name', last: { weight: 0, active: false }, salt: 'another' },
  ])('is not made up where what was last known $why', async ({ last, salt }) => {
    await shifts.start(vets, 'ada')
    const own = shifts.find(vets.id)?.salt ?? ''
    const next = open({ lastKnown: { [vets.id]: { ...last, salt: salt ?? own } } })
    expect(next.weights()[vets.id]).toMatchObject({ weight: 0.05, active: true })
    expect(store.ledger()).toHaveLength(1)
  })
})
