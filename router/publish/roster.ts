import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { ProcessFigures } from '../model/link.ts'

/** Every data-plane process that runs, connected or not, and how far each is. */
export type Roster = {
  /** The pids the supervisor has running. */
  expect(pids: readonly number[]): void
  connected(pid: number, revision: number): void
  disconnected(pid: number): void
  acknowledged(pid: number, revision: number, draining: readonly string[]): void
  refused(pid: number, revision: number): void
  draining(pid: number, draining: readonly string[]): void
  figures(pid: number, figures: ProcessFigures): void
  /** Resolves when every process that runs now serves this revision, refused it, or is gone. */
  settled(revision: number): Promise<Settlement>
  /** Resolves true as soon as `condition` holds of the processes, false after `deadlineMs`. */
  until(condition: (processes: readonly Member[]) => boolean, deadlineMs: number): Promise<boolean>
  members(): readonly Member[]
}

export type Settlement = { readonly acknowledged: number; readonly replaced: number; readonly refused: number }

export type Member = {
  readonly pid: number
  expected: boolean
  connected: boolean
  /** It has been connected before: silence now is a fault, not a slow start. */
  known: boolean
  revision: number
  /** The last revision that it could not build; it is not asked for that one again. */
  refused: number
  draining: readonly string[]
  figures: ProcessFigures | undefined
}

type Waiting = { readonly revision: number; readonly pids: Set<number>; readonly counts: Counts; done(): void }
type Counts = { -readonly [Key in keyof Settlement]: number }

export function createRoster(options: {
  readonly clock: Clock
  readonly log: Log
  requestReplace(pid: number): void
}): Roster {
  const { clock, log } = options
  const members = new Map<number, Member>()
  const waiting = new Set<Waiting>()
  const watchers = new Set<() => void>()

  function member(pid: number): Member {
    const found = members.get(pid)
    if (found !== undefined) return found
    const fresh: Member = {
      pid,
      expected: false,
      connected: false,
      known: false,
      revision: 0,
      refused: 0,
      draining: [],
      figures: undefined,
    }
    members.set(pid, fresh)
    return fresh
  }

  function dropGone(): void {
    for (const one of members.values()) {
      if (one.expected || one.connected) continue
      members.delete(one.pid)
      settle(one.pid, Number.POSITIVE_INFINITY, undefined)
    }
    changed()
  }

  /** The process is through with every revision up to this one. */
  function settle(pid: number, revision: number, count: keyof Counts | undefined): void {
    for (const one of waiting) {
      if (one.revision > revision || !one.pids.delete(pid)) continue
      if (count !== undefined) one.counts[count] += 1
      if (one.pids.size === 0) one.done()
    }
  }

  function changed(): void {
    for (const check of watchers) check()
  }

  function settled(revision: number): Promise<Settlement> {
    const all = [...members.values()]
    const serving = all.filter((one) => one.revision >= revision)
    const refused = all.filter((one) => one.revision < revision && one.refused >= revision)
    const pids = new Set(all.filter((one) => Math.max(one.revision, one.refused) < revision).map(({ pid }) => pid))
    const counts: Counts = { acknowledged: serving.length, replaced: 0, refused: refused.length }
    if (pids.size === 0) return Promise.resolve(counts)
    return new Promise((resolve) => {
      const one: Waiting = { revision, pids, counts, done: () => finish() }
      const replaceSilent = (which: (pid: number) => boolean): void => {
        for (const pid of [...pids].filter(which)) {
          log.warn(`data-plane process ${pid} did not acknowledge revision ${revision} in time; replacing it`)
          counts.replaced += 1
          options.requestReplace(pid)
        }
      }
      const timers = [
        clock.after(SILENT_MS, () => replaceSilent((pid) => members.get(pid)?.known === true)),
        clock.after(STARTING_MS, () => replaceSilent((pid) => members.get(pid)?.known === false)),
        // Nothing survives being replaced; should its end go unreported, whoever waits must still go on.
        clock.after(STARTING_MS + SILENT_MS, () => finish()),
      ]
      const finish = (): void => {
        waiting.delete(one)
        for (const cancel of timers) cancel()
        resolve(counts)
      }
      waiting.add(one)
    })
  }

  function until(condition: (processes: readonly Member[]) => boolean, deadlineMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (held: boolean): void => {
        watchers.delete(check)
        cancel()
        resolve(held)
      }
      const check = (): void => {
        if (condition([...members.values()])) finish(true)
      }
      const cancel = clock.after(deadlineMs, () => finish(false))
      watchers.add(check)
      check()
    })
  }

  return {
    expect(pids) {
      for (const one of members.values()) one.expected = false
      for (const pid of pids) member(pid).expected = true
      dropGone()
    },
    connected(pid, revision) {
      const one = member(pid)
      one.connected = true
      one.known = true
      one.revision = revision
      one.refused = 0
      changed()
    },
    disconnected(pid) {
      member(pid).connected = false
      dropGone()
    },
    acknowledged(pid, revision, draining) {
      const one = member(pid)
      one.revision = revision
      one.draining = draining
      settle(pid, revision, 'acknowledged')
      changed()
    },
    refused(pid, revision) {
      member(pid).refused = revision
      settle(pid, revision, 'refused')
    },
    draining(pid, draining) {
      member(pid).draining = draining
      changed()
    },
    figures(pid, figures) {
      member(pid).figures = figures
    },
    settled,
    until,
    members: () => [...members.values()],
  }
}

const SILENT_MS = 2_000
// A cold start on a busy machine takes seconds, and a process that has no plan yet serves nobody.
const STARTING_MS = 10_000
