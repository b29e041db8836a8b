import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Clock } from './clock.ts'

/** A process by its number and start, in the words of `Processes.started`: another may get the same number later. */
export type ProcessIdentity = { readonly pid: number; readonly started: string }

/** What can be known and done about the machine's processes, so that tests give others. */
export type Processes = {
  /** When the process started, in words that no later process with the same pid has; undefined: it does not run. */
  started(pid: number): string | undefined
  /** SIGTERM asks it to end, SIGKILL ends it; one that has ended already is none to complain about. */
  signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void
}

/** The real ones. */
export const systemProcesses: Processes = {
  started: process.platform === 'linux' ? startedOnLinux : startedByPs,
  signal(pid, name) {
    try {
      process.kill(pid, name)
    } catch {
      // It has just ended by itself.
    }
  },
}

/** Whether it is this very process that runs under its number. */
export function isRunning({ pid, started }: ProcessIdentity, processes: Processes): boolean {
  return processes.started(pid) === started
}

/**
 * Ends processes that nobody waits for: asks them to finish what they serve, and kills what is still there after
 * `graceMs`. Leaves alone whatever has another start. Resolves with the pids it ended.
 */
export async function endProcesses(
  unwanted: readonly ProcessIdentity[],
  { processes, clock, graceMs }: { readonly processes: Processes; readonly clock: Clock; readonly graceMs: number },
): Promise<number[]> {
  const found = unwanted.filter((one) => isRunning(one, processes))
  const left = (): readonly ProcessIdentity[] => found.filter((one) => isRunning(one, processes))
  for (const { pid } of found) processes.signal(pid, 'SIGTERM')
  const deadline = clock.elapsed() + graceMs
  while (left().length > 0 && clock.elapsed() < deadline) await pause(clock)
  for (const { pid } of left()) processes.signal(pid, 'SIGKILL')
  while (left().length > 0 && clock.elapsed() < deadline + KILL_MS) await pause(clock)
  return found.map(({ pid }) => pid)
}

// A killed process is gone as soon as the system gets round to it.
const KILL_MS = 2_000
const LOOK_MS = 20

function pause(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.after(LOOK_MS, resolve)
  })
}

/** `BOOT-ID:TICKS`: start times count from boot, so the boot is part of it. */
function startedOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the command in brackets and may itself contain brackets and spaces.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie has ended; only its parent has not asked yet.
    if (state === 'Z' || state === 'X') return undefined
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}:${fields[START_FIELD]}`
  } catch {
    return undefined
  }
}

// `starttime` is field 22 of proc(5); pid, command and state have been taken off.
const START_FIELD = 22 - 4

function startedByPs(pid: number): string | undefined {
  try {
    const [state, ...started] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .split(/\s+/)
    return state === undefined || state === '' || state.startsWith('Z') ? undefined : started.join(' ')
  } catch {
    return undefined
  }
}
