import type { Socket } from 'node:net'
import type { Client } from '../accept/client.ts'
import { adopt } from '../http1/socket.ts'
import type { Connection, DownstreamEvents } from '../sides.ts'
import { Deadline, type Wheel } from '../wheel.ts'
import { DownstreamStream } from './downstream-stream.ts'
import { CODE, FRAME, PREFACE, SETTING, WINDOW_LIMIT } from './frames.ts'
import { FrameOutput } from './output.ts'
import { Session } from './session.ts'
import type { Stream } from './stream.ts'

/** Most streams that one client may have open at once. */
const STREAM_LIMIT = 100
/** How long a client may take to say that it speaks HTTP/2, and stay without a stream. */
const PREFACE_MS = 10_000
const KEEP_ALIVE_MS = 60_000
/** Streams that have ended and wait to be used again. */
const SPARE_LIMIT = 32

/** One client's HTTP/2 connection: an exchange for each of its streams. */
export class DownstreamSession extends Session implements Connection {
  readonly socket: Socket
  readonly out: FrameOutput
  readonly generous = false
  readonly #client: Client
  readonly #events: (stream: DownstreamStream) => DownstreamEvents
  readonly #onClosed: (self: DownstreamSession) => void
  readonly #isDraining: () => boolean
  readonly #deadline: Deadline
  readonly #spare: DownstreamStream[] = []
  #preface = 0
  /** The highest stream that the client has opened, refused ones too. */
  #seenId = 0
  #paused = false
  /** The client was told to open no more streams here; those that are on their way are served. */
  #warned = false
  /** Streams above `lastId` are refused. */
  #closing = false

  constructor(
    accepted: Socket,
    client: Client,
    wheel: Wheel,
    isDraining: () => boolean,
    events: (stream: DownstreamStream) => DownstreamEvents,
    onClosed: (self: DownstreamSession) => void,
  ) {
    super(wheel)
    this.#client = client
    this.#events = events
    this.#onClosed = onClosed
    this.#isDraining = isDraining
    this.socket = adopt(accepted, this)
    this.out = new FrameOutput(this.socket)
    this.#deadline = new Deadline(wheel, () => this.fail(CODE.none))
    this.#deadline.set(PREFACE_MS)
    this.attend()
    this.open([[SETTING.maxConcurrentStreams, STREAM_LIMIT]])
  }

  override onBytes(bytes: Buffer, end: number): void {
    if (this.#preface === PREFACE.length || this.over) {
      super.onBytes(bytes, end)
      return
    }
    let at = 0
    while (at < end && this.#preface < PREFACE.length) {
      if (bytes[at++] !== PREFACE[this.#preface++]) {
        this.fail(CODE.protocol)
        return
      }
    }
    if (this.#preface < PREFACE.length) return
    this.#deadline.set(KEEP_ALIVE_MS)
    super.onBytes(bytes.subarray(at, end), end - at)
  }

  /** The router stops: a client that may have a request on its way is warned first. */
  drain(patient: boolean): void {
    if (this.over || this.#closing) return
    this.#warn()
    if (patient) return
    this.#closing = true
    this.out.frame(FRAME.goaway, 0, 0, this.lastId, CODE.none)
    if (this.streams.size === 0) this.finish()
  }

  #warn(): void {
    if (this.#warned) return
    this.#warned = true
    this.out.frame(FRAME.goaway, 0, 0, WINDOW_LIMIT, CODE.none)
  }

  streamFor(id: number): Stream | number | undefined {
    if (id % 2 === 0) return CODE.protocol
    if (id <= this.#seenId) return CODE.streamClosed
    this.#seenId = id
    if (this.#closing || this.streams.size >= STREAM_LIMIT) {
      this.resetStream(id, CODE.refusedStream)
      return undefined
    }
    this.lastId = id
    if (this.#isDraining()) this.#warn()
    this.#deadline.clear()
    const stream = this.#spare.pop() ?? new DownstreamStream(this, this.#client, this.wheel, this.#events)
    stream.open(id)
    this.streams.set(id, stream)
    return stream
  }

  isIdle(id: number): boolean {
    return id > this.#seenId || id % 2 === 0
  }

  protected onStreamEnd(stream: Stream, idle: boolean): void {
    if (stream instanceof DownstreamStream && this.#spare.length < SPARE_LIMIT) this.#spare.push(stream)
    if (!idle || this.over) return
    if (this.#closing) this.finish()
    else this.#deadline.set(KEEP_ALIVE_MS)
  }

  /** A client that sends requests and takes no answers gets no further than this. */
  protected override onFull(): void {
    super.onFull()
    if (this.#paused) return
    this.#paused = true
    this.socket.pause()
  }

  protected override onDrained(): void {
    if (!this.#paused) return
    this.#paused = false
    this.socket.resume()
  }

  onGoaway(): void {}

  onSettings(): void {}

  onPingAck(): void {}

  protected onClosed(): void {
    this.#deadline.cancel()
    this.#onClosed(this)
  }
}
