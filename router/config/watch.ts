import { type FSWatcher, watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Clock } from '../kernel/clock.ts'
import { readText, UnreadableFile } from './load.ts'

/** How long a file must stand still before it is believed to be written whole. */
const STILL_MS = 100
/** The net below the system's events, which miss some mounts and links. */
const POLL_MS = 2_000

export type WatchOptions = {
  readonly clock: Clock
  /** Ends the watch. */
  readonly signal: AbortSignal
  /** The text that is in use already; without it the first stable text is passed on too. */
  readonly current?: string
  /** The file cannot be read (removed, too large, no text), in words; undefined: it can again. */
  readonly onProblem?: (message: string | undefined) => void
}

/**
 * Calls `onText` with the file's text whenever it has changed and stood still: size and time are the same over
 * 100 ms and two readings agree, because a YAML file cut in the middle is often valid. Sees writes in place, files
 * renamed over it and a mounted ConfigMap's link swap, usually within 200 ms. Closed by its signal; keeps no
 * process alive.
 */
export function watchSpec(file: string, onText: (text: string) => void, options: WatchOptions): void {
  const watched = new WatchedFile(resolve(file), onText, options)
  watched.start()
}

/** A look at the file: what it held, or why it could not be read. */
type Look = { readonly stamp: string; readonly text: string } | { readonly problem: string }

class WatchedFile {
  readonly #file: string
  readonly #onText: (text: string) => void
  readonly #options: WatchOptions
  #watcher: FSWatcher | undefined
  #cancel: () => void = () => {}
  #current: string | undefined
  #stamp: string | undefined
  #problem: string | undefined
  /** A look is under way; `#again`: something happened meanwhile, so that look may be out of date. */
  #looking = false
  #again = false

  constructor(file: string, onText: (text: string) => void, options: WatchOptions) {
    this.#file = file
    this.#onText = onText
    this.#options = options
    this.#current = options.current
  }

  start(): void {
    if (this.#options.signal.aborted) return
    this.#options.signal.addEventListener('abort', () => this.#stop(), { once: true })
    this.#listen()
    this.#poll()
  }

  #stop(): void {
    this.#cancel()
    this.#watcher?.close()
  }

  #poll(): void {
    this.#listen()
    this.#wake()
    this.#cancel = this.#options.clock.after(POLL_MS, () => this.#poll())
  }

  /** The folder is watched, not the file: a file renamed over another would otherwise be watched no more. */
  #listen(): void {
    if (this.#watcher !== undefined) return
    try {
      const watcher = watch(dirname(this.#file), { persistent: false }, () => this.#wake())
      watcher.on('error', () => {
        watcher.close()
        if (this.#watcher === watcher) this.#watcher = undefined
      })
      this.#watcher = watcher
    } catch {
      // No folder, or no more watches: polling goes on, and tries this again.
      this.#watcher = undefined
    }
  }

  #wake(): void {
    if (this.#looking) {
      this.#again = true
      return
    }
    this.#looking = true
    void this.#look().finally(() => {
      this.#looking = false
      if (!this.#again || this.#options.signal.aborted) return
      this.#again = false
      this.#wake()
    })
  }

  /** Looks until two looks, 100 ms apart, agree; then says what has changed. */
  async #look(): Promise<void> {
    const stamp = await stampOf(this.#file)
    if (stamp !== undefined && stamp === this.#stamp && this.#problem === undefined) return
    let seen = await lookAt(this.#file)
    for (;;) {
      await this.#pause()
      if (this.#options.signal.aborted) return
      const next = await lookAt(this.#file)
      if (sameLook(seen, next)) break
      seen = next
    }
    if (!this.#options.signal.aborted) this.#tell(seen)
  }

  #pause(): Promise<void> {
    return new Promise((done) => {
      const { clock, signal } = this.#options
      const cancel = clock.after(STILL_MS, () => {
        signal.removeEventListener('abort', stop)
        done()
      })
      const stop = (): void => {
        cancel()
        done()
      }
      signal.addEventListener('abort', stop, { once: true })
    })
  }

  #tell(look: Look): void {
    const problem = 'problem' in look ? look.problem : undefined
    if (problem !== this.#problem) {
      this.#problem = problem
      this.#options.onProblem?.(problem)
    }
    if ('problem' in look) return
    this.#stamp = look.stamp
    if (look.text === this.#current) return
    this.#current = look.text
    this.#onText(look.text)
  }
}

/** What changes whenever the file is written, replaced, or its link turned. */
async function stampOf(file: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true })
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`
  } catch {
    return undefined
  }
}

async function lookAt(file: string): Promise<Look> {
  try {
    const stamp = await stampOf(file)
    const text = await readText(file)
    // The stamp is from before the reading: a write during it makes the next look differ.
    return { stamp: stamp ?? '', text }
  } catch (error) {
    if (error instanceof UnreadableFile) return { problem: error.message }
    throw error
  }
}

function sameLook(left: Look, right: Look): boolean {
  if ('problem' in left || 'problem' in right) {
    return 'problem' in left && 'problem' in right && left.problem === right.problem
  }
  return left.stamp === right.stamp && left.text === right.text
}
