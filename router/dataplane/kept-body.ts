import type { BodySink } from './http1/chunked.ts'
import type { Output } from './sides.ts'

/** Longest body that is kept, in bytes. */
const KEPT_LIMIT = 64 * 1024

/** Passes a request's body on and keeps a copy while it is short, so that it can be sent once more. */
export class KeptBody implements BodySink {
  #writer: Output
  readonly #pieces: Buffer[] = []
  #length = 0

  constructor(writer: Output) {
    this.#writer = writer
  }

  /** Whether all of what was passed on is still here. */
  get whole(): boolean {
    return this.#length <= KEPT_LIMIT
  }

  bodyBytes(bytes: Buffer, start: number, end: number): void {
    this.#writer.bodyBytes(bytes, start, end)
    this.#length += end - start
    if (this.whole) this.#pieces.push(Buffer.from(bytes.subarray(start, end)))
    else this.#pieces.length = 0
  }

  /** Writes what was kept to another connection, which gets the rest too. */
  moveTo(writer: Output): void {
    this.#writer = writer
    for (const piece of this.#pieces) writer.bodyBytes(piece, 0, piece.length)
  }
}
