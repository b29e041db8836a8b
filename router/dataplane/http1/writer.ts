import type { Socket } from 'node:net'
import type { Output } from '../sides.ts'

/** Pieces up to this size join the text around them in one write; larger ones are written beside it. */
const SMALL = 8 * 1024
/** Text beyond this is written before more is joined to it: 16 KiB is what Node writes without allocating. */
const TEXT_LIMIT = 16 * 1024

/**
 * Output of one connection. Heads, framing and small pieces gather as latin1 text (a character a byte) until `flush`,
 * so that a head and its small body leave in one write.
 */
export class Writer implements Output {
  /** What has been gathered; heads are added to it directly. */
  text = ''
  /** Whether body bytes are framed as chunks. */
  chunked = false
  readonly #socket: Socket
  /** Encryption takes a copy of what it is given, and says so a turn of the loop later. */
  readonly #encrypts: boolean
  #corked = false
  /** Nothing was on its way when it was corked. */
  #idle = false
  /** The stream said that it holds enough; whether that is still so is asked only then. */
  #full = false

  constructor(socket: Socket) {
    this.#socket = socket
    this.#encrypts = 'ssl' in socket
  }

  head(text: string): void {
    this.text += text
  }

  bodyBytes(bytes: Buffer, start: number, end: number): void {
    const length = end - start
    if (this.chunked) this.text += `${length.toString(16)}\r\n`
    if (length <= SMALL) {
      if (this.text.length + length > TEXT_LIMIT) this.#write()
      this.text += bytes.toString('latin1', start, end)
    } else {
      this.#write()
      this.#socket.write(copied(this, bytes, start, end))
    }
    if (this.chunked) this.text += '\r\n'
  }

  /** Ends a body: the last chunk where it is chunked, and field lines behind it. */
  endBody(trailers: string): void {
    if (this.chunked) this.text += `0\r\n${trailers}\r\n`
    this.chunked = false
  }

  /** Hands everything to the kernel; true where the peer is too slow and `drain` will come: stop producing. */
  flush(): boolean {
    if (this.text !== '') {
      const { text } = this
      this.text = ''
      if (!this.#socket.write(text, 'latin1')) this.#full = true
    }
    if (this.#corked) {
      this.#corked = false
      this.#full = true
      this.#socket.uncork()
      release(this, this.#socket.writableLength > 0 && !(this.#encrypts && this.#idle))
    }
    if (!this.#full) return false
    this.#full = this.#socket.writableNeedDrain && this.#socket.writableLength > 0
    return this.#full
  }

  /** Forgets what has not been written. */
  discard(): void {
    this.text = ''
    this.chunked = false
  }

  #write(): void {
    if (!this.#corked) {
      this.#corked = true
      this.#idle = this.#socket.writableLength === 0
      this.#socket.cork()
    }
    if (this.text === '') return
    this.#socket.write(this.text, 'latin1')
    this.text = ''
  }
}

/**
 * Body bytes are the reader's own memory and must be copied to be written. The copies go to one scratch buffer, used
 * again as soon as the kernel has taken everything; one that the kernel did not take whole stays with its socket.
 */
const SCRATCH = 128 * 1024
let scratch: Buffer | undefined
let used = 0
let owner: Writer | undefined

function copied(writer: Writer, bytes: Buffer, start: number, end: number): Buffer {
  const length = end - start
  if (owner !== undefined && owner !== writer) return Buffer.from(bytes.subarray(start, end))
  if (used + length > SCRATCH) return Buffer.from(bytes.subarray(start, end))
  scratch ??= Buffer.allocUnsafeSlow(SCRATCH)
  owner = writer
  bytes.copy(scratch, used, start, end)
  used += length
  return scratch.subarray(used - length, used)
}

function release(writer: Writer, kept: boolean): void {
  if (owner !== writer) return
  owner = undefined
  used = 0
  if (kept) scratch = undefined
}
