import type { Dial } from '../../dialling/dial.ts'
import { type ConnectionOwner, UpstreamConnection } from '../../http1/upstream.ts'
import type { Receiver } from '../../sides.ts'
import type { Wheel } from '../../wheel.ts'

/** What distinguishes the pools of one transport from those of another. */
export type PoolTraits = {
  /** How long a connection may wait for its next request, in milliseconds. */
  readonly idleMs: number
  readonly examine: ConnectionOwner['examine']
}

/**
 * The connections to one endpoint, kept alive between requests, the last used first. A pool belongs to its address
 * and outlives the snapshots that name it.
 */
export class Pool implements ConnectionOwner {
  /** `host:port` */
  readonly address: string
  readonly idleMs: number
  readonly examine: ConnectionOwner['examine']
  readonly #dial: Dial
  readonly #host: string
  readonly #port: number
  readonly #wheel: Wheel
  readonly #idle: UpstreamConnection[] = []
  #inFlight = 0
  #open = 0
  #reached = true
  #retired: (() => void) | undefined

  constructor(dial: Dial, host: string, port: number, wheel: Wheel, traits: PoolTraits) {
    this.#dial = dial
    this.#host = host
    this.#port = port
    this.address = `${host}:${port}`
    this.#wheel = wheel
    this.idleMs = traits.idleMs
    this.examine = traits.examine
  }

  /** Requests that this endpoint is working on for us. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Connections, those that are being made among them. */
  get open(): number {
    return this.#open
  }

  /** Connections that wait for a request. */
  get idle(): number {
    return this.#idle.length
  }

  /** Counts a request in; each is counted out by `leave`. */
  enter(): void {
    this.#inFlight++
  }

  leave(): void {
    this.#inFlight--
    if (this.#inFlight === 0) this.#retired?.()
  }

  /**
   * Gets `receiver` a connection: at once from those that wait, unless it asks for a `fresh` one; else `onConnected`
   * follows. Returns the connection that is used or being made.
   */
  connect(receiver: Receiver, fresh: boolean, connectMs: number): UpstreamConnection {
    while (!fresh) {
      const waiting = this.#idle.pop()
      if (waiting === undefined) break
      if (!waiting.usable) continue
      if (waiting.generation !== this.#dial.generation) {
        waiting.destroy()
        continue
      }
      receiver.onConnected(waiting)
      return waiting
    }
    this.#open++
    return new UpstreamConnection(this.#dial, this.#host, this.#port, connectMs, receiver, this, this.#wheel)
  }

  /** Notes whether a connection could be had; true where that is news. */
  note(reached: boolean): boolean {
    const news = this.#reached !== reached
    this.#reached = reached
    return news
  }

  onReusable(connection: UpstreamConnection): void {
    const over = this.#retired !== undefined || this.#idle.length >= IDLE_LIMIT
    if (over || connection.generation !== this.#dial.generation) connection.destroy()
    else this.#idle.push(connection)
  }

  onClosed(connection: UpstreamConnection): void {
    this.#open--
    const index = this.#idle.lastIndexOf(connection)
    if (index >= 0) this.#idle.splice(index, 1)
  }

  /** The snapshot names it no longer: nothing is kept alive, and `onIdle` is called once nothing is in flight. */
  retire(onIdle: () => void): void {
    this.#retired = onIdle
    this.closeIdle()
  }

  /** A snapshot names it again. */
  revive(): void {
    this.#retired = undefined
  }

  /** Closes the connection that has waited longest. */
  closeOldest(): void {
    this.#idle[0]?.destroy()
  }

  /** Closes the connections that wait. */
  closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy()
  }
}

/** Most connections that wait at one endpoint. */
const IDLE_LIMIT = 1024
