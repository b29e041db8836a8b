import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A row of three numbers for each of a few processes, which all of them read and each writes its own: memory that
 * processes share as a file without a name, whose descriptor children inherit. A call costs a microsecond or two.
 */
export type Tally = {
  readonly fd: number
  /** The rows, one for each place; overwritten by the next call. */
  read(): readonly Float64Array[]
  write(place: number, row: Row): void
  close(): void
}

export type Row = readonly [number, number, number]

/** Makes one, all zero, in the first of these folders that can be written to. Undefined: none can. */
export function createTally(places: number, folders: readonly string[]): Tally | undefined {
  for (const parent of folders) {
    try {
      return tallyOf(openNameless(parent, new Float64Array(places * ROW)), places)
    } catch {
      // The next folder may do.
    }
  }
  return undefined
}

/** The one with this descriptor. */
export function tallyOf(fd: number, places: number): Tally {
  const all = new Float64Array(places * ROW)
  const rows = Array.from({ length: places }, (_, place) => all.subarray(place * ROW, (place + 1) * ROW))
  const own = new Float64Array(ROW)
  return {
    fd,
    read() {
      attempt(() => readSync(fd, all, 0, all.byteLength, 0))
      return rows
    },
    write(place, row) {
      own.set(row)
      attempt(() => writeSync(fd, own, 0, own.byteLength, place * own.byteLength))
    },
    close: () => closeSync(fd),
  }
}

const ROW = 3

/** On a disk that is full or fails, the numbers stay as they were: nothing that they are for is worth an exception. */
function attempt(call: () => number): void {
  try {
    call()
  } catch {
    // Said above.
  }
}

/** A new file with this in it, which no folder lists. */
function openNameless(parent: string, content: Float64Array): number {
  const folder = mkdtempSync(join(parent, 'banyan-'))
  try {
    const path = join(folder, 'tally')
    writeFileSync(path, content, { mode: 0o600 })
    return openSync(path, 'r+')
  } finally {
    rmSync(folder, { recursive: true })
  }
}
