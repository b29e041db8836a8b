import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** What the lock needs to know of the machine's processes, so that tests give another. */
export type Processes = {
  /** When the process started, in words that no later process with the same pid has; undefined: it does not run. */
  started(pid: number): string | undefined
  /** Ends it without asking. */
  kill(pid: number): void
}

/** The real ones. */
export const systemProcesses: Processes = {
  started: process.platform === 'linux' ? startedOnLinux : startedByPs,
  kill(pid) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has just ended by itself.
    }
  },
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
