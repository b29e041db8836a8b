import { readdirSync, readFileSync } from 'node:fs'

/** One process as /proc/PID/stat tells it. */
export type ProcessStat = {
  readonly pid: number
  readonly parent: number
  /** User and system time of all its threads, ended ones included, in microseconds. */
  readonly cpuMicros: number
  /** The same of children that ended and were waited for. */
  readonly childrenMicros: number
  /** In ticks since boot: with the pid, who it is, even after the number has been given to another. */
  readonly startedAt: number
  /** It has ended, and only its parent has not asked about it yet. */
  readonly ended: boolean
}

/** Reads one line of /proc/PID/stat; undefined where it is none. */
export function parseStat(line: string): ProcessStat | undefined {
  // The name stands in parentheses and may hold spaces and parentheses itself.
  const name = line.lastIndexOf(')')
  const fields = line.slice(name + 2).split(' ')
  const field = (number: number) => Number(fields[number - 3])
  const pid = Number.parseInt(line, 10)
  const stat = {
    pid,
    parent: field(4),
    cpuMicros: (field(14) + field(15)) * MICROS_PER_TICK,
    childrenMicros: (field(16) + field(17)) * MICROS_PER_TICK,
    startedAt: field(22),
  }
  if (name < 0 || !Object.values(stat).every(Number.isFinite)) return undefined
  return { ...stat, ended: fields[0] === 'Z' || fields[0] === 'X' }
}

/** One process as it is now; undefined where there is none. */
export function statOf(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return undefined
  }
}

/** The process and everything below it, as they are now. Empty where it has ended. */
export function treeOf(root: number): readonly ProcessStat[] {
  const all = allProcesses()
  const byParent = Map.groupBy(all, ({ parent }) => parent)
  const tree = all.filter(({ pid }) => pid === root)
  // The list grows while it is walked, until the last one has no children.
  for (const { pid } of tree) tree.push(...(byParent.get(pid) ?? []))
  return tree
}

/** CPU of each process of a tree. */
export type CpuReading = ReadonlyMap<number, number>

export function readCpu(root: number): CpuReading {
  return new Map(treeOf(root).map(({ pid, cpuMicros }) => [pid, cpuMicros]))
}

/**
 * Microseconds of CPU that the processes used between two readings; with `only`, that those of them used. A process
 * that came or went in between makes the figure worthless, so that is an error.
 */
export function cpuBetween(before: CpuReading, after: CpuReading, only?: readonly number[]): number {
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter((pid) => !before.has(pid) || !after.has(pid))
  if (before.size === 0 || changed.length > 0) {
    throw new Error(`processes came or went while they were measured: ${changed.join(', ') || 'none is left'}`)
  }
  return [...after]
    .filter(([pid]) => only === undefined || only.includes(pid))
    .reduce((sum, [pid, micros]) => sum + micros - (before.get(pid) ?? 0), 0)
}

function allProcesses(): ProcessStat[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  // One may have ended since the folder was listed.
  return pids.map((pid) => statOf(Number(pid))).filter((stat) => stat !== undefined)
}

// USER_HZ is 100 on every architecture that Linux and Node share; the kernel counts finer and rounds down to it.
const MICROS_PER_TICK = 10_000
