import type { ErrorCode } from '../../../kernel/errors.ts'
import type { Dial } from '../../dialling/dial.ts'
import { type SessionOwner, UpstreamSession, USUAL_STREAMS } from '../../http2/upstream.ts'
import { UpstreamStream } from '../../http2/upstream-stream.ts'
import type { Receiver, UpstreamSide } from '../../sides.ts'
import type { Wheel } from '../../wheel.ts'
import type { EndpointPool } from '../pool.ts'

/** Most connections to one endpoint; requests beyond what they carry wait. */
const SESSION_LIMIT = 64

/** The HTTP/2 connections to one endpoint: as few as carry its requests, the first with room is used first. */
export class SessionPool implements EndpointPool, SessionOwner {
  readonly address: string
  readonly #dial: Dial
  readonly #host: string
  readonly #port: number
  readonly #wheel: Wheel
  /** Those that take streams, now or once they are made. */
  readonly #usable: UpstreamSession[] = []
  readonly #open = new Set<UpstreamSession>()
  /** Requests that wait for a connection, or for room on one. */
  readonly #waiting: UpstreamStream[] = []
  #capacity = USUAL_STREAMS
  #inFlight = 0
  #reached = true
  #retired: (() => void) | undefined
  /** Connections end with their last stream. */
  #leaving = false

  constructor(dial: Dial, host: string, port: number, wheel: Wheel) {
    this.#dial = dial
    this.#host = host
    this.#port = port
    this.address = `${host}:${port}`
    this.#wheel = wheel
  }

  get inFlight(): number {
    return this.#inFlight
  }

  get open(): number {
    return this.#open.size
  }

  get idle(): number {
    return this.#usable.filter(isIdle).length
  }

  enter(): void {
    this.#inFlight++
  }

  leave(): void {
    this.#inFlight--
    if (this.#inFlight === 0) this.#retired?.()
  }

  connect(receiver: Receiver, _fresh: boolean, connectMs: number): UpstreamSide {
    const stream = new UpstreamStream(receiver, connectMs, this.#wheel, this.#giveUp)
    const { generation } = this.#dial
    for (const old of this.#usable.filter((one) => one.generation !== generation)) old.retire()
    const session = this.#usable.find(({ room }) => room > 0)
    if (session !== undefined && this.#waiting.length === 0) {
      session.start(stream)
      return stream
    }
    this.#waiting.push(stream)
    const connecting = this.#usable.filter((one) => one.connecting).length
    if (connecting * this.#capacity < this.#waiting.length && this.#open.size < SESSION_LIMIT) this.#add(connectMs)
    return stream
  }

  note(reached: boolean): boolean {
    const news = this.#reached !== reached
    this.#reached = reached
    return news
  }

  retire(onIdle: () => void): void {
    this.#retired = onIdle
    this.closeIdle()
  }

  revive(): void {
    this.#retired = undefined
    this.#leaving = false
  }

  closeOldest(): void {
    this.#usable.find(isIdle)?.retire()
  }

  closeIdle(): void {
    this.#leaving = true
    for (const session of this.#usable.filter(({ connecting }) => !connecting)) session.retire()
  }

  onRoom(session: UpstreamSession): void {
    this.#capacity = Math.max(1, session.room + session.streams.size)
    while (session.room > 0) {
      const next = this.#waiting.shift()
      if (next === undefined) break
      session.start(next)
    }
    if (this.#leaving && isIdle(session)) session.retire()
  }

  onUnusable(session: UpstreamSession, code: ErrorCode | undefined): void {
    const index = this.#usable.indexOf(session)
    if (index >= 0) this.#usable.splice(index, 1)
    if (code === undefined) {
      if (this.#waiting.length > 0 && this.#usable.length === 0) this.#add(AGAIN_MS)
      return
    }
    for (const stream of this.#waiting.splice(0)) stream.fail(code, session.reason)
  }

  onClosed(session: UpstreamSession): void {
    this.#open.delete(session)
  }

  #add(connectMs: number): void {
    const session = new UpstreamSession(this.#dial, this.#host, this.#port, connectMs, this, this.#wheel)
    this.#open.add(session)
    this.#usable.push(session)
  }

  readonly #giveUp = (stream: UpstreamStream): void => {
    const index = this.#waiting.indexOf(stream)
    if (index >= 0) this.#waiting.splice(index, 1)
  }
}

/** How long a connection may take that nobody asked for by itself: those who wait for it have limits of their own. */
const AGAIN_MS = 10_000

function isIdle(session: UpstreamSession): boolean {
  return !session.connecting && session.streams.size === 0
}
