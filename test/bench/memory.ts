import { readdirSync, readFileSync } from 'node:fs'
import { median } from './arithmetic.ts'

/** The resident memory of a process, in MiB; throws where it has ended. */
export function residentMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  if (kib === undefined) throw new Error(`the process ${pid} has ended`)
  return Number(kib) / 1024
}

/** How many files and connections a process has open. */
export function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** The median of each quarter of the readings, in order; a rest of up to three readings at the end is left out. */
export function quarters(readings: readonly number[]): readonly [number, number, number, number] {
  const length = Math.floor(readings.length / 4)
  const quarter = (index: number) => median(readings.slice(index * length, (index + 1) * length))
  return [quarter(0), quarter(1), quarter(2), quarter(3)]
}
