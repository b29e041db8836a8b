import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../router/kernel/clock.ts'
import type { Log } from '../../../router/kernel/log.ts'
import type { Processes } from '../../../router/kernel/processes.ts'
import { acquireLock, type Lock, type LockResult } from '../../../router/publish/lock.ts'

/** Processes by pid and start; killing one ends it. */
function machine(running: Record<number, string>): Processes & { readonly killed: number[]; end(pid: number): void } {
  const alive = new Map(Object.entries(running).map(([pid, started]) => [Number(pid), started]))
  const killed: number[] = []
  return {
    killed,
    started: (pid) => alive.get(pid),
    end: (pid) => void alive.delete(pid),
    signal(pid) {
      killed.push(pid)
      alive.delete(pid)
    },
  }
}

let file: string
let said: string[]
let clock: ReturnType<typeof manualClock>
beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), 'banyan-lock-')), 'run.json')
  said = []
  clock = manualClock()
})
afterEach(() => rmSync(join(file, '..'), { recursive: true }))

function acquire(owner: number, processes: Processes): Promise<LockResult> {
  const say = (message: string): void => void said.push(message)
  const log: Log = { info: say, warn: say, error: say, child: () => log }
  return acquireLock({ file, owner, graceMs: 1_000, clock, log, processes })
}

async function acquired(owner: number, processes: Processes): Promise<Lock> {
  const result = await acquire(owner, processes)
  if (result.kind !== 'acquired') throw new Error(`the lock is ${result.kind}`)
  return result.lock
}

/** Lets what waits on the clock go on, a step at a time, until `promise` has settled. */
async function advancing<T>(promise: Promise<T>): Promise<T> {
  let settled = false
  void promise.finally(() => {
    settled = true
  })
  while (!settled) {
    clock.advance(10)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return promise
}

describe('the lock of a state folder', () => {
  it('is refused while its owner runs, naming it', async () => {
    const processes = machine({ 10: 'a', 20: 'b' })
    await acquired(10, processes)
    expect(await acquire(20, processes)).toEqual({
      kind: 'held',
      pid: 10,
      message: expect.stringMatching(/is in use by the router with pid 10; .* Stop that one, or give this one/),
    })
  })

  it('is taken over from an owner that has ended, or whose pid somebody else has now', async () => {
    await acquired(10, machine({ 10: 'a' }))
    await acquired(20, machine({ 20: 'b' }))
    await acquired(30, machine({ 20: 'reused', 30: 'c' }))
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ owner: { pid: 30, started: 'c' } })
  })

  it('stays with its supervisor when control is restarted, and knows what the one before had started', async () => {
    const processes = machine({ 10: 'a', 11: 'd', 12: 'w', 13: 'x' })
    const before = await acquired(10, processes)
    before.record(11, 'dataplane')
    before.record(12, 'workerd', 'functions/contact')
    before.record(13, 'workerd', 'functions/vets-feed')
    before.forget(13)
    processes.end(11)
    const after = await acquired(10, processes)
    expect(after.recorded()).toEqual([{ pid: 12, started: 'w', role: 'workerd', name: 'functions/contact' }])
    expect(processes.killed).toEqual([])
  })

  it('waits for what a dead router left, ends workerd at last, and says so', async () => {
    const processes = machine({ 10: 'a', 11: 'd', 12: 'w', 20: 'b' })
    const before = await acquired(10, processes)
    before.record(11, 'dataplane')
    before.record(12, 'workerd', 'functions/contact')
    processes.end(10)
    const taking = acquired(20, processes)
    await new Promise((resolve) => setImmediate(resolve))
    expect(processes.killed).toEqual([])
    clock.after(300, () => processes.end(11))
    const lock = await advancing(taking)
    expect(clock.elapsed()).toBeLessThan(500)
    expect(processes.killed).toEqual([12])
    expect(lock.recorded()).toEqual([])
    expect(said).toEqual([
      'the router with pid 10 died; waiting for its processes (11) to finish what is in flight',
      'ended workerd (functions/contact) process 12, left over from the router with pid 10 that died',
    ])
  })

  it('ends what is not finished after the grace period, and nobody who merely has its pid', async () => {
    const processes = machine({ 10: 'a', 11: 'd', 12: 'e' })
    const before = await acquired(10, processes)
    before.record(11, 'dataplane')
    before.record(12, 'dataplane')
    const later = machine({ 11: 'd', 12: 'somebody else', 20: 'b' })
    await advancing(acquired(20, later))
    expect(clock.elapsed()).toBeGreaterThanOrEqual(1_000)
    expect(later.killed).toEqual([11])
  })

  it('refuses a third router while the second waits', async () => {
    const processes = machine({ 10: 'a', 11: 'd', 20: 'b', 30: 'c' })
    const before = await acquired(10, processes)
    before.record(11, 'dataplane')
    processes.end(10)
    const second = acquired(20, processes)
    await new Promise((resolve) => setImmediate(resolve))
    expect(await acquire(30, processes)).toMatchObject({ kind: 'held', pid: 20 })
    await advancing(second)
  })

  it('goes to one of two that start at the same moment', async () => {
    await acquired(10, machine({ 10: 'a' }))
    const processes = machine({ 20: 'b', 30: 'c' })
    const results = await advancing(Promise.all([acquire(20, processes), acquire(30, processes)]))
    expect(results.map(({ kind }) => kind).sort()).toEqual(['acquired', 'held'])
  })

  it('that cannot be read holds nothing', async () => {
    writeFileSync(file, '{"owner": {"pid":')
    await acquired(10, machine({ 10: 'a' }))
  })

  it('that cannot be written is told, and works in memory', async () => {
    const processes = machine({ 10: 'a', 12: 'w' })
    writeFileSync(file, '')
    file = join(file, 'below-a-file', 'run.json')
    const result = await acquire(10, processes)
    file = join(file, '..', '..')
    expect(result).toMatchObject({
      kind: 'unwritable',
      failure: { message: expect.stringContaining('cannot be written') },
    })
    if (result.kind === 'held') throw new Error('it is held')
    result.lock.record(12, 'workerd')
    expect(result.lock.recorded()).toMatchObject([{ pid: 12 }])
  })

  it('is left alone by a control process that has outlived its router', async () => {
    const processes = machine({ 10: 'a', 12: 'w', 20: 'b' })
    const before = await acquired(10, processes)
    before.record(12, 'workerd')
    processes.end(10)
    await advancing(acquired(20, processes))
    const text = readFileSync(file, 'utf8')
    before.forget(12)
    before.release()
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it('is gone after release', async () => {
    const lock = await acquired(10, machine({ 10: 'a' }))
    lock.release()
    expect(() => readFileSync(file)).toThrow(/ENOENT/)
  })
})
