import type { CircuitSpec } from '../model/spec.ts'
import type { EndpointPool } from './transports/pool.ts'

/** Who waits for a place: told when it has one. */
export type Waiting = { onPlace(): void }

/**
 * How much of an upstream this process may use at once: places for requests, and a queue for those that have none.
 * A request holds its place from before it is sent until its answer has ended. Outlives snapshots; its limits change
 * with them.
 */
export class Circuit {
  #limit = 0
  #queueLimit = 0
  #busy = 0
  #serving = false
  readonly #queue: Waiting[] = []

  /** Takes this process's part of the router's limits: at least one place, and of the queue what is left over none. */
  divide({ maxConnections, maxPending }: CircuitSpec, processes: number): void {
    this.#limit = Math.max(1, Math.floor(maxConnections / processes))
    this.#queueLimit = Math.floor(maxPending / processes)
    this.#serveSoon()
  }

  /** A place at once, or later (`onPlace`), or none: whoever waits would be one too many. */
  enter(who: Waiting): 'entered' | 'waiting' | 'full' {
    if (this.#busy < this.#limit && this.#queue.length === 0) {
      this.#busy++
      return 'entered'
    }
    if (this.#queue.length >= this.#queueLimit) return 'full'
    this.#queue.push(who)
    return 'waiting'
  }

  /** Gives up the place that `who` has, or waits for. */
  leave(who: Waiting): void {
    const at = this.#queue.indexOf(who)
    if (at >= 0) this.#queue.splice(at, 1)
    else this.#busy--
    this.#serveSoon()
  }

  /** Closes a connection that waits at another endpoint where one more would be too many. */
  makeRoom(pools: readonly EndpointPool[]): void {
    let open = 0
    for (const pool of pools) open += pool.open
    if (open >= this.#limit) pools.find((pool) => pool.idle > 0)?.closeOldest()
  }

  /** After whatever runs now: who is served next may end at once, and so on through the whole queue. */
  #serveSoon(): void {
    if (this.#queue.length === 0 || this.#serving) return
    this.#serving = true
    queueMicrotask(() => {
      this.#serving = false
      while (this.#busy < this.#limit) {
        const next = this.#queue.shift()
        if (next === undefined) return
        this.#busy++
        next.onPlace()
      }
    })
  }
}
