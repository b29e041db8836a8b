import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { ErrorCode } from '../../kernel/errors.ts'
import type { Dial } from '../dialling/dial.ts'
import { faultOf } from '../dialling/fault.ts'
import { Deadline, type Wheel } from '../wheel.ts'
import { CODE, FRAME, PREFACE, SETTING } from './frames.ts'
import { FrameOutput } from './output.ts'
import { Session } from './session.ts'
import type { Stream } from './stream.ts'
import type { UpstreamStream, UpstreamStreamSession } from './upstream-stream.ts'

/** Whose connection it is. */
export type SessionOwner = {
  /** It is open, or has room for one more stream. */
  onRoom(session: UpstreamSession): void
  /** It takes no more streams: it could not be made (then `code` says why), its server closes it, or it is gone. */
  onUnusable(session: UpstreamSession, code: ErrorCode | undefined): void
  onClosed(session: UpstreamSession): void
}

/** Streams that a server is taken to allow until it says so (RFC 9113 §6.5.2 recommends no less). */
export const USUAL_STREAMS = 100
/** How long a connection may stand without a stream. Servers keep them for a minute and more. */
const IDLE_MS = 30_000
/** A server that has been silent for so long while streams are open is asked whether it is there, and for so long. */
const SILENT_MS = 30_000
const PING_MS = 10_000
const LAST_ID = 2 ** 31 - 1
/** Streams that were reset on a connection that is still used. */
const RESETS_LIMIT = 100

/** One HTTP/2 connection to an endpoint, shared by requests. */
export class UpstreamSession extends Session implements UpstreamStreamSession {
  readonly socket: Socket
  readonly out: FrameOutput
  readonly secure: boolean
  /** Of what it was dialled with. */
  readonly generation: number
  /** What went wrong, where the socket said so in words. */
  reason = ''
  served = false
  /** One slow client must not hold up all others: what it leaves is held by its stream alone. */
  readonly generous = true
  readonly #owner: SessionOwner
  readonly #deadline: Deadline
  readonly #watch: Deadline
  #nextId = 1
  #ready = false
  #usable = true
  #pinged = false
  #resets = 0

  constructor(dial: Dial, host: string, port: number, connectMs: number, owner: SessionOwner, wheel: Wheel) {
    super(wheel)
    this.#owner = owner
    this.#deadline = new Deadline(wheel, () => this.#expired())
    this.#deadline.set(connectMs)
    this.#watch = new Deadline(wheel, () => this.#silent())
    this.socket = dial.connect(host, port, 'h2', this)
    this.secure = this.socket instanceof TLSSocket
    this.generation = dial.generation
    this.socket.on(dial.ready, () => this.#begin())
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.reason = error.message
      this.#unusable(faultOf(error, !this.#ready))
    })
    this.attend()
    this.out = new FrameOutput(this.socket)
  }

  /** Streams that it could take now. */
  get room(): number {
    if (!this.#ready || !this.#usable) return 0
    return Math.max(0, Math.min(this.peerStreams, MOST_STREAMS) - this.streams.size)
  }

  /** Whether it is being made. */
  get connecting(): boolean {
    return !this.#ready && this.#usable
  }

  /** Opens a stream for the request; there is room. */
  start(stream: UpstreamStream): void {
    const id = this.#nextId
    this.#nextId += 2
    this.#deadline.clear()
    if (this.#watch.at === Number.POSITIVE_INFINITY) this.#watch.set(SILENT_MS)
    this.streams.set(id, stream)
    if (this.#nextId > LAST_ID) this.#unusable(undefined)
    stream.open(this, id)
  }

  suspect(): void {
    if (this.#pinged || this.over) return
    this.#pinged = true
    this.out.frame(FRAME.ping, 0, 0, 0, 0)
    this.#watch.set(PING_MS)
  }

  /** Ends it once its streams have ended. */
  retire(): void {
    this.#unusable(undefined)
    if (this.streams.size === 0) this.fail(CODE.none)
  }

  /**
   * Clients that cancel are many here and one to the server, which may take them for an attack and end the connection
   * with all that is on it (servers allow some hundreds of resets on one). Before that, a new one takes over.
   */
  override resetStream(id: number, code: number): void {
    super.resetStream(id, code)
    if (++this.#resets === RESETS_LIMIT) this.#unusable(undefined)
  }

  #begin(): void {
    if (this.socket instanceof TLSSocket && this.socket.alpnProtocol !== 'h2') {
      // It would take our frames for a request of HTTP/1.1.
      this.#giveUp('tls_protocol_error')
      return
    }
    this.out.reserve(PREFACE.length)
    this.out.copy(PREFACE, 0, PREFACE.length)
    this.open([
      [SETTING.enablePush, 0],
      [SETTING.maxConcurrentStreams, 0],
    ])
  }

  streamFor(id: number): number | undefined {
    return this.isIdle(id) ? CODE.protocol : undefined
  }

  isIdle(id: number): boolean {
    return id % 2 === 0 || id >= this.#nextId
  }

  onSettings(): void {
    if (!this.#ready) {
      this.#ready = true
      this.#deadline.set(IDLE_MS)
    }
    this.#owner.onRoom(this)
  }

  onGoaway(lastId: number): void {
    this.#unusable(undefined)
    for (const stream of [...this.streams.values()]) if (stream.id > lastId) this.lose(stream, true)
    if (this.streams.size === 0) this.finish()
  }

  onPingAck(): void {
    this.#pinged = false
  }

  protected onStreamEnd(_stream: Stream, idle: boolean): void {
    this.served = true
    if (this.over) return
    if (idle && !this.#usable) this.fail(CODE.none)
    else {
      if (idle) this.#deadline.set(IDLE_MS)
      this.#owner.onRoom(this)
    }
  }

  protected override lost(): void {
    this.#unusable(this.#ready ? undefined : 'connection_reset')
    super.lost()
  }

  override fail(code: number): void {
    // A server that speaks something else has been asked nothing yet.
    this.#unusable(this.#ready ? undefined : 'response_malformed')
    super.fail(code)
  }

  protected onClosed(): void {
    this.#deadline.cancel()
    this.#watch.cancel()
    this.#owner.onClosed(this)
  }

  #expired(): void {
    if (this.#ready) this.fail(CODE.none)
    else this.#giveUp('connection_timeout')
  }

  #giveUp(code: ErrorCode): void {
    this.#unusable(code)
    this.destroy()
  }

  #unusable(code: ErrorCode | undefined): void {
    if (!this.#usable) return
    this.#usable = false
    this.#owner.onUnusable(this, code)
  }

  #silent(): void {
    if (this.over || (this.streams.size === 0 && !this.#pinged)) return
    const silentMs = this.wheel.now() - this.heardAt
    if (this.#pinged && silentMs >= PING_MS) this.destroy()
    else if (silentMs >= SILENT_MS) this.suspect()
    else this.#watch.set(SILENT_MS - silentMs)
  }
}

/** However many a server takes: what one connection carries, one loss takes away. */
const MOST_STREAMS = 250
