import { stat } from 'node:fs/promises'
import type { Clock } from '../clock.ts'

/** How often the files are looked at. Looking beats the system's events, which miss some mounts and links. */
const POLL_MS = 500

export type KeptOptions<T> = {
  /** Absolute paths of all files that `load` reads. */
  readonly files: readonly string[]
  /** Reads them; rejects with an `Error` that says what is wrong with them. */
  readonly load: () => Promise<T>
  /** Whether `next` may take the place of `current` now; it is asked again every half second until it may. */
  readonly ripe?: (next: T, current: T) => boolean
  readonly clock: Clock
  /** `value` (then `renewed`) or `problem` is another one now; not called for the first ones. */
  readonly changed: (renewed: boolean) => void
}

/**
 * What some files say, kept up to date: read again whenever one of them was written, replaced, or had its link
 * turned, and has rested since. Files that say nothing usable leave the last good value in force, so that a
 * certificate and its key may be replaced one after the other. Whoever opens it closes it.
 */
export class Kept<T> {
  /** The last that was good; undefined: none ever was. */
  value: T | undefined
  /** What is wrong with the files as they are; undefined: they say what `value` holds. */
  problem: string | undefined
  readonly #options: KeptOptions<T>
  #read = ''
  #seen = ''
  #unripe: T | undefined
  #closed = false
  #cancel = (): void => {}

  constructor(options: KeptOptions<T>) {
    this.#options = options
  }

  /** Reads the files for the first time; they are watched from then on. */
  async open(): Promise<this> {
    this.#read = await stampOf(this.#options.files)
    this.#seen = this.#read
    await this.#load()
    this.#wait()
    return this
  }

  close(): void {
    this.#closed = true
    this.#cancel()
  }

  #wait(): void {
    if (!this.#closed) this.#cancel = this.#options.clock.after(POLL_MS, () => void this.#look())
  }

  async #look(): Promise<void> {
    const { value, problem } = this
    const stamp = await stampOf(this.#options.files)
    const rested = stamp === this.#seen
    this.#seen = stamp
    if (rested && stamp !== this.#read) {
      // The stamp is from before the reading: a write during it shows in the next.
      this.#read = stamp
      await this.#load()
    } else if (this.#unripe !== undefined) this.#take(this.#unripe)
    const renewed = this.value !== value
    if (!this.#closed && (renewed || this.problem !== problem)) this.#options.changed(renewed)
    this.#wait()
  }

  async #load(): Promise<void> {
    try {
      this.#take(await this.#options.load())
    } catch (error) {
      this.#unripe = undefined
      this.problem = error instanceof Error ? error.message : String(error)
    }
  }

  #take(next: T): void {
    this.problem = undefined
    const wait = this.value !== undefined && this.#options.ripe?.(next, this.value) === false
    this.#unripe = wait ? next : undefined
    if (!wait) this.value = next
  }
}

/** What changes whenever one of them is written, replaced, or its link turned. */
async function stampOf(files: readonly string[]): Promise<string> {
  const stamps = await Promise.all(
    files.map(async (file) => {
      try {
        const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true })
        return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`
      } catch {
        return 'missing'
      }
    }),
  )
  return stamps.join('\n')
}
