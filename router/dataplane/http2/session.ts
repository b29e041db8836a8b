import type { Socket } from 'node:net'
import { HeldBytes } from '../http1/held.ts'
import type { ByteReader } from '../http1/socket.ts'
import { Deadline, type Wheel } from '../wheel.ts'
import { Calm, COST } from './calm.ts'
import { FrameReader, type FrameTaker } from './frame-reader.ts'
import { CODE, FIRST_WINDOW, FLAG, FRAME, SETTING, uint31, uint32, WINDOW_LIMIT } from './frames.ts'
import { Decoder, type FieldTaker } from './hpack/decoder.ts'
import { Encoder } from './hpack/encoder.ts'
import { STREAM_WINDOW } from './inflow.ts'
import type { FrameOutput } from './output.ts'
import type { Stream, StreamSession } from './stream.ts'
import type { StreamWriter } from './stream-writer.ts'

/** What may arrive on all streams together before it is taken, in bytes. */
const SESSION_WINDOW = 1024 * 1024
/** Longest header block as it is sent, in bytes; what it may hold is less. */
const BLOCK_LIMIT = 64 * 1024
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
export abstract class Session implements StreamSession, ByteReader, FrameTaker {
  readonly encoder = new Encoder()
  readonly streams = new Map<number, Stream>()
  sendWindow = FIRST_WINDOW
  peerWindow = FIRST_WINDOW
  /** Most streams that the peer takes at once. */
  protected peerStreams = Number.POSITIVE_INFINITY
  /** The highest stream of the peer's that is, or was, served. */
  protected lastId = 0
  /** GOAWAY has been sent, or the connection is lost: nothing that arrives counts any more. */
  protected over = false
  /** When bytes arrived last, in monotonic milliseconds. */
  protected heardAt: number
  protected readonly wheel: Wheel
  readonly #calm: Calm
  readonly #reader = new FrameReader(this)
  readonly #decoder = new Decoder()
  readonly #block = new HeldBytes()
  readonly #held = new Set<StreamWriter>()
  readonly #frameDeadline: Deadline
  readonly #blockedDeadline: Deadline
  readonly #reset = new Set<number>()
  #touched: Stream[] = []
  #taking = false
  #settled = false
  #window = SESSION_WINDOW
  #untold = 0
  /** The stream whose header block has begun; 0: none. */
  #blockId = 0
  #blockFlags = 0
  #dataStream: Stream | undefined
  #dataLength = 0
  #dataLeft = 0

  constructor(wheel: Wheel) {
    this.wheel = wheel
    this.heardAt = wheel.now()
    this.#calm = new Calm(() => wheel.now())
    this.#frameDeadline = new Deadline(wheel, () => this.fail(CODE.enhanceYourCalm))
    this.#blockedDeadline = new Deadline(wheel, () => this.socket.destroy())
  }

  abstract readonly socket: Socket
  abstract readonly out: FrameOutput
  /** The stream that a header block on `id` is for; undefined: nobody's, and it is only decoded. A number: it ends the connection. */
  protected abstract streamFor(id: number): Stream | number | undefined
  /** The peer sends no more streams, or takes none above `lastId`. */
  protected abstract onGoaway(lastId: number, code: number): void
  protected abstract onSettings(): void
  protected abstract onPingAck(): void
  /** A stream has ended; `idle`: it was the last one. */
  protected abstract onStreamEnd(stream: Stream, idle: boolean): void
  protected abstract onClosed(): void

  /** Whether the connection's own window is given back when bytes arrive, not when they are taken. */
  protected abstract readonly generous: boolean

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
    if (this.#reader.begun || this.#blockId !== 0) {
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

  /** Takes from the budget of what costs the peer nothing; an error code where nothing is left of it. */
  protected spend(cost: number): number {
    return this.#calm.spend(cost) ? CODE.none : CODE.enhanceYourCalm
  }

  held(writer: StreamWriter): void {
    this.#held.add(writer)
  }

  taken(length: number): void {
    if (!this.generous) this.#tell(length)
  }

  #tell(length: number): void {
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

  // Frames.

  onFrameHeader(type: number, flags: number, id: number): number {
    if (!this.#settled) {
      // Whatever the peer speaks, it begins with its settings (RFC 9113 §3.4).
      if (type !== FRAME.settings || (flags & FLAG.ack) !== 0 || id !== 0) return CODE.protocol
      this.#settled = true
    }
    // Nothing may stand between the frames of a header block.
    if ((type === FRAME.continuation) !== (this.#blockId !== 0)) return CODE.protocol
    return this.#blockId === 0 || this.#blockId === id ? CODE.none : CODE.protocol
  }

  onFrame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): number {
    switch (type) {
      case FRAME.headers:
        return this.#onHeaders(flags, id, bytes, start, end)
      case FRAME.continuation:
        return this.#onContinuation(flags, bytes, start, end)
      case FRAME.priority:
        return this.#onPriority(id, bytes, start, end)
      case FRAME.rstStream:
        return this.#onRstStream(id, bytes, start, end)
      case FRAME.settings:
        return this.#onSettingsFrame(flags, id, bytes, start, end)
      case FRAME.ping:
        return this.#onPing(flags, id, bytes, start, end)
      case FRAME.goaway:
        if (id !== 0) return CODE.protocol
        if (end - start < 8) return CODE.frameSize
        this.onGoaway(uint31(bytes, start), uint32(bytes, start + 4))
        return this.spend(COST.control)
      case FRAME.windowUpdate:
        return this.#onWindowUpdate(id, bytes, start, end)
      case FRAME.pushPromise:
        // A client may not push, and a server was told not to.
        return CODE.protocol
      default:
        return this.spend(COST.control)
    }
  }

  #onHeaders(flags: number, id: number, bytes: Buffer, start: number, end: number): number {
    if (id === 0) return CODE.protocol
    let from = start
    let to = end
    if ((flags & FLAG.padded) !== 0) to -= bytes[from++] ?? 0
    if ((flags & FLAG.priority) !== 0) {
      if (to - from >= 5 && uint31(bytes, from) === id) return CODE.protocol
      from += 5
    }
    if (to < from || (start === end && from > start)) return CODE.protocol
    if ((flags & FLAG.endHeaders) !== 0) return this.#onBlock(flags, id, bytes, from, to)
    this.#blockId = id
    this.#blockFlags = flags
    this.#block.add(bytes, from, to)
    return to === from ? this.spend(COST.empty) : CODE.none
  }

  #onContinuation(flags: number, bytes: Buffer, start: number, end: number): number {
    this.#block.add(bytes, start, end)
    if (this.#block.length > BLOCK_LIMIT) return CODE.enhanceYourCalm
    if ((flags & FLAG.endHeaders) === 0) return this.spend(end - start < 64 ? COST.refused : COST.empty)
    const id = this.#blockId
    this.#blockId = 0
    const whole = this.#block.view()
    this.#block.drop(whole.length)
    return this.#onBlock(this.#blockFlags, id, whole, 0, whole.length)
  }

  #onBlock(flags: number, id: number, bytes: Buffer, start: number, end: number): number {
    const found = this.#reset.has(id) ? undefined : (this.streams.get(id) ?? this.streamFor(id))
    if (typeof found === 'number') return found
    if (found === undefined) {
      return this.#decoder.decode(bytes, start, end, NOBODY) ? this.spend(COST.refused) : CODE.compression
    }
    if (found.remoteEnded) return CODE.streamClosed
    if (!this.#decoder.decode(bytes, start, end, found.fieldTaker())) return CODE.compression
    found.onBlock((flags & FLAG.endStream) !== 0)
    this.touch(found)
    return this.spend(0)
  }

  #onPriority(id: number, bytes: Buffer, start: number, end: number): number {
    if (id === 0) return CODE.protocol
    if (end - start !== 5) return this.#streamFault(id, CODE.frameSize)
    if (uint31(bytes, start) === id) return this.#streamFault(id, CODE.protocol)
    return this.spend(COST.control)
  }

  #onRstStream(id: number, bytes: Buffer, start: number, end: number): number {
    if (end - start !== 4) return CODE.frameSize
    if (id === 0 || this.isIdle(id)) return CODE.protocol
    const stream = this.streams.get(id)
    if (stream === undefined) return this.spend(COST.control)
    stream.writer.stop()
    stream.onReset(uint32(bytes, start))
    this.touch(stream)
    this.forget(stream)
    return this.spend(COST.reset)
  }

  #onSettingsFrame(flags: number, id: number, bytes: Buffer, start: number, end: number): number {
    if (id !== 0) return CODE.protocol
    if ((flags & FLAG.ack) !== 0) return end === start ? this.spend(COST.control) : CODE.frameSize
    if ((end - start) % 6 !== 0) return CODE.frameSize
    for (let at = start; at < end; at += 6) {
      const fault = this.#set(bytes.readUInt16BE(at), uint32(bytes, at + 2))
      if (fault !== CODE.none) return fault
    }
    this.out.frame(FRAME.settings, FLAG.ack, 0)
    this.onSettings()
    return this.spend(COST.control + (end - start) / 60)
  }

  #set(name: number, value: number): number {
    switch (name) {
      case SETTING.headerTableSize:
        this.encoder.resize(value)
        return CODE.none
      case SETTING.enablePush:
        return value > 1 ? CODE.protocol : CODE.none
      case SETTING.maxConcurrentStreams:
        this.peerStreams = value
        return CODE.none
      case SETTING.initialWindowSize:
        return this.#setWindow(value)
      case SETTING.maxFrameSize:
        return value < 16_384 || value > 16_777_215 ? CODE.protocol : CODE.none
      default:
        return CODE.none
    }
  }

  #setWindow(value: number): number {
    if (value > WINDOW_LIMIT) return CODE.flowControl
    const more = value - this.peerWindow
    this.peerWindow = value
    for (const { writer } of [...this.streams.values()]) {
      writer.window += more
      if (writer.window > WINDOW_LIMIT) return CODE.flowControl
      if (more > 0) writer.proceed()
    }
    return CODE.none
  }

  #onPing(flags: number, id: number, bytes: Buffer, start: number, end: number): number {
    if (id !== 0) return CODE.protocol
    if (end - start !== 8) return CODE.frameSize
    if ((flags & FLAG.ack) !== 0) this.onPingAck()
    else this.out.frame(FRAME.ping, FLAG.ack, 0, uint32(bytes, start), uint32(bytes, start + 4))
    return this.spend(COST.control)
  }

  #onWindowUpdate(id: number, bytes: Buffer, start: number, end: number): number {
    if (end - start !== 4) return CODE.frameSize
    const more = uint31(bytes, start)
    if (id === 0) {
      this.sendWindow += more
      if (more === 0) return CODE.protocol
      if (this.sendWindow > WINDOW_LIMIT) return CODE.flowControl
      for (const writer of [...this.#held]) {
        this.#held.delete(writer)
        writer.proceed()
        if (writer.holding) this.#held.add(writer)
      }
      return this.spend(COST.control)
    }
    if (this.isIdle(id)) return CODE.protocol
    const stream = this.streams.get(id)
    if (stream === undefined) return this.spend(COST.control)
    if (more === 0) return this.#streamFault(id, CODE.protocol)
    stream.writer.window += more
    if (stream.writer.window > WINDOW_LIMIT) return this.#streamFault(id, CODE.flowControl)
    stream.writer.proceed()
    return this.spend(COST.control)
  }

  onDataFrame(id: number, length: number): number {
    if (id === 0 || this.isIdle(id)) return CODE.protocol
    this.#window -= length
    if (this.#window < 0) return CODE.flowControl
    if (this.generous) this.#tell(length)
    const stream = this.streams.get(id)
    this.#dataStream = stream
    this.#dataLeft = length
    this.#dataLength = length
    if (stream === undefined || stream.remoteEnded) {
      this.#dataStream = undefined
      this.taken(length)
      // What was on its way when the stream was reset here is nobody's fault.
      return this.#reset.has(id) ? this.spend(COST.control) : CODE.streamClosed
    }
    if (!stream.onDataFrame(length)) {
      this.#dataStream = undefined
      this.taken(length)
      return this.#streamFault(id, CODE.flowControl)
    }
    return CODE.none
  }

  onData(bytes: Buffer, start: number, end: number): number {
    this.#dataLeft -= end - start
    if (this.#dataStream === undefined) return CODE.none
    this.#dataStream.onData(bytes, start, end)
    this.touch(this.#dataStream)
    return CODE.none
  }

  onDataFrameEnd(endStream: boolean): number {
    const stream = this.#dataStream
    this.#dataStream = undefined
    if (stream === undefined) return CODE.none
    if (this.#dataLeft > 0) stream.onPadding(this.#dataLeft)
    if (endStream) stream.onDataEnd()
    else if (this.#dataLeft === this.#dataLength) return this.spend(COST.empty)
    this.touch(stream)
    return CODE.none
  }

  /** Whether a stream with this number has never been opened. */
  protected abstract isIdle(id: number): boolean

  #streamFault(id: number, code: number): number {
    const stream = this.streams.get(id)
    if (stream === undefined) return this.isIdle(id) ? CODE.protocol : this.spend(COST.control)
    stream.writer.stop()
    this.resetStream(id, code)
    stream.onReset(code)
    this.touch(stream)
    this.forget(stream)
    return this.spend(COST.reset)
  }
}

const NOBODY: FieldTaker = { onField() {} }
