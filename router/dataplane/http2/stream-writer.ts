import { HeldBytes } from '../http1/held.ts'
import type { Output } from '../sides.ts'
import { GAIN } from './calm.ts'
import { FLAG, FRAME, FRAME_HEADER, FRAME_LIMIT, writeFrameHeader } from './frames.ts'
import { encodeLines } from './head-lines.ts'
import type { Encoder } from './hpack/encoder.ts'
import type { FrameOutput } from './output.ts'

/** What the streams of one connection share on their way out. */
export type Sending = {
  readonly out: FrameOutput
  readonly encoder: Encoder
  /** What the peer takes on the connection before it says so. */
  sendWindow: number
  /** This one has bytes that only the peer can let go: it is told when there is room. */
  held(writer: StreamWriter): void
  /** Real work was done. */
  earn(amount: number): void
}

/** Whose output it is. */
export type WriterOwner = {
  /** Encodes a head; returns where what follows it begins. */
  encodeHead(text: string, encoder: Encoder): number
  /** The output was blocked, and is so no more. */
  onWritable(): void
  /** Everything has been written, to the end of the stream. */
  onSent(): void
}

/** Room for what a block may be longer than its text. */
const ROOM = 4096
/** Less than this at a time, because the peer opens its window by so little, is not work. */
const DRIBBLE = 1024

/** Output of one stream: heads, bodies as far as the peer's windows reach, trailers. */
export class StreamWriter implements Output {
  /** Nothing depends on it: the end of a body is always seen. */
  chunked = false
  id = 0
  /** What the peer takes on this stream before it says so. */
  window = 0
  /** The stream's last byte has been written, or nothing more will be. */
  ended = true
  #sending: Sending | undefined
  readonly #owner: WriterOwner
  readonly #pending = new HeldBytes()
  /** What ends the stream, once what is pending has gone. */
  #trailers: string | undefined
  /** Flags of this stream's last frame, while they can still be changed. */
  #flagsAt = -1
  #flagsTurn = -1
  /** It said that it takes no more for now. */
  #blocked = false

  constructor(owner: WriterOwner) {
    this.#owner = owner
  }

  begin(sending: Sending, id: number, window: number): void {
    this.#sending = sending
    this.id = id
    this.window = window
    this.ended = false
    this.#trailers = undefined
    this.#flagsAt = -1
    this.#blocked = false
  }

  head(text: string): void {
    const sending = this.#sending
    if (this.ended || sending === undefined) return
    const { out, encoder } = sending
    out.reserve(text.length + ROOM)
    const start = out.at
    encoder.begin(out.buffer, start + FRAME_HEADER)
    const bodyAt = this.#owner.encodeHead(text, encoder)
    this.#frames(sending, start, 0)
    this.#flagsAt = start + 4
    this.#flagsTurn = out.turn
    if (bodyAt === text.length) return
    const body = Buffer.from(text.substring(bodyAt), 'latin1')
    this.bodyBytes(body, 0, body.length)
  }

  bodyBytes(bytes: Buffer, start: number, end: number): void {
    const sending = this.#sending
    if (this.ended || sending === undefined) return
    const next = this.#pending.length > 0 ? start : this.#send(sending, bytes, start, end)
    if (next === end) return
    this.#pending.add(bytes, next, end)
    sending.held(this)
  }

  endBody(trailers: string): void {
    const sending = this.#sending
    // Who ends the exchange ends the body once more: what ends it first counts, also while it waits for a window.
    if (this.ended || sending === undefined || this.#trailers !== undefined) return
    if (this.#pending.length > 0) this.#trailers = trailers
    else this.#end(sending, trailers)
  }

  flush(): boolean {
    this.#blocked = !this.ended && (this.#pending.length > 0 || this.#sending?.out.full === true)
    return this.#blocked
  }

  /** Whether bytes wait for a window, the stream's own or the connection's. */
  get holding(): boolean {
    return this.#pending.length > 0
  }

  /** A window has grown, or the socket takes more. */
  proceed(): void {
    const sending = this.#sending
    if (this.ended || sending === undefined) return
    if (this.#pending.length > 0) {
      const waiting = this.#pending.view()
      this.#pending.drop(this.#send(sending, waiting, 0, waiting.length))
      if (this.#pending.length > 0) return
      if (this.#trailers !== undefined) {
        this.#end(sending, this.#trailers)
        return
      }
    }
    if (!this.#blocked || sending.out.full) return
    this.#blocked = false
    this.#owner.onWritable()
  }

  /** Nothing more is written, and what waits is forgotten. */
  stop(): void {
    this.ended = true
    this.#trailers = undefined
    this.#pending.drop(this.#pending.length)
  }

  /** Writes as much as the windows take; returns where it stopped. */
  #send(sending: Sending, bytes: Buffer, start: number, end: number): number {
    const { out } = sending
    let at = start
    while (at < end) {
      const wanted = Math.min(end - at, FRAME_LIMIT)
      const length = Math.min(wanted, this.window, sending.sendWindow)
      if (length <= 0) break
      if (length === wanted || length >= DRIBBLE) sending.earn(GAIN.data)
      out.reserve(FRAME_HEADER + length)
      this.#flagsAt = out.at + 4
      this.#flagsTurn = out.turn
      out.at = writeFrameHeader(out.buffer, out.at, length, FRAME.data, 0, this.id)
      out.copy(bytes, at, at + length)
      this.window -= length
      sending.sendWindow -= length
      at += length
    }
    return at
  }

  #end({ out, encoder }: Sending, trailers: string): void {
    this.ended = true
    if (trailers !== '') {
      out.reserve(trailers.length + ROOM)
      const start = out.at
      encoder.begin(out.buffer, start + FRAME_HEADER)
      encodeLines(trailers, 0, encoder)
      this.#frames({ out, encoder }, start, FLAG.endStream)
    } else if (this.#flagsAt >= 0 && this.#flagsTurn === out.turn) {
      out.buffer[this.#flagsAt] = (out.buffer[this.#flagsAt] ?? 0) | FLAG.endStream
    } else out.frame(FRAME.data, FLAG.endStream, this.id)
    this.#owner.onSent()
  }

  /** Puts frame headers round the block that was encoded behind `start`: one frame, nearly always. */
  #frames({ out, encoder }: Pick<Sending, 'out' | 'encoder'>, start: number, flags: number): void {
    const { buffer } = out
    const from = start + FRAME_HEADER
    const length = encoder.at - from
    const more = Math.max(0, Math.ceil(length / FRAME_LIMIT) - 1)
    for (let index = more; index > 0; index--) {
      const part = from + index * FRAME_LIMIT
      const size = Math.min(FRAME_LIMIT, length - index * FRAME_LIMIT)
      const to = part + index * FRAME_HEADER
      buffer.copyWithin(to, part, part + size)
      const last = index === more ? FLAG.endHeaders : 0
      writeFrameHeader(buffer, to - FRAME_HEADER, size, FRAME.continuation, last, this.id)
    }
    const whole = more === 0 ? FLAG.endHeaders : 0
    writeFrameHeader(buffer, start, Math.min(length, FRAME_LIMIT), FRAME.headers, flags | whole, this.id)
    out.at = encoder.at + more * FRAME_HEADER
  }
}
