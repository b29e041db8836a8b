import { chmodSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type StatePaths, statePaths } from '../kernel/state-paths.ts'

/**
 * The state folder could not be written: not allowed, read-only, full. The router serves on without it; what it
 * would have remembered is lost at the next restart, and the message says so.
 */
export class FolderFailure extends Error {
  /** The system's name for it, e.g. `ENOSPC`. */
  readonly reason: string

  constructor(path: string, cause: unknown) {
    const reason = codeOf(cause)
    super(
      `state folder: ${basename(path)} cannot be written in ${dirname(path)} (${WORDS[reason] ?? reason}); traffic is ` +
        `served on, but a restart would not know what changed. ${REMEDIES[reason] ?? 'Make the folder writable.'}`,
      { cause },
    )
    this.name = 'FolderFailure'
    this.reason = reason
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EEXIST: 'a part of that path is a file',
  ENOTDIR: 'a part of that path is a file',
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: 'Free some space.',
  EDQUOT: 'Free some space.',
  EEXIST: 'Name another folder with the key state.',
  ENOTDIR: 'Name another folder with the key state.',
}

/** The folder that outlives the router. Whoever opened it may write until the process ends; there is nothing to close. */
export type StateFolder = {
  readonly paths: StatePaths
  /** 32 bytes or more; the same after every restart, unless the folder could not keep them. */
  readonly signingKey: Buffer
  /** What went wrong when it was opened, one sentence each. */
  readonly notices: readonly string[]
  /**
   * Replaces a file so that a reader, or a crash, sees the old or the new one, whole. Rejects with FolderFailure.
   * Writes to one path must not overlap.
   */
  write(path: string, text: string): Promise<void>
  /** Moves a file that cannot be read out of the way; returns its new name, or undefined where that failed too. */
  setAside(path: string): string | undefined
}

export type StateFolderOptions = {
  /** Absolute. */
  readonly path: string
  /** Wall time in ms, for the names of what is set aside. */
  now(): number
  randomBytes(count: number): Buffer
  /** Signs where the folder cannot keep a key; the supervisor gives all its processes the same (BANYAN_RUN_KEY). */
  readonly runKey: Buffer | undefined
}

/** Makes the folder and the signing key where they are missing. Never throws: what failed is in `notices`. */
export function openStateFolder(options: StateFolderOptions): StateFolder {
  const { path, now } = options
  const paths = statePaths(path)
  const notices: string[] = []
  try {
    makeFolder(path)
  } catch (error) {
    notices.push(new FolderFailure(path, error).message)
  }
  const setAside = (file: string): string | undefined => setFileAside(file, now())
  return { paths, signingKey: openSigningKey(), notices, write, setAside }

  function openSigningKey(): Buffer {
    const found = readKey(paths.signingKey)
    if (found !== undefined && found.length >= KEY_BYTES) return found
    if (found !== undefined) {
      const aside = setAside(paths.signingKey) ?? 'still in its place'
      notices.push(
        `signing.key had ${found.length} bytes of at least ${KEY_BYTES}; a new one was made, and clients within a ` +
          `shift get new cookies. The old one is ${aside}.`,
      )
    }
    try {
      return makeKey(paths.signingKey, options.randomBytes(KEY_BYTES))
    } catch (error) {
      notices.push(new FolderFailure(paths.signingKey, error).message)
      return options.runKey ?? options.randomBytes(KEY_BYTES)
    }
  }
}

/** Only a folder that we make gets our permissions: an existing one may be somebody's home. */
function makeFolder(path: string): void {
  const made = mkdirSync(path, { recursive: true, mode: 0o700 })
  if (made !== undefined) chmodSync(path, 0o700)
}

function setFileAside(file: string, now: number): string | undefined {
  const aside = `${file}.corrupt-${new Date(now).toISOString().replace(/[:.]/g, '-')}`
  try {
    renameSync(file, aside)
    return aside
  } catch {
    return undefined
  }
}

const KEY_BYTES = 32

function readKey(file: string): Buffer | undefined {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}

/** Written beside and linked into place: never seen half written, and of two makers one wins and both read its key. */
function makeKey(file: string, key: Buffer): Buffer {
  const beside = join(dirname(file), `signing.key.${process.pid}`)
  try {
    writeFileSync(beside, key, { mode: 0o600, flush: true })
    linkSync(beside, file)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    rmSync(beside, { force: true })
  }
  return readFileSync(file)
}

async function write(path: string, text: string): Promise<void> {
  const beside = `${path}.${process.pid}.new`
  try {
    const file = await open(beside, 'w', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {})
    throw new FolderFailure(path, error)
  }
}

/** Without it, a power cut could bring the old file back. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
