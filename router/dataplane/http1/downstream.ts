import type { Socket } from 'node:net'
import type { ErrorCode } from '../../kernel/errors.ts'
import type { Client } from '../accept/client.ts'
import type { Connection, DownstreamEvents, DownstreamSide } from '../sides.ts'
import { Deadline, type Wheel } from '../wheel.ts'
import { BodyReader } from './body.ts'
import type { BodySink } from './chunked.ts'
import type { Fields } from './fields.ts'
import { HeldBytes } from './held.ts'
import { Pace } from './pace.ts'
import { RequestHead } from './request-head.ts'
import { RequestReader } from './request-reader.ts'
import { adopt, type ByteReader, reset } from './socket.ts'
import { Writer } from './writer.ts'

/** Who takes a connection on which HTTP/2 is spoken, with its preface. */
export type Successor = (socket: Socket, client: Client, onClosed: () => void) => Connection & ByteReader

/** Limits on clients, in milliseconds and bytes. */
const HELD_LIMIT = 64 * 1024
const DISCARD_LIMIT = 64 * 1024
const HEAD_MS = 10_000
const BODY_IDLE_MS = 30_000
const KEEP_ALIVE_MS = 60_000
const LINGER_MS = 1000
/** How long a client may take nothing of what waits for it. */
const BLOCKED_MS = 300_000

/** The part of the preface of HTTP/2 that reads as a head (RFC 9113 §3.4). */
const PREFACE_HEAD = 'PRI * HTTP/2.0\r\n\r\n'

const HEAD = 0
const BODY = 1
const ANSWER = 2
/** Another protocol: bytes pass as they come. */
const SWITCHED = 3
const CLOSING = 4
const CLOSED = 5

/**
 * One client's connection: takes requests off it one at a time, in order, and closes it so that the last answer
 * arrives (RFC 9112 §9). A pipelined request waits, unread, until the answer before it has ended.
 */
export class Downstream implements DownstreamSide, Connection, ByteReader {
  readonly head = new RequestHead()
  readonly writer: Writer
  readonly client: Client
  readonly socket: Socket
  #events: DownstreamEvents
  readonly #onClosed: (self: Downstream) => void
  readonly #onPreface: Successor | undefined
  /** Who has the connection now: what arrived first was the preface of HTTP/2. */
  #successor: (Connection & ByteReader) | undefined
  readonly #deadline: Deadline
  readonly #reader = new RequestReader(this.head)
  readonly #body = new BodyReader()
  readonly #held = new HeldBytes()
  readonly #pace = new Pace()
  readonly #wheel: Wheel
  #sink: BodySink | undefined
  #state: number = HEAD
  /** Inside a loop over received bytes: whoever changes the state need not start another. */
  #taking = false
  #paused = false
  #discarded = 0
  /** A request has been answered on it. */
  #served = false
  /** The answer has ended, but the client has not taken it yet. */
  #waiting = false
  /** Most bytes that the current request's body may have. */
  #bodyLimit = Number.POSITIVE_INFINITY

  constructor(
    accepted: Socket,
    client: Client,
    wheel: Wheel,
    events: (self: Downstream) => DownstreamEvents,
    onClosed: (self: Downstream) => void,
    onPreface?: Successor,
  ) {
    this.client = client
    this.socket = adopt(accepted, this)
    this.writer = new Writer(this.socket)
    this.#onClosed = onClosed
    this.#onPreface = onPreface
    this.#wheel = wheel
    this.#deadline = new Deadline(wheel, () => this.#expired())
    this.#deadline.set(KEEP_ALIVE_MS)
    this.#events = events(this)
    this.socket.on('end', () => this.#ended())
    this.socket.on('error', () => this.#left())
    this.socket.on('close', () => this.#closed())
    this.socket.on('drain', () => this.#drained())
  }

  /** Whether the current request has been read to its end. */
  get requestComplete(): boolean {
    return this.#state !== BODY
  }

  /** What stood behind the current request's body, which has ended. */
  get trailers(): Fields | undefined {
    return this.#body.trailers
  }

  /** Whether no request is being read or answered, and none has begun to arrive. */
  get idle(): boolean {
    return this.#state === HEAD && !this.#reader.begun && this.#held.length === 0
  }

  /** HTTP is over: every byte goes to `sink` as it comes, those that wait first, and `events` hears of the rest. */
  switchTo(events: DownstreamEvents, sink: BodySink): void {
    this.#events = events
    this.#state = SWITCHED
    this.#deadline.clear()
    this.openBody(sink)
  }

  /** From now on body bytes go to `sink`, those that wait first. */
  openBody(sink: BodySink): void {
    if (this.#state !== BODY && this.#state !== SWITCHED) return
    this.#sink = sink
    this.#pace.begin()
    // A client that waits for `100 Continue` waits for the upstream.
    if (this.#state === BODY && !this.head.expectContinue) this.#deadline.set(BODY_IDLE_MS)
    this.#flow()
    if (!this.#taking) this.#takeHeld()
  }

  /** Refuses the current request's body as soon as it turns out to be longer. */
  limitBody(bytes: number): void {
    this.#bodyLimit = bytes
  }

  /** Body bytes wait, and the client with them, until `openBody`. */
  holdBody(): void {
    if (this.#state !== BODY && this.#state !== SWITCHED) return
    this.#sink = undefined
    this.#deadline.clear()
    this.#pause()
  }

  /** The client takes output too slowly: its patience is ours. */
  blocked(): void {
    this.#deadline.set(BLOCKED_MS)
  }

  /** The answer has been written whole; `last`: no other request is taken from this connection. */
  ended(last: boolean): void {
    if (this.#state === CLOSED || this.#state === CLOSING) return
    if (last || this.#state === BODY) {
      this.close()
      return
    }
    // A client that sends requests and takes no answers gets no further than this.
    if (this.writer.flush()) {
      this.#waiting = true
      this.#deadline.set(BLOCKED_MS)
      return
    }
    this.#served = true
    this.#state = HEAD
    this.#deadline.set(KEEP_ALIVE_MS)
    if (!this.#taking && this.#held.length > 0) this.#takeHeld()
  }

  /**
   * Ends the connection so that what was written arrives: a socket closed with unread bytes would reset it away, so
   * reading goes on for a while and nothing is kept (RFC 9112 §9.6).
   */
  close(): void {
    if (this.#state === CLOSED || this.#state === CLOSING) return
    this.#state = CLOSING
    this.#held.drop(this.#held.length)
    this.writer.flush()
    this.#deadline.set(BLOCKED_MS)
    this.socket.end(() => {
      if (this.#state === CLOSING) this.#deadline.set(LINGER_MS)
    })
    this.#paused = false
    this.socket.resume()
  }

  /** Ends our half of the connection, behind what was written; the client may go on sending. */
  endWriting(): void {
    this.writer.flush()
    this.socket.end()
  }

  /**
   * Ends the connection where nothing is going on; else its exchange hears that the router stops. `patient`: one that
   * was only just accepted has a request on its way, which must not meet a closed door.
   */
  drain(patient: boolean): void {
    if (this.#successor !== undefined) this.#successor.drain(patient)
    else if (!this.idle) this.#events.onDrain?.()
    else if (this.#served || !patient) this.close()
  }

  /** Ends the connection so that the client knows its answer is not whole. */
  reset(): void {
    if (this.#state === CLOSED) return
    this.#state = CLOSING
    this.writer.discard()
    reset(this.socket)
  }

  /** Ends the connection at once. */
  destroy(): void {
    if (this.#successor !== undefined) this.#successor.destroy()
    else this.socket.destroy()
  }

  onBytes(bytes: Buffer, end: number): void {
    if (this.#state >= CLOSING) {
      this.#discarded += end
      if (this.#discarded > DISCARD_LIMIT) this.socket.destroy()
      return
    }
    if (this.#held.length > 0) {
      this.#held.add(bytes, 0, end)
      this.#takeHeld()
      return
    }
    this.#taking = true
    const taken = this.#take(bytes, 0, end)
    this.#taking = false
    if (taken < end && this.#state < CLOSING) this.#held.add(bytes, taken, end)
    this.#settle()
  }

  #takeHeld(): void {
    this.#taking = true
    const waiting = this.#held.view()
    const taken = this.#take(waiting, 0, waiting.length)
    this.#taking = false
    this.#held.drop(Math.min(taken, this.#held.length))
    this.#settle()
  }

  #settle(): void {
    this.#events.flush()
    if (this.#held.length > HELD_LIMIT) this.#pause()
    else if (this.#sink !== undefined || (this.#state !== BODY && this.#state !== SWITCHED)) this.#flow()
  }

  /** Takes what can be used now; returns where it stopped. */
  #take(bytes: Buffer, start: number, end: number): number {
    let at = start
    while (this.#state < CLOSING) {
      if (this.#state === HEAD) {
        const next = this.#takeHead(bytes, at, end)
        if (next < 0) return at
        at = next
      } else if (this.#state === BODY && this.#sink !== undefined && at < end) {
        const next = this.#body.read(bytes, at, end, this.#sink)
        if (next < 0 || this.#body.announced > this.#bodyLimit) {
          this.#events.onRequestFault(next < 0 ? 'request_malformed' : 'body_too_large')
          return end
        }
        if (!this.#body.done) {
          if (this.#pace.isTooSlow(this.#wheel.now(), next - at)) this.#events.onRequestFault('request_timeout')
          else this.#deadline.set(BODY_IDLE_MS)
          return next
        }
        at = next
        this.#state = ANSWER
        this.#deadline.clear()
        this.#events.onRequestEnd()
      } else if (this.#state === SWITCHED && this.#sink !== undefined) {
        if (at < end) this.#sink.bodyBytes(bytes, at, end)
        return end
      } else return at
    }
    return end
  }

  /** Takes one head and announces it; returns where it ends, or -1: the rest is still to come. */
  #takeHead(bytes: Buffer, from: number, end: number): number {
    if (from === end) return -1
    const { begun } = this.#reader
    const next = this.#reader.read(bytes, from, end)
    if (this.#reader.whole) this.#begin()
    else if (this.#reader.fault !== undefined) return this.#refuseHead(this.#reader.fault, bytes, from, end)
    else if (!begun && this.#reader.begun) this.#deadline.set(HEAD_MS)
    return next === from ? -1 : next
  }

  #begin(): void {
    const { head } = this
    this.#deadline.clear()
    this.#sink = undefined
    this.#bodyLimit = Number.POSITIVE_INFINITY
    this.#body.begin(head.chunked ? 'chunked' : head.length > 0 ? 'length' : 'none', head.length)
    this.#state = this.#body.done ? ANSWER : BODY
    this.#events.onRequest()
  }

  /** The preface of HTTP/2 reads as a head of a version that is not spoken here: looked for only then, it costs nothing. */
  #refuseHead(code: ErrorCode, bytes: Buffer, from: number, end: number): number {
    const take = this.#onPreface
    const first = code === 'version_not_supported' && !this.#served && !this.client.secure
    if (take === undefined || !first || !bytes.toString('latin1', from, end).startsWith(PREFACE_HEAD)) {
      return this.#refuse(code, end)
    }
    this.#state = CLOSED
    this.#deadline.cancel()
    this.socket.removeAllListeners()
    this.#successor = take(this.socket, this.client, () => this.#onClosed(this))
    this.#successor.onBytes(bytes.subarray(from, end), end - from)
    return end
  }

  #refuse(code: ErrorCode, end: number): number {
    this.#state = ANSWER
    this.#deadline.clear()
    this.#events.onRefused(code)
    return end
  }

  #expired(): void {
    if (this.#state === HEAD && this.#reader.begun) {
      this.#refuse('request_timeout', 0)
      this.#events.flush()
    } else if (this.#state === BODY && this.#sink !== undefined) {
      this.#events.onRequestFault('request_timeout')
      this.#events.flush()
    } else this.socket.destroy()
  }

  #drained(): void {
    if (this.#waiting) {
      this.#waiting = false
      this.ended(false)
      return
    }
    if (this.#state === BODY && this.#sink !== undefined) this.#deadline.set(BODY_IDLE_MS)
    else if (this.#state < CLOSING && this.#state !== HEAD) this.#deadline.clear()
    this.#events.onDownstreamWritable()
  }

  /** A FIN counts as leaving: half of a connection is of use to nobody who speaks HTTP. */
  #ended(): void {
    if (this.#state !== SWITCHED) {
      this.#left()
      return
    }
    this.#events.onRequestEnd()
    this.#events.flush()
  }

  #left(): void {
    const owed = this.#state !== HEAD && this.#state < CLOSING && !this.#waiting
    this.#state = CLOSED
    if (owed) this.#events.onGone()
    this.socket.destroy()
  }

  #closed(): void {
    if (this.#state !== HEAD && this.#state < CLOSING) this.#left()
    this.#state = CLOSED
    this.#deadline.cancel()
    this.#onClosed(this)
  }

  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.socket.pause()
  }

  #flow(): void {
    if (!this.#paused) return
    this.#paused = false
    this.socket.resume()
  }
}
