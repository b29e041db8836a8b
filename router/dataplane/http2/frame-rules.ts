import { HeldBytes } from '../http1/held.ts'
import { COST } from './calm.ts'
import type { FrameTaker } from './frame-reader.ts'
import { CODE, FLAG, FRAME, SETTING, uint31, uint32, WINDOW_LIMIT } from './frames.ts'
import { Decoder, type FieldTaker } from './hpack/decoder.ts'
import type { Stream, StreamSession } from './stream.ts'

/** The connection that frames arrive on. Error codes other than `CODE.none` end it. */
export type FrameSession = StreamSession & {
  readonly streams: ReadonlyMap<number, Stream>
  peerWindow: number
  /** Most streams that the peer takes at once. */
  peerStreams: number
  /** Whether the connection's own window is given back when bytes arrive, not when they are taken. */
  readonly generous: boolean
  /** The stream that a header block on `id` is for; undefined: nobody's, and it is only decoded. A number: it ends the connection. */
  streamFor(id: number): Stream | number | undefined
  /** Whether a stream with this number has never been opened. */
  isIdle(id: number): boolean
  /** Whether it was reset here a short while ago, and may still be spoken of. */
  wasReset(id: number): boolean
  /** Takes from the budget of what costs the peer nothing; an error code where nothing is left of it. */
  spend(cost: number): number
  /** So many bytes take from the connection's window; false where they are more than was allowed. */
  reserve(length: number): boolean
  /** Gives so many back. */
  give(length: number): void
  /** The peer takes more on the connection: what waited for that goes on. */
  proceed(): void
  onSettings(): void
  onPingAck(): void
  /** The peer takes no streams above `lastId`. */
  onGoaway(lastId: number, code: number): void
}

/** Longest header block as it is sent, in bytes; what it may hold is less. */
const BLOCK_LIMIT = 64 * 1024

/** What each frame means, and which are wrong where they stand (RFC 9113 §6). */
export class FrameRules implements FrameTaker {
  readonly #session: FrameSession
  readonly #decoder = new Decoder()
  readonly #block = new HeldBytes()
  #settled = false
  /** The stream whose header block has begun; 0: none. */
  #blockId = 0
  #blockFlags = 0
  #dataStream: Stream | undefined
  #dataLength = 0
  #dataLeft = 0

  constructor(session: FrameSession) {
    this.#session = session
  }

  /** Whether a header block has begun and not ended. */
  get inBlock(): boolean {
    return this.#blockId !== 0
  }

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
        this.#session.onGoaway(uint31(bytes, start), uint32(bytes, start + 4))
        return this.#session.spend(COST.control)
      case FRAME.windowUpdate:
        return this.#onWindowUpdate(id, bytes, start, end)
      case FRAME.pushPromise:
        // A client may not push, and a server was told not to.
        return CODE.protocol
      default:
        return this.#session.spend(COST.control)
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
    return to === from ? this.#session.spend(COST.empty) : CODE.none
  }

  #onContinuation(flags: number, bytes: Buffer, start: number, end: number): number {
    this.#block.add(bytes, start, end)
    if (this.#block.length > BLOCK_LIMIT) return CODE.enhanceYourCalm
    if ((flags & FLAG.endHeaders) === 0) return this.#session.spend(end - start < 64 ? COST.refused : COST.empty)
    const id = this.#blockId
    this.#blockId = 0
    const whole = this.#block.view()
    this.#block.drop(whole.length)
    return this.#onBlock(this.#blockFlags, id, whole, 0, whole.length)
  }

  #onBlock(flags: number, id: number, bytes: Buffer, start: number, end: number): number {
    const found = this.#session.wasReset(id)
      ? undefined
      : (this.#session.streams.get(id) ?? this.#session.streamFor(id))
    if (typeof found === 'number') return found
    if (found === undefined) {
      return this.#decoder.decode(bytes, start, end, NOBODY) ? this.#session.spend(COST.refused) : CODE.compression
    }
    if (found.remoteEnded) return CODE.streamClosed
    if (!this.#decoder.decode(bytes, start, end, found.fieldTaker())) return CODE.compression
    found.onBlock((flags & FLAG.endStream) !== 0)
    this.#session.touch(found)
    return this.#session.spend(0)
  }

  #onPriority(id: number, bytes: Buffer, start: number, end: number): number {
    if (id === 0) return CODE.protocol
    if (end - start !== 5) return this.#streamFault(id, CODE.frameSize)
    if (uint31(bytes, start) === id) return this.#streamFault(id, CODE.protocol)
    return this.#session.spend(COST.control)
  }

  #onRstStream(id: number, bytes: Buffer, start: number, end: number): number {
    if (end - start !== 4) return CODE.frameSize
    if (id === 0 || this.#session.isIdle(id)) return CODE.protocol
    const stream = this.#session.streams.get(id)
    if (stream === undefined) return this.#session.spend(COST.control)
    stream.writer.stop()
    stream.onReset(uint32(bytes, start))
    this.#session.touch(stream)
    this.#session.forget(stream)
    return this.#session.spend(COST.reset)
  }

  #onSettingsFrame(flags: number, id: number, bytes: Buffer, start: number, end: number): number {
    if (id !== 0) return CODE.protocol
    if ((flags & FLAG.ack) !== 0) return end === start ? this.#session.spend(COST.control) : CODE.frameSize
    if ((end - start) % 6 !== 0) return CODE.frameSize
    for (let at = start; at < end; at += 6) {
      const fault = this.#set(bytes.readUInt16BE(at), uint32(bytes, at + 2))
      if (fault !== CODE.none) return fault
    }
    this.#session.out.frame(FRAME.settings, FLAG.ack, 0)
    this.#session.onSettings()
    return this.#session.spend(COST.control + (end - start) / 60)
  }

  #set(name: number, value: number): number {
    switch (name) {
      case SETTING.headerTableSize:
        this.#session.encoder.resize(value)
        return CODE.none
      case SETTING.enablePush:
        return value > 1 ? CODE.protocol : CODE.none
      case SETTING.maxConcurrentStreams:
        this.#session.peerStreams = value
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
    const more = value - this.#session.peerWindow
    this.#session.peerWindow = value
    for (const { writer } of [...this.#session.streams.values()]) {
      writer.window += more
      if (writer.window > WINDOW_LIMIT) return CODE.flowControl
      if (more > 0) writer.proceed()
    }
    return CODE.none
  }

  #onPing(flags: number, id: number, bytes: Buffer, start: number, end: number): number {
    if (id !== 0) return CODE.protocol
    if (end - start !== 8) return CODE.frameSize
    if ((flags & FLAG.ack) !== 0) this.#session.onPingAck()
    else this.#session.out.frame(FRAME.ping, FLAG.ack, 0, uint32(bytes, start), uint32(bytes, start + 4))
    return this.#session.spend(COST.control)
  }

  #onWindowUpdate(id: number, bytes: Buffer, start: number, end: number): number {
    if (end - start !== 4) return CODE.frameSize
    const more = uint31(bytes, start)
    if (id === 0) {
      this.#session.sendWindow += more
      if (more === 0) return CODE.protocol
      if (this.#session.sendWindow > WINDOW_LIMIT) return CODE.flowControl
      this.#session.proceed()
      return this.#session.spend(COST.control)
    }
    if (this.#session.isIdle(id)) return CODE.protocol
    const stream = this.#session.streams.get(id)
    if (stream === undefined) return this.#session.spend(COST.control)
    if (more === 0) return this.#streamFault(id, CODE.protocol)
    stream.writer.window += more
    if (stream.writer.window > WINDOW_LIMIT) return this.#streamFault(id, CODE.flowControl)
    stream.writer.proceed()
    return this.#session.spend(COST.control)
  }

  onDataFrame(id: number, length: number): number {
    if (id === 0 || this.#session.isIdle(id)) return CODE.protocol
    if (!this.#session.reserve(length)) return CODE.flowControl
    if (this.#session.generous) this.#session.give(length)
    const stream = this.#session.streams.get(id)
    this.#dataStream = stream
    this.#dataLeft = length
    this.#dataLength = length
    if (stream === undefined || stream.remoteEnded) {
      this.#dataStream = undefined
      this.#session.taken(length)
      // What was on its way when the stream was reset here is nobody's fault.
      return this.#session.wasReset(id) ? this.#session.spend(COST.control) : CODE.streamClosed
    }
    if (!stream.onDataFrame(length)) {
      this.#dataStream = undefined
      this.#session.taken(length)
      return this.#streamFault(id, CODE.flowControl)
    }
    return CODE.none
  }

  onData(bytes: Buffer, start: number, end: number): number {
    this.#dataLeft -= end - start
    if (this.#dataStream === undefined) return CODE.none
    this.#dataStream.onData(bytes, start, end)
    this.#session.touch(this.#dataStream)
    return CODE.none
  }

  onDataFrameEnd(endStream: boolean): number {
    const stream = this.#dataStream
    this.#dataStream = undefined
    if (stream === undefined) return CODE.none
    if (this.#dataLeft > 0) stream.onPadding(this.#dataLeft)
    if (endStream) stream.onDataEnd()
    else if (this.#dataLeft === this.#dataLength) return this.#session.spend(COST.empty)
    this.#session.touch(stream)
    return CODE.none
  }

  #streamFault(id: number, code: number): number {
    const stream = this.#session.streams.get(id)
    if (stream === undefined) return this.#session.isIdle(id) ? CODE.protocol : this.#session.spend(COST.control)
    stream.writer.stop()
    this.#session.resetStream(id, code)
    stream.onReset(code)
    this.#session.touch(stream)
    this.#session.forget(stream)
    return this.#session.spend(COST.reset)
  }
}

const NOBODY: FieldTaker = { onField() {} }
