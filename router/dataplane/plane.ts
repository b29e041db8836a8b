import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { Unclaimed } from './counts.ts'
import type { KeyCookies } from './key-cookie.ts'
import type { Snapshot } from './snapshot.ts'
import type { Wheel } from './wheel.ts'

/** What all exchanges of one data-plane process share. */
export type Plane = {
  readonly clock: Clock
  readonly wheel: Wheel
  readonly log: Log
  readonly random: () => number
  readonly keys: KeyCookies
  readonly unclaimed: Unclaimed
  /** Our name in Via and Proxy-Status, and how often one request may pass through us. */
  readonly pseudonym: string
  readonly requestIds: RequestIds
  /** Replaced whole; every request reads it once. */
  snapshot: Snapshot
  /** Answers carry `Connection: close`. */
  draining: boolean
  inFlight: number
}

/** Request ids: a random start of the process and a count. Unique, cheap, not secret. */
export class RequestIds {
  readonly #prefix: string
  #count = 0

  constructor(randomBytes: (size: number) => Buffer) {
    this.#prefix = `${randomBytes(8).toString('hex')}-`
  }

  next(): string {
    return this.#prefix + (++this.#count).toString(36)
  }
}
