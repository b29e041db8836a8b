import { existsSync } from 'node:fs'
import { dirname, sep } from 'node:path'
import type { Clock } from '../kernel/clock.ts'
import type { Environment } from '../kernel/environment.ts'
import type { Log } from '../kernel/log.ts'
import { type Bundled, bundleFunction, type FunctionFolder } from './bundle.ts'
import { fingerprint, listFunctions, walk } from './files.ts'
import { type FolderWatch, watchFolders } from './watch.ts'

export type FolderSyncOptions = {
  /** Absolute path of the functions folder. */
  readonly folder: string
  readonly env: Environment
  readonly clock: Clock
  readonly log: Log
  /** Every function there is, after each reading of the folder and before any of its bundles. */
  listed(folders: readonly FunctionFolder[]): void
  /** A function's first bundle, or one after its files changed; it may be equal to the last. */
  bundled(folder: FunctionFolder, bundled: Bundled): void
}

/** Events come in bursts: an editor writes, renames and sets times. The first of a burst decides when to look. */
const BURST_MS = 40
/** A file that is being written has another size or time this much later. */
const STABLE_MS = 30
const STABLE_TRIES = 40
/** For what produces no events: network and container file systems, an import of a file that is not there yet. */
const POLL_MS = 2_000

/**
 * Follows the functions folder: bundles every function, and again whenever a file changes that belongs to it,
 * wherever that file is. Only complete files count: a folder is bundled once it has stopped changing.
 */
export class FolderSync {
  readonly #options: FolderSyncOptions
  readonly #known = new Map<string, Known>()
  readonly #watch: FolderWatch
  #cancelTimer: () => void = () => undefined
  #soon = false
  #reading: Promise<void> | undefined
  #again = false
  #closed = false

  constructor(options: FolderSyncOptions) {
    this.#options = options
    this.#watch = watchFolders(() => this.#readSoon())
  }

  /** Reads the folder once, and from then on after every change. */
  async start(): Promise<void> {
    await this.#read()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelTimer()
    this.#watch.close()
    await this.#reading
  }

  #readSoon(): void {
    // Not put off by each further event: in a folder that never rests nothing would ever be read.
    if (this.#soon) return
    this.#soon = true
    this.#readIn(BURST_MS)
  }

  #readIn(ms: number): void {
    this.#cancelTimer()
    if (!this.#closed) this.#cancelTimer = this.#options.clock.after(ms, () => void this.#read())
  }

  async #read(): Promise<void> {
    this.#soon = false
    this.#again = true
    this.#reading ??= this.#readWhileAsked().finally(() => {
      this.#reading = undefined
      if (!this.#soon) this.#readIn(POLL_MS)
    })
    await this.#reading
  }

  async #readWhileAsked(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false
      try {
        await this.#readOnce()
      } catch (error) {
        const { folder, log } = this.#options
        log.error(`${folder}: cannot be read: ${error instanceof Error ? error.message : error}; trying again`)
      }
    }
  }

  async #readOnce(): Promise<void> {
    const { folder, listed } = this.#options
    const folders = await listFunctions(folder)
    const names = new Set(folders.map(({ name }) => name))
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name)
    listed(folders)
    const watched = await Promise.all(folders.map((one) => this.#check(one)))
    // Where there is no folder yet, its parent says when it is made.
    const top = existsSync(folder) ? folder : dirname(folder)
    if (!this.#closed) this.#watch.watch(new Set([top, ...watched.flat()]))
  }

  /** Bundles one function if it changed; gives the folders to watch for it. */
  async #check(folder: FunctionFolder): Promise<string[]> {
    const before = this.#known.get(folder.name)
    const outside = before?.outside ?? []
    const { stamp, folders } = await this.#stableStamp(folder, outside, before)
    if (before?.stamp !== stamp || before.retry) {
      const bundled = await bundleFunction(folder, this.#options.env)
      if (this.#closed) return []
      const used = outsideOf(folder, bundled, outside)
      const retry = bundled.kind === 'broken' && bundled.failure.includes('Could not resolve')
      const same = used.length === outside.length && used.every((file, index) => file === outside[index])
      this.#known.set(folder.name, {
        stamp: same ? stamp : (await stampOf(folder, used)).stamp,
        outside: used,
        retry,
      })
      this.#options.bundled(folder, bundled)
    }
    return [...folders, ...(this.#known.get(folder.name)?.outside ?? []).map((file) => dirname(file))]
  }

  // At the first sight there is no sign that somebody is writing; after a change there is.
  async #stableStamp(folder: FunctionFolder, outside: readonly string[], before: Known | undefined): Promise<Stamp> {
    let last = await stampOf(folder, outside)
    for (let tries = 0; tries < STABLE_TRIES && before !== undefined && before.stamp !== last.stamp; tries += 1) {
      await new Promise<void>((resolve) => this.#options.clock.after(STABLE_MS, resolve))
      const next = await stampOf(folder, outside)
      if (next.stamp === last.stamp) return next
      last = next
    }
    return last
  }
}

/** `outside`: files elsewhere that the bundle was made of; `retry`: it may work without any known file changing. */
type Known = { readonly stamp: string; readonly outside: readonly string[]; readonly retry: boolean }

type Stamp = { readonly stamp: string; readonly folders: readonly string[] }

async function stampOf(folder: FunctionFolder, outside: readonly string[]): Promise<Stamp> {
  const { files, folders } = await walk(folder.path)
  return { stamp: await fingerprint([folder.entry, ...files, ...outside]), folders }
}

// A bundle that failed names only the files with mistakes: what the last good one was made of still counts.
function outsideOf({ path }: FunctionFolder, bundled: Bundled, before: readonly string[]): string[] {
  const files = bundled.kind === 'broken' ? [...before, ...bundled.files] : bundled.files
  return [...new Set(files.filter((file) => !file.startsWith(path + sep)))].sort()
}
