import type { Socket } from 'node:net'
import type { ErrorCode } from '../../kernel/errors.ts'
import type { Dial } from '../dialling/dial.ts'
import { faultOf } from '../dialling/fault.ts'
import type { Receiver, UpstreamSide } from '../sides.ts'
import { Deadline, type Wheel } from '../wheel.ts'
import { BodyReader } from './body.ts'
import type { BodySink } from './chunked.ts'
import type { Fields } from './fields.ts'
import { HeadFinder, INCOMPLETE } from './head-finder.ts'
import { HeldBytes } from './held.ts'
import { parseResponseHead, ResponseHead } from './response-head.ts'
import { type ByteReader, reset } from './socket.ts'
import { Writer } from './writer.ts'

/** Whose connection it is: told when it can be used again and when it is gone. */
export type ConnectionOwner = {
  readonly idleMs: number
  /** May put another receiver in the place of the one that waits for the answer in `head`. */
  readonly examine: ((connection: UpstreamConnection) => void) | undefined
  onReusable(connection: UpstreamConnection): void
  onClosed(connection: UpstreamConnection): void
}

const HEAD_LIMIT = 64 * 1024
/** Most interim answers to one request. */
const INTERIM_LIMIT = 32
/** How long a peer that has switched protocols may take to end its half, once all is over. */
const LINGER_MS = 1000

const CONNECTING = 0
const IDLE = 1
const HEAD = 2
const BODY = 3
const CLOSED = 4

/** One connection to an endpoint: one request at a time, used again only after both bodies ended cleanly. */
export class UpstreamConnection implements UpstreamSide, ByteReader {
  readonly head = new ResponseHead()
  readonly writer: Writer
  receiver: Receiver | undefined
  sink: BodySink = NOWHERE
  /** Whether it has already answered a request: then the peer may have closed it unseen. */
  reused = false
  readonly refusable = false
  readonly unprocessed = false
  /** What went wrong, where the socket said so in words. */
  reason = ''
  /** Of what it was dialled with. */
  readonly generation: number
  readonly #socket: Socket
  readonly #owner: ConnectionOwner
  readonly #deadline: Deadline
  readonly #finder = new HeadFinder(HEAD_LIMIT)
  readonly #body = new BodyReader()
  readonly #held = new HeldBytes()
  #state: number = CONNECTING
  #toHead = false
  /** The same of the request whose answer's head is remembered. */
  #knownToHead = false
  #bodyIdleMs = 0
  #interims = 0
  #paused = false
  /** Another protocol: bytes pass as they come. */
  #switched = false

  constructor(
    dial: Dial,
    host: string,
    port: number,
    connectMs: number,
    receiver: Receiver,
    owner: ConnectionOwner,
    wheel: Wheel,
  ) {
    this.receiver = receiver
    this.#owner = owner
    this.#deadline = new Deadline(wheel, () => this.#expired())
    this.#deadline.set(connectMs)
    this.#socket = dial.connect(host, port, 'http/1.1', this)
    this.generation = dial.generation
    this.writer = new Writer(this.#socket)
    this.#socket.on(dial.ready, () => this.#connected())
    this.#socket.on('end', () => this.#ended())
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#failed(error))
    this.#socket.on('close', () => this.#fail('connection_reset'))
    this.#socket.on('drain', () => this.receiver?.onUpstreamWritable())
  }

  /** Begins a request: what is written now belongs to it, and what arrives is its answer. */
  begin(receiver: Receiver, toHead: boolean, bodyIdleMs: number): void {
    this.receiver = receiver
    this.#toHead = toHead
    this.#bodyIdleMs = bodyIdleMs
    this.#interims = 0
    this.#state = HEAD
  }

  /** Allows `ms` until the next byte of the answer; undefined: it is not the upstream that is waited for. */
  allow(ms: number | undefined): void {
    if (ms === undefined) this.#deadline.clear()
    else this.#deadline.set(ms)
  }

  /** Whether a request could be written on it. */
  get usable(): boolean {
    return this.#state === IDLE && this.#socket.writable
  }

  /** What stood behind the answer's body, which has ended. */
  get trailers(): Fields | undefined {
    return this.#body.trailers
  }

  /** Whether any part of the answer has arrived. */
  get answering(): boolean {
    return this.#state === BODY || this.#finder.begun || this.#interims > 0
  }

  /** Stops reading the answer until `resume`: whoever wants it is slower than the upstream. */
  pause(): void {
    if (this.#paused || this.#state !== BODY) return
    this.#paused = true
    this.#deadline.clear()
    this.#socket.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#deadline.set(this.#bodyIdleMs)
    this.#socket.resume()
  }

  /** The exchange is over; `whole`: its request was sent to the end, so that the connection may serve another. */
  release(whole: boolean): void {
    this.receiver = undefined
    this.sink = NOWHERE
    if (this.#switched) {
      this.endWriting()
      this.#deadline.set(LINGER_MS)
      return
    }
    if (this.#state !== IDLE || !whole || !this.head.keepAlive || this.head.framing === 'close') {
      this.destroy()
      return
    }
    this.reused = true
    this.#deadline.set(this.#owner.idleMs)
    if (this.#paused) {
      this.#paused = false
      this.#socket.resume()
    }
    this.#owner.onReusable(this)
  }

  /** Closes it; nobody hears of it but its owner. */
  destroy(): void {
    this.receiver = undefined
    this.#fail('connection_reset')
  }

  /** Ends our half of the connection, behind what was written; the upstream may go on sending. */
  endWriting(): void {
    this.writer.flush()
    this.#socket.end()
  }

  /** Closes it so that the peer knows that something was cut off. */
  reset(): void {
    this.receiver = undefined
    reset(this.#socket)
    this.#fail('connection_reset')
  }

  onBytes(bytes: Buffer, end: number): void {
    // Bytes that nobody asked for: the next answer could not be told from them.
    if (this.#state === IDLE || this.#state === CONNECTING) {
      this.destroy()
      return
    }
    if (this.#state === CLOSED) return
    const receiver = this.receiver
    if (this.#held.length > 0) {
      this.#held.add(bytes, 0, end)
      const waiting = this.#held.view()
      this.#held.drop(this.#take(waiting, waiting.length))
    } else {
      const taken = this.#take(bytes, end)
      if (taken < end && this.#state === HEAD) this.#held.add(bytes, taken, end)
    }
    receiver?.flush()
  }

  #take(bytes: Buffer, end: number): number {
    let at = 0
    while (this.#state === HEAD) {
      const length = this.#finder.find(bytes, at, end)
      if (length === INCOMPLETE) return at
      if (length < 0 || !this.#takeHead(length)) {
        this.#fail('response_malformed')
        return end
      }
      at += length + 2
      if (this.#state === HEAD && at === end) return at
    }
    if (this.#state !== BODY) return end
    const next = this.#body.read(bytes, at, end, this.sink)
    if (next < 0) this.#fail('response_malformed')
    else if (this.#body.done) this.#complete(next < end)
    else if (!this.#paused) this.#deadline.set(this.#bodyIdleMs)
    return end
  }

  /** Announces the head that was found; false where it is none. */
  #takeHead(length: number): boolean {
    const { head } = this
    if (!this.#readHead(length)) return false
    if (head.status < 200) {
      if (head.status === 101) return this.#switch()
      if (++this.#interims > INTERIM_LIMIT) return false
      this.receiver?.onInterim(this)
      return true
    }
    this.#state = BODY
    this.#body.begin(head.framing, head.length)
    this.#owner.examine?.(this)
    this.receiver?.onResponse(this)
    return true
  }

  #readHead(length: number): boolean {
    const { head } = this
    head.repeated = this.#finder.repeated && this.#knownToHead === this.#toHead
    if (head.repeated) return true
    head.memo = undefined
    this.#finder.forget()
    if (!parseResponseHead(this.#finder, length, this.#toHead, head)) return false
    this.#finder.remember(length)
    this.#knownToHead = this.#toHead
    return true
  }

  #switch(): boolean {
    if (this.receiver?.onSwitch(this) !== true) return false
    this.#switched = true
    this.#state = BODY
    this.#body.begin('close', -1)
    this.#deadline.clear()
    this.#bodyIdleMs = Number.POSITIVE_INFINITY
    this.#socket.allowHalfOpen = true
    return true
  }

  /** The answer is whole; `stray`: more came behind it, so nothing else will be read from this connection. */
  #complete(stray: boolean): void {
    this.#state = stray ? BODY : IDLE
    this.#deadline.clear()
    const receiver = this.receiver
    if (receiver === undefined) this.destroy()
    else receiver.onResponseEnd(this)
  }

  #connected(): void {
    if (this.#state !== CONNECTING) return
    this.#deadline.clear()
    this.#state = IDLE
    const receiver = this.receiver
    if (receiver === undefined) {
      this.destroy()
      return
    }
    receiver.onConnected(this)
    receiver.flush()
  }

  #ended(): void {
    if (this.#switched) {
      this.receiver?.onResponseEnd(this)
      this.receiver?.flush()
    } else if (this.#state === BODY && this.#body.endsWithConnection) {
      const receiver = this.receiver
      this.#complete(true)
      receiver?.flush()
    } else this.#fail(this.#state === CONNECTING ? 'tls_protocol_error' : 'connection_reset')
  }

  #failed(error: NodeJS.ErrnoException): void {
    this.reason = error.message
    this.#fail(faultOf(error, this.#state === CONNECTING))
  }

  #expired(): void {
    if (this.#state === CONNECTING) this.#fail('connection_timeout')
    else this.#fail(this.#state === HEAD ? 'connection_read_timeout' : 'response_too_slow')
  }

  #fail(code: ErrorCode): void {
    if (this.#state === CLOSED) return
    const receiver = this.receiver
    this.receiver = undefined
    this.#state = CLOSED
    this.#deadline.cancel()
    this.#socket.destroy()
    this.#owner.onClosed(this)
    receiver?.onUpstreamFault(this, code)
    receiver?.flush()
  }
}

const NOWHERE: BodySink = { bodyBytes() {} }
