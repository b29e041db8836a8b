import { CODE, FLAG, FRAME, FRAME_HEADER, FRAME_LIMIT, uint31 } from './frames.ts'

/** Who takes frames. Bytes are valid during the call only. A number other than `CODE.none` ends the connection. */
export type FrameTaker = {
  /** A frame's header has arrived, before anything of its payload. */
  onFrameHeader(type: number, flags: number, id: number): number
  /** Any frame but DATA, whole. */
  onFrame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): number
  /** A DATA frame begins; `length` is what it takes from the windows. */
  onDataFrame(id: number, length: number): number
  /** Part of a DATA frame. */
  onData(bytes: Buffer, start: number, end: number): number
  onDataFrameEnd(endStream: boolean): number
}

const HEADER = 0
const PAYLOAD = 1
const PAD_LENGTH = 2
const DATA = 3
const PADDING = 4

/** Cuts one connection's bytes into frames, however they are split. Only DATA is passed on in pieces. */
export class FrameReader {
  readonly #taker: FrameTaker
  #state = HEADER
  #type = 0
  #flags = 0
  #id = 0
  /** What is still to come of the payload, or of its data where it is padded. */
  #left = 0
  #padding = 0
  /** A header or payload that has arrived in part. */
  #partial: Buffer = NOTHING
  #filled = 0

  constructor(taker: FrameTaker) {
    this.#taker = taker
  }

  /** Whether part of a frame other than DATA has arrived. */
  get begun(): boolean {
    return this.#filled > 0
  }

  /** Takes all of it. Returns `CODE.none`, or why the connection is at its end. */
  read(bytes: Buffer, start: number, end: number): number {
    let at = start
    while (at < end || (this.#state !== HEADER && this.#left === 0)) {
      let next: number
      if (this.#state === HEADER) next = this.#readHeader(bytes, at, end)
      else if (this.#state === PAYLOAD) next = this.#readPayload(bytes, at, end)
      else next = this.#readData(bytes, at, end)
      if (next < 0) return -next
      at = next
    }
    return CODE.none
  }

  /** Returns where it stopped, or what ends the connection as a negative number; so do the others. */
  #readHeader(bytes: Buffer, at: number, end: number): number {
    if (this.#filled === 0 && end - at >= FRAME_HEADER) return this.#begin(bytes, at, at + FRAME_HEADER)
    if (this.#filled === 0) this.#partial = Buffer.allocUnsafeSlow(FRAME_HEADER)
    const stop = Math.min(end, at + FRAME_HEADER - this.#filled)
    this.#filled += bytes.copy(this.#partial, this.#filled, at, stop)
    if (this.#filled < FRAME_HEADER) return stop
    this.#filled = 0
    return this.#begin(this.#partial, 0, stop)
  }

  #begin(bytes: Buffer, at: number, next: number): number {
    const length = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    this.#type = bytes[at + 3] ?? 0
    this.#flags = bytes[at + 4] ?? 0
    this.#id = uint31(bytes, at + 5)
    this.#left = length
    if (length > FRAME_LIMIT) return -CODE.frameSize
    const fault = this.#taker.onFrameHeader(this.#type, this.#flags, this.#id)
    if (fault !== CODE.none) return -fault
    if (this.#type !== FRAME.data) {
      this.#state = PAYLOAD
      return next
    }
    this.#padding = 0
    this.#state = (this.#flags & FLAG.padded) === 0 ? DATA : PAD_LENGTH
    if (this.#state === PAD_LENGTH && length === 0) return -CODE.frameSize
    const refused = this.#taker.onDataFrame(this.#id, length)
    return refused === CODE.none ? next : -refused
  }

  #readPayload(bytes: Buffer, at: number, end: number): number {
    if (this.#filled === 0 && end - at >= this.#left) {
      const stop = at + this.#left
      this.#state = HEADER
      const fault = this.#taker.onFrame(this.#type, this.#flags, this.#id, bytes, at, stop)
      return fault === CODE.none ? stop : -fault
    }
    if (this.#filled === 0) this.#partial = Buffer.allocUnsafeSlow(this.#left)
    const stop = Math.min(end, at + this.#left - this.#filled)
    this.#filled += bytes.copy(this.#partial, this.#filled, at, stop)
    if (this.#filled < this.#left) return stop
    const length = this.#filled
    this.#state = HEADER
    this.#filled = 0
    const fault = this.#taker.onFrame(this.#type, this.#flags, this.#id, this.#partial, 0, length)
    return fault === CODE.none ? stop : -fault
  }

  #readData(bytes: Buffer, at: number, end: number): number {
    let from = at
    if (this.#state === PAD_LENGTH) {
      this.#padding = bytes[from++] ?? 0
      this.#left -= 1 + this.#padding
      // The padding would reach beyond the frame (RFC 9113 §6.1).
      if (this.#left < 0) return -CODE.protocol
      this.#state = DATA
    }
    const stop = Math.min(end, from + this.#left)
    this.#left -= stop - from
    if (this.#state === DATA && stop > from) {
      const fault = this.#taker.onData(bytes, from, stop)
      if (fault !== CODE.none) return -fault
    }
    if (this.#left > 0) return stop
    if (this.#state === DATA && this.#padding > 0) {
      this.#state = PADDING
      this.#left = this.#padding
      return stop
    }
    this.#state = HEADER
    const fault = this.#taker.onDataFrameEnd((this.#flags & FLAG.endStream) !== 0)
    return fault === CODE.none ? stop : -fault
  }
}

const NOTHING = Buffer.alloc(0)
