import { describe, expect, it } from 'vitest'
import { createTurns, type Turns } from '../../../router/dataplane/turns.ts'
import { manualClock } from '../../../router/kernel/clock.ts'
import type { Row, Tally } from '../../../router/kernel/tally.ts'

/** Processes on one queue, in the unkindest order: of those that may, the one with the lowest number takes all. */
function estate(count: number) {
  const clock = manualClock()
  const rows = Array.from({ length: count }, () => new Float64Array(3))
  const waiting: number[] = []
  const waits: number[] = []
  let soon: (() => void)[] = []
  let greediest = 0

  const tally: Tally = {
    fd: -1,
    read: () => rows,
    write: (place: number, row: Row) => rows[place]?.set(row),
    close() {},
  }
  const processes = Array.from({ length: count }, (_, place) => {
    const one = { open: false, hung: false, held: 0, turns: undefined as unknown as Turns }
    const wake = (): void => {
      for (const other of processes) if (other !== one && !other.hung) other.turns.look()
    }
    one.turns = createTurns({ tally, place, clock, soon: (run) => soon.push(run), wake })
    return one
  })
  const join = (place: number): void => {
    const one = processes[place]
    if (one === undefined) return
    one.open = true
    one.turns.join({
      open: () => {
        one.open = true
      },
      shut: () => {
        one.open = false
      },
    })
  }

  /** What the loops of all processes do until nothing is ready. */
  function settle(): void {
    for (;;) {
      const inTurn = processes.map((_, index) => processes[(index + greediest) % count])
      const taker = inTurn.find((one) => one?.open && !one.hung)
      const since = taker && waiting.shift()
      if (taker === undefined || since === undefined) break
      waits.push(clock.elapsed() - since)
      taker.held += 1
      taker.turns.accepted()
    }
    for (const run of soon.splice(0)) run()
    soon = []
  }
  function pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += 1) {
      clock.advance(1)
      settle()
    }
  }
  return {
    processes,
    waits,
    join,
    pass,
    arrive(connections: number) {
      for (let index = 0; index < connections; index += 1) waiting.push(clock.elapsed())
      settle()
    },
    prefer(place: number) {
      greediest = place
    },
    held: () => processes.map(({ held }) => held),
    waiting: () => waiting.length,
    forget() {
      waits.length = 0
      for (const one of processes) one.held = 0
    },
    die(place: number) {
      const one = processes[place]
      if (one === undefined) return
      one.open = false
      one.hung = true
      tally.write(place, [0, 0, 0])
      for (const other of processes) if (other !== one) other.turns.look()
    },
  }
}

/** With all its processes there. */
function wholeEstate(count: number) {
  const made = estate(count)
  for (const place of made.processes.keys()) made.join(place)
  return made
}

const spread = (held: readonly number[]): number => Math.max(...held) - Math.min(...held)

describe('processes that take turns', () => {
  it.each([
    { processes: 2, burst: 64 },
    { processes: 2, burst: 16 },
    { processes: 4, burst: 64 },
  ])('share $burst connections at once evenly among $processes, round after round', ({ processes, burst }) => {
    const { arrive, pass, held, forget, prefer } = wholeEstate(processes)
    for (let round = 0; round < 20; round += 1) {
      prefer(round % processes)
      arrive(burst)
      pass(100)
      expect(held().reduce((sum, one) => sum + one)).toBe(burst)
      expect(spread(held())).toBeLessThanOrEqual(4)
      forget()
    }
  })

  it.each([0, 1, 30, 700])('share connections that come one by one, %d ms apart', (gap) => {
    const { arrive, pass, held } = wholeEstate(2)
    for (let turn = 0; turn < 40; turn += 1) {
      arrive(1)
      pass(gap)
    }
    pass(200)
    expect(held().reduce((sum, one) => sum + one)).toBe(40)
    expect(spread(held())).toBeLessThanOrEqual(2)
  })

  it('let no connection of a burst wait for long, even after a long rest', () => {
    const { arrive, pass, waits } = wholeEstate(2)
    arrive(2)
    pass(1_000)
    arrive(64)
    pass(100)
    expect(waits).toHaveLength(66)
    expect(Math.max(...waits)).toBeLessThanOrEqual(25)
  })

  it('take more at a time when very many come', () => {
    const { arrive, pass, held, waits } = wholeEstate(2)
    for (let ms = 0; ms < 1_000; ms += 1) {
      arrive(8)
      pass(1)
    }
    expect(held().reduce((sum, one) => sum + one)).toBeGreaterThan(7_900)
    expect(spread(held())).toBeLessThan(200)
    expect(Math.max(...waits)).toBeLessThanOrEqual(60)
  })

  it('leave out of account the one that hangs, until it takes one again; it need not make up for them', () => {
    const { processes, arrive, pass, held, waits, waiting, forget } = wholeEstate(2)
    const [, hangs] = processes
    if (hangs === undefined) throw new Error('there are two')
    hangs.hung = true
    arrive(40)
    pass(200)
    expect(held()).toEqual([40, 0])
    expect(Math.max(...waits)).toBeLessThanOrEqual(130)
    forget()
    arrive(40)
    expect(waiting()).toBe(0)
    hangs.hung = false
    forget()
    for (let turn = 0; turn < 20; turn += 1) {
      if (turn === 0) processes.reverse()
      arrive(1)
      if (turn === 0) processes.reverse()
      pass(10)
    }
    expect(spread(held())).toBeLessThanOrEqual(4)
  })

  it('give one that comes later its part of what comes, not all of it', () => {
    const { join, arrive, pass, held, forget } = estate(2)
    join(0)
    arrive(200)
    expect(held()).toEqual([200, 0])
    forget()
    pass(300)
    join(1)
    arrive(64)
    pass(100)
    expect(spread(held())).toBeLessThanOrEqual(2)
  })

  it('wait for none that has left or died', () => {
    const { processes, arrive, held, die } = wholeEstate(3)
    processes[1]?.turns.leave()
    die(2)
    arrive(64)
    expect((held()[0] ?? 0) + (held()[1] ?? 0)).toBe(64)
  })

  it('open their gates when they leave', () => {
    const { processes, arrive, waiting } = wholeEstate(2)
    const [first, second] = processes
    if (first === undefined || second === undefined) throw new Error('there are two')
    second.hung = true
    arrive(10)
    expect(waiting()).toBe(8)
    expect(first.open).toBe(false)
    first.turns.leave()
    expect(first.open).toBe(true)
  })
})
