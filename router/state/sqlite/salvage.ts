import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// A database is these three: the log holds changes that the file does not have yet.
const SUFFIXES = ['', '-wal', '-shm']

/** Renames a damaged database to `PATH.corrupt-TIME`, log included, and returns that path. */
export function setAside(path: string, now: number): string {
  const aside = unused(`${path}.corrupt-${timeStamp(now)}`)
  for (const suffix of SUFFIXES) {
    if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix)
  }
  return aside
}

/** A copy that can be opened where the original's folder cannot be written; `remove` deletes it. */
export type ReadingCopy = { readonly path: string; remove(): void }

/**
 * Copies a database to a temporary folder, since SQLite cannot open one with a log in a folder it cannot write
 * to. Memory is tried after the disk, which may be full. Undefined: there is nothing, or no place for it.
 */
export function copyForReading(path: string): ReadingCopy | undefined {
  if (!isFile(path)) return undefined
  for (const place of [tmpdir(), '/dev/shm']) {
    try {
      return copyTo(mkdtempSync(join(place, 'banyan-state-')), path)
    } catch {
      // The next place may have room.
    }
  }
  return undefined
}

/** `2026-11-23T03-47-00.000Z`: a time that may stand in a file name. */
export function timeStamp(now: number): string {
  return new Date(now).toISOString().replaceAll(':', '-')
}

function unused(path: string): string {
  if (!existsSync(path)) return path
  for (let count = 2; ; count++) {
    if (!existsSync(`${path}-${count}`)) return `${path}-${count}`
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function copyTo(folder: string, path: string): ReadingCopy {
  const copy = join(folder, 'state.db')
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    // Without the shared-memory file: it is an index that SQLite rebuilds.
    for (const suffix of ['', '-wal']) {
      if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix)
    }
  } catch (error) {
    remove()
    throw error
  }
  return { path: copy, remove }
}
