import { readFileSync } from 'node:fs'
import { treeOf } from './processes.ts'

/** How the machine's time was spent until now, in microseconds over all cores. */
export type MachineTime = { readonly idle: number; readonly busy: number; readonly ours: number }

/** Reads it; `root` and everything below it, ended ones included, is ours. */
export function readMachine(root: number): MachineTime {
  const ours = treeOf(root).reduce((sum, { cpuMicros, childrenMicros }) => sum + cpuMicros + childrenMicros, 0)
  return { ...parseMachine(readFileSync('/proc/stat', 'latin1')), ours }
}

/** Reads the first line of /proc/stat. What the hypervisor gave to other machines counts as busy. */
export function parseMachine(text: string): { readonly idle: number; readonly busy: number } {
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, interrupts = 0, soft = 0, stolen = 0] =
    /^cpu +([\d ]+)/
      .exec(text)?.[1]
      ?.split(' ')
      .map((ticks) => Number(ticks) * MICROS_PER_TICK) ?? []
  return { idle: idle + wait, busy: user + nice + system + interrupts + soft + stolen }
}

/**
 * The share of the machine, 0 to 1, that others took between two readings. The kernel samples the one figure and
 * adds up the other, so a few per cent either way mean nothing.
 */
export function shareOfOthers(before: MachineTime, after: MachineTime): number {
  const busy = after.busy - before.busy
  const whole = busy + after.idle - before.idle
  return whole > 0 ? Math.max(0, busy - (after.ours - before.ours)) / whole : 0
}

const MICROS_PER_TICK = 10_000
