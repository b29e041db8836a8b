import type { ErrorCode } from '../../kernel/errors.ts'
import { CR, LF } from './chars.ts'
import { HeadFinder, INCOMPLETE, MALFORMED, TOO_LONG } from './head-finder.ts'
import { parseRequestHead, type RequestHead, TARGET_LIMIT } from './request-head.ts'

/** Longest head, in bytes (H10). */
const HEAD_LIMIT = 32 * 1024
/** How much of a request line is looked at for its end: a target, a method and a version. */
const LINE_LIMIT = TARGET_LIMIT + 1024

/** Reads the heads of one client's requests, however they are split. */
export class RequestReader {
  /** After `read`: a head stands in the `head` it was made with; or why what came is none. */
  whole = false
  fault: ErrorCode | undefined
  readonly #head: RequestHead
  readonly #finder = new HeadFinder(HEAD_LIMIT)
  #blank = false

  constructor(head: RequestHead) {
    this.#head = head
  }

  /** Whether part of a head has been seen. */
  get begun(): boolean {
    return this.#finder.begun
  }

  /** Returns where the head ends, behind its empty line; where it is not whole, from where on more is needed. */
  read(bytes: Buffer, from: number, end: number): number {
    this.whole = false
    this.fault = undefined
    let at = from
    if (!this.#finder.begun && !this.#blank && bytes[at] === CR) {
      // One empty line before a request is passed over, as RFC 9112 §2.2 asks.
      if (at + 1 === end) return at
      this.#blank = true
      if (bytes[at + 1] === LF) at += 2
      if (at === end) return at
    }
    const length = this.#finder.find(bytes, at, end)
    if (length === INCOMPLETE) {
      // A request line that long has no use for the rest of its head.
      const endless = end - at > LINE_LIMIT && !bytes.subarray(at, at + LINE_LIMIT).includes('\r\n')
      if (endless) this.fault = 'target_too_long'
      return at
    }
    this.#blank = false
    this.#head.repeated = this.#finder.repeated
    if (this.#finder.repeated) {
      this.#head.sameLines = this.#head.lines !== ''
      this.whole = true
      return at + length + 2
    }
    this.#finder.forget()
    if (length === MALFORMED) this.fault = 'request_malformed'
    else if (length === TOO_LONG) this.fault = this.#tooLong()
    else this.fault = parseRequestHead(this.#finder, length, this.#head)
    this.whole = this.fault === undefined
    if (this.whole) this.#finder.remember(length)
    return at + length + 2
  }

  #tooLong(): ErrorCode {
    const line = this.#finder.text.indexOf('\r\n')
    return line < 0 || line > LINE_LIMIT ? 'target_too_long' : 'head_too_large'
  }
}
