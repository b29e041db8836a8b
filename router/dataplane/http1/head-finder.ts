import { CR, HTAB, LF, SPACE } from './chars.ts'
import type { RawHead } from './fields.ts'

/** What `HeadFinder.find` says instead of a length. */
export const INCOMPLETE = 0
export const MALFORMED = -1
export const TOO_LONG = -2

/** Finds the end of a head that arrives in any number of pieces. One belongs to each connection. */
export class HeadFinder implements RawHead {
  /** After a find: text that begins with the head, and the bytes it was made from. */
  text = ''
  bytes: Uint8Array = NOTHING
  base = 0
  /** After a find: its bytes are those of the head that was remembered. */
  repeated = false
  #scanned = 0
  /** The remembered head with its empty line; '': none. */
  #known = ''
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Whether part of a head has been seen. */
  get begun(): boolean {
    return this.#scanned > 0
  }

  /**
   * Looks for the end of the head that begins at `start`: returns its length up to and with the CRLF of its last line
   * (the empty line's two bytes follow), or one of the constants. The next call gives the same bytes and more.
   */
  find(bytes: Buffer, start: number, end: number): number {
    this.bytes = bytes
    this.base = start
    this.repeated = false
    if (this.#scanned === 0) {
      // Nearly every head is short and arrives whole; a slice of more would be paid again by every pipelined one.
      this.text = bytes.toString('latin1', start, Math.min(end, start + USUAL))
      this.repeated = this.#isKnown(this.text)
      if (this.repeated) return this.#known.length - 2
      const found = this.text.indexOf('\r\n\r\n')
      if (found >= 0) return found + 2
    }
    const found = bytes.indexOf(HEAD_END, start + Math.max(0, this.#scanned - 3), 'latin1')
    const length = found < 0 || found + 4 > end ? -1 : found + 2 - start
    if ((length < 0 ? end - start : length) > this.#limit) {
      this.text = bytes.toString('latin1', start, Math.min(end, start + this.#limit))
      this.#scanned = 0
      return TOO_LONG
    }
    if (length < 0) return this.#wait(bytes, start, end)
    this.text = bytes.toString('latin1', start, start + length + 2)
    this.#scanned = 0
    return length
  }

  /**
   * The head of this length, which was found last, has been read well. Most connections carry the same head again and
   * again; where every byte of it is the same, so is all that was read from it.
   */
  remember(length: number): void {
    this.#known = length + 4 > USUAL ? '' : this.text.substring(0, length + 2)
  }

  /** What was read of the remembered head no longer stands. */
  forget(): void {
    this.#known = ''
  }

  #isKnown(text: string): boolean {
    const { length } = this.#known
    // Another head seldom ends where this one does, which is told without looking at all of it.
    if (length === 0 || text.length < length || text.charCodeAt(length - 3) !== LF) return false
    // Of two strings, the engine compares words; of a string and the beginning of another, characters.
    return text.substring(0, length) === this.#known
  }

  /**
   * The rest is still to come. Bytes that no head may contain are noticed now: a peer that ends its lines with a bare
   * LF would never send the end we wait for.
   */
  #wait(bytes: Buffer, start: number, end: number): number {
    for (let at = start + Math.max(0, this.#scanned - 1); at < end; at++) {
      const byte = bytes[at] ?? 0
      if (byte >= SPACE ? byte !== DELETE : byte === HTAB) continue
      if (byte === CR && (at + 1 === end || bytes[at + 1] === LF)) continue
      if (byte === LF && at > start && bytes[at - 1] === CR) continue
      this.#scanned = 0
      return MALFORMED
    }
    this.#scanned = end - start
    return INCOMPLETE
  }
}

const NOTHING = new Uint8Array(0)
const USUAL = 2048
const HEAD_END = '\r\n\r\n'
const DELETE = 0x7f
