import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'

/** A kind of complaint is told once in this time, with how often it was meant. */
const EVERY_MS = 10_000

/** Tells what clients of a listener do wrong, without letting them fill the log. */
export class Complaints {
  readonly #key: string
  readonly #clock: Clock
  readonly #log: Log
  readonly #quiet = new Map<string, { until: number; more: number }>()

  /** `key` is the listener's, `listen[1]`. */
  constructor(key: string, clock: Clock, log: Log) {
    this.#key = key
    this.#clock = clock
    this.#log = log
  }

  /** `what` is one of few; `reason` may be anything, and is told of the first. */
  say(what: string, reason: string): void {
    const now = this.#clock.elapsed()
    const known = this.#quiet.get(what)
    if (known !== undefined && now < known.until) {
      known.more++
      return
    }
    this.#quiet.set(what, { until: now + EVERY_MS, more: 0 })
    const more = known === undefined || known.more === 0 ? {} : { unsaidBefore: known.more }
    this.#log.warn(`${this.#key}: ${what}: ${reason}`, more)
  }
}
