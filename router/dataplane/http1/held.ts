/**
 * Bytes that arrived before they could be used: the rest of a head, a body whose upstream is not ready, a pipelined
 * request. Grows by doubling, so that a head sent byte by byte costs no more than its length.
 */
export class HeldBytes {
  #bytes: Buffer | undefined
  #start = 0
  #end = 0

  get length(): number {
    return this.#end - this.#start
  }

  /** Copies these bytes behind the held ones. */
  add(bytes: Buffer, start: number, end: number): void {
    const wanted = this.length + end - start
    if (this.#bytes === undefined || this.#start + wanted > this.#bytes.length) this.#grow(wanted)
    this.#end += bytes.copy(this.#bytes ?? bytes, this.#end, start, end)
  }

  /** What is held, without a copy: gone with the next call of `add`. */
  view(): Buffer {
    return this.#bytes === undefined ? NOTHING : this.#bytes.subarray(this.#start, this.#end)
  }

  /** Forgets the first `count` bytes. */
  drop(count: number): void {
    this.#start += count
    if (this.#start < this.#end) return
    this.#bytes = undefined
    this.#start = 0
    this.#end = 0
  }

  #grow(wanted: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(1024, wanted * 2))
    this.#end = this.#bytes === undefined ? 0 : this.#bytes.copy(grown, 0, this.#start, this.#end)
    this.#start = 0
    this.#bytes = grown
  }
}

const NOTHING = Buffer.alloc(0)
