import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Clock } from '../kernel/clock.ts'

/** A process that this or an earlier run started. `startTime` tells it from another with the same number. */
export type OwnProcess = { readonly pid: number; readonly startTime: string }

/**
 * When a process started, in the system's own words; undefined where there is none (a dead one that nobody has
 * waited for counts as none).
 */
export function startTimeOf(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
    }
    // The second field is the program's name in brackets and may contain anything, so fields count from its end.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

/**
 * Ends processes that an earlier run left behind: asks them to finish what they serve, and kills what is still
 * there after `graceMs`. Leaves alone whatever has another start time. Resolves with the pids it ended.
 */
export async function endOrphans(orphans: readonly OwnProcess[], graceMs: number, clock: Clock): Promise<number[]> {
  const found = orphans.filter(isAlive)
  for (const { pid } of found) signal(pid, 'SIGTERM')
  const deadline = clock.elapsed() + graceMs
  while (found.some(isAlive) && clock.elapsed() < deadline) await pause(clock)
  for (const orphan of found) if (isAlive(orphan)) signal(orphan.pid, 'SIGKILL')
  while (found.some(isAlive) && clock.elapsed() < deadline + KILL_MS) await pause(clock)
  return found.map(({ pid }) => pid)
}

const KILL_MS = 2_000
const LOOK_MS = 20

function isAlive({ pid, startTime }: OwnProcess): boolean {
  return startTimeOf(pid) === startTime
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended in between.
  }
}

function pause(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.after(LOOK_MS, resolve))
}
