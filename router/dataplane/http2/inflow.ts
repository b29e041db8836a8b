import type { BodySink } from '../http1/chunked.ts'
import { HeldBytes } from '../http1/held.ts'
import { FRAME } from './frames.ts'
import type { FrameOutput } from './output.ts'

/** What the peer may send on one stream before it is told that some of it was taken, in bytes. */
export const STREAM_WINDOW = 128 * 1024

/** What the streams of one connection share on their way in. */
export type Receiving = {
  readonly out: FrameOutput
  /** So many bytes have been taken, or thrown away. */
  taken(length: number): void
}

/**
 * The body that arrives on one stream: passed on as it comes while somebody takes it, else held, and then the peer
 * gets no further than its window.
 */
export class Inflow {
  id = 0
  /** Bytes that have arrived. */
  received = 0
  /** The peer has ended the stream. */
  ended = false
  #receiving: Receiving | undefined
  readonly #onDone: () => void
  readonly #held = new HeldBytes()
  #sink: BodySink | undefined
  #window = STREAM_WINDOW
  #untold = 0
  #done = false
  #closed = false

  /** `onDone`: the body has been passed on to its end. */
  constructor(onDone: () => void) {
    this.#onDone = onDone
  }

  begin(receiving: Receiving, id: number): void {
    this.#receiving = receiving
    this.id = id
    this.received = 0
    this.ended = false
    this.#sink = undefined
    this.#window = STREAM_WINDOW
    this.#untold = 0
    this.#done = false
    this.#closed = false
  }

  /** Whether the body has been passed on to its end. */
  get done(): boolean {
    return this.#done
  }

  /** Whether somebody takes it. */
  get open(): boolean {
    return this.#sink !== undefined
  }

  /** Whether bytes, or the end, wait for somebody. */
  get waiting(): boolean {
    return this.#held.length > 0 || (this.ended && !this.#done)
  }

  /** A frame takes this from the window; false where it is more than was allowed. */
  reserve(length: number): boolean {
    this.#window -= length
    return this.#window >= 0
  }

  /** Bytes that carry nothing, such as padding. */
  skip(length: number): void {
    this.#taken(length)
  }

  take(bytes: Buffer, start: number, end: number): void {
    this.received += end - start
    if (this.#sink === undefined) {
      this.#held.add(bytes, start, end)
      return
    }
    this.#sink.bodyBytes(bytes, start, end)
    this.#taken(end - start)
  }

  end(): void {
    this.ended = true
    if (this.#sink !== undefined && this.#held.length === 0) this.#finish()
  }

  /** Bytes go to `sink` from now on, those that wait first. */
  pass(sink: BodySink): void {
    this.#sink = sink
    const { length } = this.#held
    if (length > 0) {
      // Whoever takes them may end it all meanwhile.
      const waiting = this.#held.view()
      sink.bodyBytes(waiting, 0, length)
      this.#held.drop(Math.min(length, this.#held.length))
      this.#taken(length)
    }
    if (this.ended && !this.#done && this.#held.length === 0) this.#finish()
  }

  hold(): void {
    this.#sink = undefined
  }

  /** What waits, and what is still to come, is of use to nobody. */
  discard(): void {
    this.#sink = NOWHERE
    const { length } = this.#held
    if (length === 0) return
    this.#held.drop(length)
    this.#taken(length)
  }

  /** The stream is gone: as `discard`, and the peer hears no more of its window (RFC 9113 §5.1). */
  close(): void {
    this.#closed = true
    this.discard()
  }

  #finish(): void {
    this.#done = true
    this.#onDone()
  }

  #taken(length: number): void {
    if (length === 0 || this.#receiving === undefined) return
    this.#receiving.taken(length)
    this.#untold += length
    if (this.ended || this.#closed || this.#untold < STREAM_WINDOW / 2) return
    this.#receiving.out.frame(FRAME.windowUpdate, 0, this.id, this.#untold)
    this.#window += this.#untold
    this.#untold = 0
  }
}

const NOWHERE: BodySink = { bodyBytes() {} }
