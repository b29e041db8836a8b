/** A close frame that says 1001, going away, as a server sends it and as a client does (RFC 6455 §5.5.1), latin1. */
export const GOING_AWAY = {
  fromServer: '\x88\x02\x03\xe9',
  fromClient: '\x88\x82\0\0\0\0\x03\xe9',
} as const

const CLOSE = 0x8

/**
 * Follows the WebSocket frames of one direction without keeping any of them, to know where one of ours would fit:
 * a close frame in the middle of another is not one (RFC 6455 §5.2).
 */
export class WebSocketFrames {
  /** A close frame has passed: nothing may follow it. */
  closed = false
  /** Bytes of the head that have passed, its size as far as it is known, and where the length in it ends. */
  #at = 0
  #size = 2
  #lengthEnd = 2
  #length = 0
  /** Bytes of the payload that are still to come. */
  #left = 0

  /** Whether what passes next begins a frame. */
  get between(): boolean {
    return this.#at === 0 && this.#left === 0
  }

  pass(bytes: Buffer, start: number, end: number): void {
    let at = start
    while (at < end) {
      if (this.#left === 0) this.#headByte(bytes[at++] ?? 0)
      else {
        const stop = Math.min(end, at + this.#left)
        this.#left -= stop - at
        at = stop
      }
    }
  }

  #headByte(byte: number): void {
    const at = this.#at++
    if (at === 0) {
      if ((byte & 0x0f) === CLOSE) this.closed = true
      return
    }
    if (at === 1) {
      const short = byte & 0x7f
      this.#lengthEnd = short === 127 ? 10 : short === 126 ? 4 : 2
      this.#length = short < 126 ? short : 0
      this.#size = this.#lengthEnd + ((byte & 0x80) === 0 ? 0 : 4)
    } else if (at < this.#lengthEnd) this.#length = this.#length * 256 + byte
    if (this.#at < this.#size) return
    this.#at = 0
    this.#left = this.#length
  }
}
