import type { Socket } from 'node:net'
import { FRAME_HEADER, writeFrameHeader, writeUint32 } from './frames.ts'

/** What is gathered before it is written. */
const CHUNK = 32 * 1024
/** More than this unwritten, and whoever produces is told to stop. */
const FULL = 64 * 1024

/**
 * Output of one connection: frames gather in one buffer and are written together, behind everything that one turn of
 * the event loop brings, whichever stream they belong to.
 */
export class FrameOutput {
  buffer: Buffer = NOTHING
  at = 0
  /** Counts writes: a place in `buffer` is good until it changes. */
  turn = 0
  readonly #socket: Socket
  #scheduled: NodeJS.Immediate | undefined
  #discarding = false

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Whether so much waits for the peer that no more should come; the socket's `drain` tells when that is over. */
  get full(): boolean {
    return this.#socket.writableNeedDrain && this.#socket.writableLength > FULL
  }

  /** Makes room for `length` bytes at `at` in `buffer`, and has them written soon. */
  reserve(length: number): void {
    if (this.at + length > this.buffer.length) {
      this.write()
      this.buffer = take(length)
    }
    this.#scheduled ??= setImmediate(this.write)
  }

  /** A whole frame with a payload of numbers of four bytes. */
  frame(type: number, flags: number, id: number, ...numbers: number[]): void {
    this.reserve(FRAME_HEADER + numbers.length * 4)
    this.at = writeFrameHeader(this.buffer, this.at, numbers.length * 4, type, flags, id)
    for (const number of numbers) this.at = writeUint32(this.buffer, this.at, number)
  }

  /** Copies bytes behind what is there. */
  copy(bytes: Buffer, start: number, end: number): void {
    this.at += bytes.copy(this.buffer, this.at, start, end)
  }

  /** Hands everything to the kernel now. */
  readonly write = (): void => {
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled)
    this.#scheduled = undefined
    const { buffer, at } = this
    this.buffer = NOTHING
    this.at = 0
    this.turn++
    const dropped = at === 0 || this.#discarding
    if (!dropped) this.#socket.write(at === buffer.length ? buffer : buffer.subarray(0, at))
    // What the kernel did not take at once stays with the socket.
    if (dropped || this.#socket.writableLength === 0) giveBack(buffer)
  }

  /** Forgets what has not been written, and whatever is still to come. */
  discard(): void {
    this.#discarding = true
    this.write()
  }
}

const NOTHING = Buffer.alloc(0)

/** Buffers that wait for the next connection with something to say. */
const spare: Buffer[] = []
const SPARE_LIMIT = 16

function take(length: number): Buffer {
  if (length > CHUNK) return Buffer.allocUnsafeSlow(length)
  return spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK)
}

function giveBack(buffer: Buffer): void {
  if (buffer.length === CHUNK && spare.length < SPARE_LIMIT) spare.push(buffer)
}
