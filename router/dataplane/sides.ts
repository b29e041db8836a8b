import type { ErrorCode } from '../kernel/errors.ts'
import type { Client } from './accept/client.ts'
import type { BodySink } from './http1/chunked.ts'
import type { Fields } from './http1/fields.ts'
import type { RequestHead } from './http1/request-head.ts'
import type { ResponseHead } from './http1/response-head.ts'

/**
 * The two sides of an exchange, whatever HTTP they speak: an HTTP/1.1 connection serves one exchange at a time, an
 * HTTP/2 connection has a stream for each. Heads are written as HTTP/1.1 text, ours and well-formed by construction;
 * a side that speaks HTTP/2 turns the lines into fields of its own.
 */

/** Output of one message. */
export type Output = BodySink & {
  /** Whether body bytes have no stated length. */
  chunked: boolean
  /** Adds a head; what stands behind its empty line is the whole body. */
  head(text: string): void
  /** Ends the message, or what there is of its body; `trailers` are field lines behind it. */
  endBody(trailers: string): void
  /** Hands everything on; true where the peer is too slow and will be heard of: stop producing. */
  flush(): boolean
}

/** The client's side of one request at a time. */
export type DownstreamSide = {
  readonly head: RequestHead
  readonly writer: Output
  /** Who it is. */
  readonly client: Client
  /** Whether the current request has been read to its end. */
  readonly requestComplete: boolean
  /** What stood behind the current request's body, which has ended. */
  readonly trailers: Fields | undefined
  /** From now on body bytes go to `sink`, those that wait first. */
  openBody(sink: BodySink): void
  /** Body bytes wait, and the client with them, until `openBody`. */
  holdBody(): void
  /** Refuses the current request's body as soon as it turns out to be longer. */
  limitBody(bytes: number): void
  /** The client takes output too slowly: its patience is ours. */
  blocked(): void
  /** The answer has been written whole; `last`: no other request is taken from this connection. */
  ended(last: boolean): void
  /** Ends the request so that the client knows its answer is not whole. */
  reset(): void
}

/** What the client's side tells its exchange. Calls never nest in one another but for answers given at once. */
export type DownstreamEvents = {
  /** A request's head stands in `head`; its body waits until `openBody`. */
  onRequest(): void
  /** What arrived is no request: answer this; the connection closes then. */
  onRefused(code: ErrorCode): void
  onRequestEnd(): void
  /** The body turned out malformed, or stopped coming. */
  onRequestFault(code: ErrorCode): void
  /** The client left while an answer was owed. */
  onGone(): void
  /** The client reads again after the output was blocked. */
  onDownstreamWritable(): void
  /** Everything that arrived together has been taken: write what it led to. */
  flush(): void
  /** The router stops: end what would never end by itself. Answers do. */
  onDrain?(): void
}

/** The upstream's side of one request at a time. */
export type UpstreamSide = {
  /** Head of the answer, as far as one has arrived. */
  readonly head: ResponseHead
  readonly writer: Output
  receiver: Receiver | undefined
  /** Where body bytes of the answer go. */
  sink: BodySink
  /** What stood behind the answer's body, which has ended. */
  readonly trailers: Fields | undefined
  /** Whether the connection has already answered a request: then the peer may have closed it unseen. */
  readonly reused: boolean
  /** Whether its server may say that it did nothing with a request, which another server may have then. */
  readonly refusable: boolean
  /** Its server said so. */
  readonly unprocessed: boolean
  /** Whether any part of the answer has arrived. */
  readonly answering: boolean
  /** What went wrong with the connection, where it said so in words. */
  readonly reason?: string
  /** Begins a request: what is written now belongs to it, and what arrives is its answer. */
  begin(receiver: Receiver, toHead: boolean, bodyIdleMs: number): void
  /** Allows `ms` until the next byte of the answer; undefined: it is not the upstream that is waited for. */
  allow(ms: number | undefined): void
  /** Stops reading the answer until `resume`: whoever wants it is slower than the upstream. */
  pause(): void
  resume(): void
  /** The exchange is over; `whole`: its request was sent to the end. */
  release(whole: boolean): void
  /** Ends it; its receiver does not hear of that. */
  destroy(): void
}

/** Who made a request of an upstream. After `onResponseEnd` or `onUpstreamFault` it hears no more of it. */
export type Receiver = {
  /** Connected, or taken from the pool: write the request. */
  onConnected(connection: UpstreamSide): void
  /** An interim answer (1xx) stands in `head`. */
  onInterim(connection: UpstreamSide): void
  /** A 101 stands in `head`. False: nobody asked for it; else it sets `receiver` and `sink`, and HTTP is over. */
  onSwitch(connection: UpstreamSide): boolean
  /** The final answer's head stands in `head`. Set `sink`: its body goes there. */
  onResponse(connection: UpstreamSide): void
  onResponseEnd(connection: UpstreamSide): void
  /** The connection is lost, and with it what was still to come. */
  onUpstreamFault(connection: UpstreamSide, code: ErrorCode): void
  onUpstreamWritable(): void
  flush(): void
}

/** A client's connection as a whole. */
export type Connection = {
  /**
   * Ends it where nothing is going on; else what goes on hears that the router stops. `patient`: one that was only
   * just accepted has a request on its way, which must not meet a closed door.
   */
  drain(patient: boolean): void
  /** Ends it at once. */
  destroy(): void
}
