import { type BodySink, ChunkedDecoder } from './chunked.ts'
import type { Fields } from './fields.ts'
import type { Framing } from './response-head.ts'

/** Reads one body after another off a connection, by its framing, without ever collecting it. */
export class BodyReader {
  #framing: Framing = 'none'
  #left = 0
  #chunked: ChunkedDecoder | undefined
  /** Length of a chunked body as far as its chunks have announced it, in bytes. */
  announced = 0
  /** Fields behind a chunked body that has ended; undefined: none. */
  trailers: Fields | undefined

  /** `length` counts where `framing` is `length`. */
  begin(framing: Framing, length: number): void {
    this.#framing = framing === 'length' && length === 0 ? 'none' : framing
    this.#left = length
    this.announced = 0
    this.trailers = undefined
    if (framing !== 'chunked') return
    this.#chunked ??= new ChunkedDecoder()
    this.#chunked.begin()
  }

  /** Whether all of the body has been read. One that ends with its connection never says so itself. */
  get done(): boolean {
    return this.#framing === 'none'
  }

  /** Whether the end of the connection now is the end of the body. */
  get endsWithConnection(): boolean {
    return this.#framing === 'close'
  }

  /** Gives body bytes from `start` on to `sink`; returns where the body or the input ends, or -1: malformed. */
  read(bytes: Buffer, start: number, end: number, sink: BodySink): number {
    if (this.#framing === 'none' || start === end) return start
    if (this.#chunked !== undefined && this.#framing === 'chunked') {
      const stop = this.#chunked.read(bytes, start, end, sink)
      this.announced = this.#chunked.announced
      if (this.#chunked.done) {
        this.#framing = 'none'
        this.trailers = this.#chunked.trailers
      }
      return stop
    }
    if (this.#framing === 'close') {
      sink.bodyBytes(bytes, start, end)
      return end
    }
    const stop = Math.min(end, start + this.#left)
    this.#left -= stop - start
    if (this.#left === 0) this.#framing = 'none'
    sink.bodyBytes(bytes, start, stop)
    return stop
  }
}
