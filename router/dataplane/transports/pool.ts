import type { Receiver, UpstreamSide } from '../sides.ts'

/** The connections to one endpoint. A pool belongs to its address and outlives the snapshots that name it. */
export type EndpointPool = {
  /** `host:port` */
  readonly address: string
  /** Requests that this endpoint is working on for us. */
  readonly inFlight: number
  /** Connections, those that are being made among them. */
  readonly open: number
  /** Connections that wait for a request. */
  readonly idle: number
  /** Counts a request in; each is counted out by `leave`. */
  enter(): void
  leave(): void
  /**
   * Gets `receiver` a connection: at once from those that wait, unless it asks for a `fresh` one; else `onConnected`
   * follows. Returns the connection that is used or being made.
   */
  connect(receiver: Receiver, fresh: boolean, connectMs: number): UpstreamSide
  /** Notes whether a connection could be had; true where that is news. */
  note(reached: boolean): boolean
  /** The snapshot names it no longer: nothing is kept alive, and `onIdle` is called once nothing is in flight. */
  retire(onIdle: () => void): void
  /** A snapshot names it again. */
  revive(): void
  /** Closes the connection that has waited longest. */
  closeOldest(): void
  /** Closes the connections that wait. */
  closeIdle(): void
}
