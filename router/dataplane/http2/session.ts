import type { Socket } from 'node:net'
import type { ByteReader } from '../http1/socket.ts'
import { Deadline, type Wheel } from '../wheel.ts'
import { Calm, COST } from './calm.ts'
import { FrameReader } from './frame-reader.ts'
import { FrameRules, type FrameSession } from './frame-rules.ts'
import { CODE, FIRST_WINDOW, FRAME, SETTING } from './frames.ts'
import { Encoder } from './hpack/encoder.ts'
import { STREAM_WINDOW } from './inflow.ts'
import type { FrameOutput } from './output.ts'
import type { Stream } from './stream.ts'
import type { StreamWriter } from './stream-writer.ts'

/** What may arrive on all streams together before it is taken, in bytes. */
const SESSION_WINDOW = 1024 * 1024
/** Longest head, counted as RFC 9113 §6.5.2 does. */
export const HEAD_LIMIT = 32 * 1024
/** How long a frame or a header block may take to be whole. */
const FRAME_MS = 10_000
/** How long a peer that was told to go may go on sending. */
const LINGER_MS = 1000
/** How long the peer may take nothing of what waits for it. */
const BLOCKED_MS = 300_000
/** Streams that were reset here and may still be spoken of. */
const RESET_LIMIT = 256

/** One HTTP/2 connection: frames in and out, windows, header blocks, and what either side may do with them. */
export abstract class Session implements FrameSession, ByteReader {
  readonly encoder = new Encoder()
  readonly streams = new Map<number, Stream>()
  sendWindow = FIRST_WINDOW
  peerWindow = FIRST_WINDOW
  /** Most streams that the peer takes at once. */
  peerStreams = Number.POSITIVE_INFINITY
  /** The highest stream of the peer's that is, or was, served. */
  protected lastId = 0
  /** GOAWAY has been sent, or the connection is lost: nothing that arrives counts any more. */
  protected over = false
  /** When bytes arrived last, in monotonic milliseconds. */
  protected heardAt: number
  protected readonly wheel: Wheel
  readonly #calm: Calm
  readonly #rules = new FrameRules(this)
  readonly #reader = new FrameReader(this.#rules)
  readonly #held = new Set<StreamWriter>()
  readonly #frameDeadline: Deadline
  readonly #blockedDeadline: Deadline
  readonly #reset = new Set<number>()
  #touched: Stream[] = []
  #taking = false
  #window = SESSION_WINDOW
  #untold = 0

  constructor(wheel: Wheel) {
    this.wheel = wheel
    this.heardAt = wheel.now()
    this.#calm = new Calm(() => wheel.now())
    this.#frameDeadline = new Deadline(wheel, () => this.fail(CODE.enhanceYourCalm))
    this.#blockedDeadline = new Deadline(wheel, () => this.socket.destroy())
  }

  abstract readonly socket: Socket
  abstract readonly out: FrameOutput
  abstract streamFor(id: number): Stream | number | undefined
  abstract isIdle(id: number): boolean
  abstract onGoaway(lastId: number, code: number): void
  abstract onSettings(): void
  abstract onPingAck(): void
  /** A stream has ended; `idle`: it was the last one. */
  protected abstract onStreamEnd(stream: Stream, idle: boolean): void
  protected abstract onClosed(): void

  abstract readonly generous: boolean

  /** Hears of the socket. */
  protected attend(): void {
    this.socket.on('error', () => this.lost())
    this.socket.on('end', () => this.lost())
    this.socket.on('close', () => {
      this.lost()
      this.#blockedDeadline.cancel()
      this.onClosed()
    })
    this.socket.on('drain', () => this.#drained())
  }

  /** Opens the connection on our side. */
  protected open(settings: readonly (readonly [name: number, value: number])[]): void {
    const all = [[SETTING.initialWindowSize, STREAM_WINDOW], [SETTING.maxHeaderListSize, HEAD_LIMIT], ...settings]
    this.out.reserve(9 + all.length * 6)
    this.#writeSettings(all)
    this.out.frame(FRAME.windowUpdate, 0, 0, SESSION_WINDOW - FIRST_WINDOW)
  }

  #writeSettings(settings: readonly (readonly number[])[]): void {
    const { out } = this
    const bytes = Buffer.alloc(9 + settings.length * 6)
    bytes.writeUIntBE(settings.length * 6, 0, 3)
    bytes[3] = FRAME.settings
    for (const [index, [name = 0, value = 0]] of settings.entries()) {
      bytes.writeUInt16BE(name, 9 + index * 6)
      bytes.writeUInt32BE(value, 11 + index * 6)
    }
    out.copy(bytes, 0, bytes.length)
  }

  onBytes(bytes: Buffer, end: number): void {
    if (this.over) return
    this.heardAt = this.wheel.now()
    this.#taking = true
    const fault = this.#reader.read(bytes, 0, end)
    this.#taking = false
    if (fault !== CODE.none) this.fail(fault)
    // A stream that comes to its end in this may be another's already: then it is told once too often, no more.
    for (const stream of this.#touched.splice(0)) stream.flush()
    if (this.over) return
    if (this.#reader.begun || this.#rules.inBlock) {
      if (this.#frameDeadline.at === Number.POSITIVE_INFINITY) this.#frameDeadline.set(FRAME_MS)
    } else this.#frameDeadline.clear()
    if (this.out.full) this.onFull()
  }

  /** The peer takes too little of what is written. */
  protected onFull(): void {
    this.#blockedDeadline.set(BLOCKED_MS)
  }

  #drained(): void {
    this.#blockedDeadline.clear()
    this.onDrained()
    for (const stream of [...this.streams.values()]) stream.writer.proceed()
  }

  protected onDrained(): void {}

  touch(stream: Stream): void {
    if (this.#taking) this.#touched.push(stream)
    else stream.flush()
  }

  earn(amount: number): void {
    this.#calm.earn(amount)
  }

  spend(cost: number): number {
    return this.#calm.spend(cost) ? CODE.none : CODE.enhanceYourCalm
  }

  held(writer: StreamWriter): void {
    this.#held.add(writer)
  }

  proceed(): void {
    for (const writer of [...this.#held]) {
      this.#held.delete(writer)
      writer.proceed()
      if (writer.holding) this.#held.add(writer)
    }
  }

  taken(length: number): void {
    if (!this.generous) this.give(length)
  }

  reserve(length: number): boolean {
    this.#window -= length
    return this.#window >= 0
  }

  give(length: number): void {
    this.#untold += length
    if (this.over || this.#untold < SESSION_WINDOW / 2) return
    this.out.frame(FRAME.windowUpdate, 0, 0, this.#untold)
    this.#window += this.#untold
    this.#untold = 0
  }

  resetStream(id: number, code: number): void {
    if (this.over) return
    this.out.frame(FRAME.rstStream, 0, id, code)
    if (code === CODE.protocol) this.#calm.earn(-COST.reset)
    this.#reset.add(id)
    if (this.#reset.size <= RESET_LIMIT) return
    for (const oldest of this.#reset) {
      this.#reset.delete(oldest)
      break
    }
  }

  wasReset(id: number): boolean {
    return this.#reset.has(id)
  }

  forget(stream: Stream): void {
    if (!this.streams.delete(stream.id)) return
    this.#held.delete(stream.writer)
    this.onStreamEnd(stream, this.streams.size === 0)
  }

  /** Ends the connection, with the reason, so that it arrives. */
  fail(code: number): void {
    if (this.over) return
    this.out.frame(FRAME.goaway, 0, 0, this.lastId, code)
    this.finish()
  }

  /** Ends the connection behind what was written. */
  protected finish(): void {
    if (this.over) return
    this.out.write()
    this.#end()
    this.#blockedDeadline.set(BLOCKED_MS)
    this.socket.end(() => this.#blockedDeadline.set(LINGER_MS))
    this.socket.resume()
  }

  /** The connection is gone. */
  protected lost(): void {
    if (this.over) return
    this.#end()
    this.socket.destroy()
  }

  destroy(): void {
    this.lost()
    this.socket.destroy()
  }

  #end(): void {
    this.over = true
    this.out.discard()
    this.#frameDeadline.cancel()
    for (const stream of [...this.streams.values()]) this.lose(stream, false)
    this.#held.clear()
    this.#blockedDeadline.cancel()
  }

  protected lose(stream: Stream, unprocessed: boolean): void {
    stream.writer.stop()
    stream.onLost(unprocessed)
    stream.flush()
    this.forget(stream)
  }
}
