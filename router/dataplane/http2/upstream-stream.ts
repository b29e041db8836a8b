import type { ErrorCode } from '../../kernel/errors.ts'
import type { BodySink } from '../http1/chunked.ts'
import type { Fields } from '../http1/fields.ts'
import { ResponseHead } from '../http1/response-head.ts'
import type { Receiver, UpstreamSide } from '../sides.ts'
import { Deadline, type Wheel } from '../wheel.ts'
import { GAIN } from './calm.ts'
import { CODE } from './frames.ts'
import { encodeRequest } from './head-lines.ts'
import type { FieldTaker } from './hpack/decoder.ts'
import type { Encoder } from './hpack/encoder.ts'
import { ReceivedFields } from './received-fields.ts'
import { interpretResponse } from './response-head.ts'
import { Stream, type StreamSession } from './stream.ts'

/** Most interim answers to one request. */
const INTERIM_LIMIT = 32

/** What a stream to an upstream needs of its connection besides. */
export type UpstreamStreamSession = StreamSession & {
  readonly secure: boolean
  /** Whether it has answered before: then its server may have closed it unseen. */
  readonly served: boolean
  /** The server did not answer in time on a stream: it may be gone. */
  suspect(): void
}

const WAITING = 0
const HEAD = 1
const BODY = 2
const CLOSED = 3

/** One request to an upstream and its answer: waits for a connection, and is a stream of it then. */
export class UpstreamStream extends Stream implements UpstreamSide {
  readonly head = new ResponseHead()
  readonly refusable = true
  receiver: Receiver | undefined
  sink: BodySink = NOWHERE
  reason = ''
  reused = false
  unprocessed = false
  readonly #deadline: Deadline
  readonly #onGivenUp: (self: UpstreamStream) => void
  readonly #fields = new ReceivedFields('response')
  #session: UpstreamStreamSession | undefined
  #trailerFields: ReceivedFields | undefined
  #trailers: Fields | undefined
  #state = WAITING
  #toHead = false
  #bodyIdleMs = 0
  #interims = 0
  #paused = false

  /** `onGivenUp`: it waits for a connection no more, and has none. */
  constructor(receiver: Receiver, connectMs: number, wheel: Wheel, onGivenUp: (self: UpstreamStream) => void) {
    super()
    this.receiver = receiver
    this.#onGivenUp = onGivenUp
    this.#deadline = new Deadline(wheel, () => this.#expired())
    this.#deadline.set(connectMs)
  }

  /** It has a connection, and is this stream of it. */
  open(session: UpstreamStreamSession, id: number): void {
    this.#session = session
    this.#state = HEAD
    this.#deadline.clear()
    this.reused = session.served
    this.attach(session, id)
    const { receiver } = this
    receiver?.onConnected(this)
    receiver?.flush()
  }

  begin(receiver: Receiver, toHead: boolean, bodyIdleMs: number): void {
    this.receiver = receiver
    this.#toHead = toHead
    this.#bodyIdleMs = bodyIdleMs
  }

  allow(ms: number | undefined): void {
    if (ms === undefined) this.#deadline.clear()
    else this.#deadline.set(ms)
  }

  get trailers(): Fields | undefined {
    return this.#trailers
  }

  get answering(): boolean {
    return this.#state === BODY || this.#interims > 0
  }

  pause(): void {
    if (this.#paused || this.#state !== BODY) return
    this.#paused = true
    this.#deadline.clear()
    this.inflow.hold()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#deadline.set(this.#bodyIdleMs)
    const { waiting } = this.inflow
    this.inflow.pass(this.sink)
    if (waiting) this.#session?.touch(this)
  }

  release(whole: boolean): void {
    this.receiver = undefined
    this.#session?.earn(GAIN.stream)
    this.#close(whole && this.writer.ended && this.remoteEnded ? undefined : CODE.cancel)
  }

  destroy(): void {
    this.receiver = undefined
    this.#close(CODE.cancel)
  }

  /** There is no connection, and none will be. */
  fail(code: ErrorCode, reason: string): void {
    this.reason = reason
    this.#fault(code, undefined)
  }

  fieldTaker(): FieldTaker {
    if (this.#state === HEAD) {
      this.#fields.begin(this.head)
      return this.#fields
    }
    this.#trailers = { list: [], kinds: [], count: 0 }
    this.#trailerFields ??= new ReceivedFields('trailers')
    this.#trailerFields.begin(this.#trailers)
    return this.#trailerFields
  }

  onBlock(endStream: boolean): void {
    if (this.#state === HEAD) this.#onHead(endStream)
    else if (!endStream || this.#trailerFields?.broken !== false || this.#trailerFields.tooLarge) this.#malformed()
    else this.onDataEnd()
  }

  #onHead(endStream: boolean): void {
    const { head } = this
    if (!interpretResponse(this.#fields, head, this.#toHead, endStream)) {
      this.#malformed()
      return
    }
    if (head.status < 200) {
      if (++this.#interims > INTERIM_LIMIT) this.#malformed()
      else this.receiver?.onInterim(this)
      return
    }
    this.#state = BODY
    this.#deadline.set(this.#bodyIdleMs)
    this.receiver?.onResponse(this)
    if (this.#isClosed()) return
    if (!this.#paused) this.inflow.pass(this.sink)
    if (endStream) this.onDataEnd()
  }

  /** Also a frame that carries nothing is no answer where it comes before one. */
  override onDataFrame(length: number): boolean {
    if (this.#state === HEAD) this.#malformed()
    return super.onDataFrame(length)
  }

  onData(bytes: Buffer, start: number, end: number): void {
    const { head, inflow } = this
    const most = head.framing === 'none' ? 0 : head.length
    if (this.#state === HEAD || (most >= 0 && inflow.received + end - start > most)) {
      this.#malformed()
      return
    }
    inflow.take(bytes, start, end)
    if (!this.#paused && this.#state === BODY) this.#deadline.set(this.#bodyIdleMs)
  }

  onDataEnd(): void {
    const { head, inflow } = this
    const short = head.framing === 'length' && inflow.received !== head.length
    if (this.#state === HEAD || short) this.#malformed()
    else inflow.end()
  }

  protected onBodyEnd(): void {
    this.#deadline.clear()
    this.receiver?.onResponseEnd(this)
  }

  onReset(code: number): void {
    if (this.#isWhole()) return
    this.unprocessed = code === CODE.refusedStream
    // What one stream met says nothing of the connection.
    this.reused = false
    this.#fault('connection_reset', undefined)
  }

  onLost(unprocessed: boolean): void {
    if (this.#isWhole()) return
    this.unprocessed = unprocessed
    this.#fault('connection_reset', undefined)
  }

  /** All of the answer is here and waits for a slow client: the connection is not needed any more (RFC 9113 §8.1). */
  #isWhole(): boolean {
    if (this.#state !== BODY || !this.remoteEnded) return false
    this.#session = undefined
    return true
  }

  flush(): void {
    this.receiver?.flush()
  }

  encodeHead(text: string, encoder: Encoder): number {
    encodeRequest(text, this.#session?.secure === true, encoder)
    return text.length
  }

  onWritable(): void {
    this.receiver?.onUpstreamWritable()
  }

  onSent(): void {}

  #isClosed(): boolean {
    return this.#state === CLOSED
  }

  #malformed(): void {
    this.#fault('response_malformed', CODE.protocol)
  }

  #expired(): void {
    if (this.#state === WAITING) this.#fault('connection_timeout', undefined)
    else {
      this.#session?.suspect()
      this.#fault(this.#state === HEAD ? 'connection_read_timeout' : 'response_too_slow', CODE.cancel)
    }
  }

  #fault(code: ErrorCode, reset: number | undefined): void {
    const { receiver } = this
    this.receiver = undefined
    this.#close(reset)
    receiver?.onUpstreamFault(this, code)
    receiver?.flush()
  }

  /** `reset`: what the server is told where the stream has not ended on both sides. */
  #close(reset: number | undefined): void {
    if (this.#state === CLOSED) return
    if (this.#state === WAITING) this.#onGivenUp(this)
    this.#state = CLOSED
    this.#deadline.cancel()
    this.writer.stop()
    this.inflow.close()
    if (this.#session === undefined) return
    if (reset !== undefined) this.#session.resetStream(this.id, reset)
    this.#session.forget(this)
  }
}

const NOWHERE: BodySink = { bodyBytes() {} }
