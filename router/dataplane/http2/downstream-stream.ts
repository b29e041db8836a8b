import type { Client } from '../accept/client.ts'
import { isGrpc } from '../grpc.ts'
import type { BodySink } from '../http1/chunked.ts'
import type { Fields } from '../http1/fields.ts'
import { Pace } from '../http1/pace.ts'
import { RequestHead } from '../http1/request-head.ts'
import type { DownstreamEvents, DownstreamSide } from '../sides.ts'
import { Deadline, type Wheel } from '../wheel.ts'
import { COST, GAIN } from './calm.ts'
import { CODE } from './frames.ts'
import { encodeResponse } from './head-lines.ts'
import type { FieldTaker } from './hpack/decoder.ts'
import type { Encoder } from './hpack/encoder.ts'
import { ReceivedFields } from './received-fields.ts'
import { interpretRequest } from './request-head.ts'
import { Stream, type StreamSession } from './stream.ts'

const BODY_IDLE_MS = 30_000
/** Messages of a gRPC stream come when there is something to say. */
const GRPC_IDLE_MS = 3_600_000
/** How long a client may take nothing of what waits for it. */
const BLOCKED_MS = 300_000

const HEAD = 0
/** An answer is owed. */
const OWED = 1
/** It has been written, as far as the windows let it. */
const ANSWERED = 2
const CLOSED = 3

/** One client's request and its answer, on a stream of an HTTP/2 connection. Used again for another stream. */
export class DownstreamStream extends Stream implements DownstreamSide {
  readonly head = new RequestHead()
  readonly client: Client
  protected readonly session: StreamSession
  readonly #wheel: Wheel
  readonly #events: DownstreamEvents
  readonly #deadline: Deadline
  readonly #pace = new Pace()
  readonly #fields = new ReceivedFields('request')
  readonly #trailerFields = new ReceivedFields('trailers')
  #trailers: Fields | undefined
  #state = CLOSED
  #bodyLimit = Number.POSITIVE_INFINITY
  #paced = true
  /** Somebody takes the body, and wants to know of its end. */
  #wanted = false
  /** A rule of HTTP/2 was broken: no answer is written, the stream is reset. */
  #broken = false
  /** What its end is worth. */
  #gain: number = GAIN.stream

  constructor(
    session: StreamSession,
    client: Client,
    wheel: Wheel,
    events: (self: DownstreamStream) => DownstreamEvents,
  ) {
    super()
    this.session = session
    this.client = client
    this.#wheel = wheel
    this.#deadline = new Deadline(wheel, () => this.#expired())
    this.#events = events(this)
  }

  /** Takes up a stream that the client opens. */
  open(id: number): void {
    this.attach(this.session, id)
    this.#wanted = false
    this.#state = HEAD
    this.#trailers = undefined
    this.#bodyLimit = Number.POSITIVE_INFINITY
    this.#broken = false
    this.#gain = GAIN.stream
  }

  get requestComplete(): boolean {
    return this.inflow.done
  }

  get trailers(): Fields | undefined {
    return this.#trailers
  }

  fieldTaker(): FieldTaker {
    if (this.#state === HEAD) {
      this.#fields.begin(this.head)
      return this.#fields
    }
    this.#trailers = { list: [], kinds: [], count: 0 }
    this.#trailerFields.begin(this.#trailers)
    return this.#trailerFields
  }

  onBlock(endStream: boolean): void {
    if (this.#state === HEAD) {
      this.#onHead(endStream)
      return
    }
    // A second header block ends the stream, or is none (RFC 9113 §8.1).
    if (!endStream || this.#trailerFields.broken || this.#trailerFields.tooLarge) this.#break()
    else this.onDataEnd()
  }

  #onHead(endStream: boolean): void {
    const { head } = this
    this.#state = OWED
    const fault = interpretRequest(this.#fields, head, endStream)
    if (endStream) this.#endHead()
    if (this.#fields.broken) {
      this.#broken = true
      this.writer.stop()
      this.#events.onRefused('request_malformed')
    } else if (fault !== undefined) {
      // In HTTP/1.1 a connection ends with the first of these.
      this.session.earn(-COST.refused)
      this.#gain = 0
      this.#events.onRefused(fault)
    } else {
      this.#paced = !isGrpc(head)
      this.#events.onRequest()
    }
  }

  /** The request is its head. */
  #endHead(): void {
    this.inflow.pass(NOWHERE)
    this.inflow.end()
    this.inflow.hold()
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.#state !== OWED) {
      this.inflow.discard()
      this.inflow.take(bytes, start, end)
      return
    }
    const { inflow, head } = this
    inflow.take(bytes, start, end)
    if (head.length >= 0 && inflow.received > head.length) this.#break()
    else if (inflow.received > this.#bodyLimit) this.#events.onRequestFault('body_too_large')
    else if (inflow.open) this.#arrived(end - start)
  }

  #arrived(length: number): void {
    if (this.#state !== OWED) return
    if (!this.#paced) this.#deadline.set(GRPC_IDLE_MS)
    else if (this.#pace.isTooSlow(this.#wheel.now(), length)) this.#events.onRequestFault('request_timeout')
    else this.#deadline.set(BODY_IDLE_MS)
  }

  onDataEnd(): void {
    const { length } = this.head
    if (this.#state === OWED && length >= 0 && this.inflow.received !== length) this.#break()
    else this.inflow.end()
    if (this.#state === ANSWERED) this.inflow.discard()
  }

  protected onBodyEnd(): void {
    this.#deadline.clear()
    if (this.#state === OWED && this.#wanted) this.#events.onRequestEnd()
    else this.#settle()
  }

  openBody(sink: BodySink): void {
    if (this.#state !== OWED || this.inflow.done) return
    this.#pace.begin()
    this.#wanted = true
    if (!this.head.expectContinue) this.#deadline.set(this.#paced ? BODY_IDLE_MS : GRPC_IDLE_MS)
    const { waiting } = this.inflow
    this.inflow.pass(sink)
    if (waiting) this.session.touch(this)
  }

  holdBody(): void {
    if (this.#state !== OWED || this.inflow.done) return
    this.inflow.hold()
    this.#deadline.clear()
  }

  limitBody(bytes: number): void {
    this.#bodyLimit = bytes
  }

  blocked(): void {
    this.#deadline.set(BLOCKED_MS)
  }

  ended(): void {
    if (this.#state !== OWED) return
    this.#state = ANSWERED
    this.#deadline.clear()
    if (this.#broken) {
      this.#leave(CODE.protocol)
      return
    }
    this.writer.endBody('')
    this.inflow.discard()
    if (this.writer.ended) this.#settle()
    else this.#deadline.set(BLOCKED_MS)
  }

  reset(): void {
    this.#leave(CODE.internal)
  }

  encodeHead(text: string, encoder: Encoder): number {
    return encodeResponse(text, encoder)
  }

  onWritable(): void {
    if (this.#state !== OWED) return
    if (this.inflow.open && !this.inflow.done) this.#deadline.set(this.#paced ? BODY_IDLE_MS : GRPC_IDLE_MS)
    else this.#deadline.clear()
    this.#events.onDownstreamWritable()
  }

  onSent(): void {
    if (this.#state === ANSWERED) this.#settle()
  }

  onReset(_code: number): void {
    this.#gone()
  }

  onLost(): void {
    this.#gone()
  }

  flush(): void {
    if (this.#state === OWED) this.#events.flush()
  }

  #break(): void {
    this.#broken = true
    this.writer.stop()
    // Where the answer is written already, only the client is still to hear of it.
    if (this.#state === ANSWERED) this.#leave(CODE.protocol)
    else this.#events.onRequestFault('request_malformed')
  }

  /** The answer has been sent: a request that is still on its way is no longer of use (RFC 9113 §8.1). */
  #settle(): void {
    if (this.#state !== ANSWERED || !this.writer.ended) return
    this.session.earn(this.#gain)
    if (this.remoteEnded) this.#close()
    else this.#leave(CODE.none)
  }

  #leave(code: number): void {
    if (this.#state === CLOSED) return
    this.writer.stop()
    this.session.resetStream(this.id, code)
    this.#close()
  }

  #gone(): void {
    const owed = this.#state === OWED
    this.#close()
    if (owed) this.#events.onGone()
  }

  #close(): void {
    if (this.#state === CLOSED) return
    this.#state = CLOSED
    this.#wanted = false
    this.#deadline.cancel()
    this.inflow.close()
    this.session.forget(this)
  }

  #expired(): void {
    if (this.#state === OWED && this.inflow.open && !this.inflow.done) {
      this.#events.onRequestFault('request_timeout')
      this.#events.flush()
      return
    }
    const owed = this.#state === OWED
    this.#leave(CODE.cancel)
    if (owed) this.#events.onGone()
  }
}

const NOWHERE: BodySink = { bodyBytes() {} }
