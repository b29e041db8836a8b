import { CR, FIELD_TEXT, HTAB, hexValue, LF, SPACE } from './chars.ts'
import { type Fields, parseFields } from './fields.ts'

/** Where decoded body bytes go. They are the reader's own memory: valid during the call only. */
export type BodySink = { bodyBytes(bytes: Buffer, start: number, end: number): void }

/** Longest chunk extension, and longest trailer section, of one body. */
const EXTENSION_LIMIT = 1024
const TRAILER_LIMIT = 8 * 1024

const SIZE_FIRST = 0
const SIZE = 1
const EXTENSION = 2
const SIZE_LF = 3
const BYTES = 4
const BYTES_CR = 5
const BYTES_LF = 6
const TRAILER = 7
const DONE = 8

/**
 * Decodes a chunked body (RFC 9112 §7.1), however it is split. Strict: chunk sizes are hexadecimal digits and nothing
 * else, lines end with CRLF, extensions follow their grammar and are dropped, trailers are validated and kept apart.
 */
export class ChunkedDecoder {
  #state = SIZE_FIRST
  #left = 0
  #digits = 0
  #extension = ''
  #extensions = 0
  #trailer = ''
  #announced = 0
  /** Fields behind the last chunk, once it is done; undefined: none. */
  trailers: Fields | undefined

  begin(): void {
    this.#state = SIZE_FIRST
    this.#left = 0
    this.#digits = 0
    this.#extensions = 0
    this.#trailer = ''
    this.#announced = 0
    this.trailers = undefined
  }

  /** Length of the chunks that have begun, in bytes. */
  get announced(): number {
    return this.#announced
  }

  get done(): boolean {
    return this.#state === DONE
  }

  /** Decodes from `start`; returns where it stopped (`end`, or behind the body), or -1 where it is malformed. */
  read(bytes: Buffer, start: number, end: number, sink: BodySink): number {
    let at = start
    while (at < end && this.#state !== DONE) {
      if (this.#state === BYTES) {
        const stop = Math.min(end, at + this.#left)
        this.#left -= stop - at
        sink.bodyBytes(bytes, at, stop)
        at = stop
        if (this.#left === 0) this.#state = BYTES_CR
      } else if (!this.#step(bytes[at++] ?? 0)) return -1
    }
    return at
  }

  #step(byte: number): boolean {
    switch (this.#state) {
      case SIZE_FIRST:
      case SIZE:
        return this.#size(byte)
      case EXTENSION:
        if (byte === CR) {
          this.#state = SIZE_LF
          return EXTENSION_GRAMMAR.test(this.#extension)
        }
        this.#extension += String.fromCharCode(byte)
        return FIELD_TEXT[byte] === 1 && ++this.#extensions <= EXTENSION_LIMIT
      case SIZE_LF:
        // `0` ends the body: behind it stand trailers, in lines of their own.
        this.#state = this.#left === 0 ? TRAILER : BYTES
        this.#announced += this.#left
        return byte === LF
      case BYTES_CR:
        this.#state = BYTES_LF
        return byte === CR
      case BYTES_LF:
        this.#state = SIZE_FIRST
        this.#digits = 0
        return byte === LF
      default:
        return this.#trailerByte(byte)
    }
  }

  #size(byte: number): boolean {
    const digit = hexValue(byte)
    if (digit >= 0) {
      this.#state = SIZE
      this.#left = this.#left * 16 + digit
      return ++this.#digits <= 16 && Number.isSafeInteger(this.#left)
    }
    if (this.#state === SIZE_FIRST) return false
    this.#extension = ''
    this.#state = byte === CR ? SIZE_LF : EXTENSION
    if (byte === CR) return true
    this.#extension = ';'
    return byte === SEMICOLON && ++this.#extensions <= EXTENSION_LIMIT
  }

  #trailerByte(byte: number): boolean {
    this.#trailer += String.fromCharCode(byte)
    if (byte !== LF) return this.#trailer.length <= TRAILER_LIMIT && (byte >= SPACE || byte === CR || byte === HTAB)
    if (this.#trailer === '\r\n') {
      this.#state = DONE
      return true
    }
    if (!this.#trailer.endsWith('\r\n\r\n')) return this.#trailer.endsWith('\r\n')
    this.#state = DONE
    const raw = { text: this.#trailer, bytes: Buffer.from(this.#trailer, 'latin1'), base: 0 }
    const trailers: Fields = { list: [], kinds: [], count: 0 }
    this.trailers = trailers
    return parseFields(raw, 0, this.#trailer.length - 2, trailers) === undefined
  }
}

const SEMICOLON = 0x3b
const EXTENSION_GRAMMAR =
  /^(?:;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"))?)+$/
