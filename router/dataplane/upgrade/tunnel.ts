import type { BodySink } from '../http1/chunked.ts'
import type { Downstream } from '../http1/downstream.ts'
import type { UpstreamConnection } from '../http1/upstream.ts'
import type { Writer } from '../http1/writer.ts'
import type { DownstreamEvents, Receiver } from '../sides.ts'
import { Deadline, type Wheel } from '../wheel.ts'
import { GOING_AWAY, WebSocketFrames } from './websocket-frames.ts'

/** How long neither side may send a byte. Applications that keep a silent connection open ping more often than this. */
const IDLE_MS = 3_600_000

/**
 * A client and an upstream that have switched to another protocol: bytes pass as they come, and so does the end of
 * each direction by itself; a reset on one side is a reset on the other. Takes the place of the exchange with both.
 */
export class Tunnel implements DownstreamEvents, Receiver {
  readonly #downstream: Downstream
  readonly #connection: UpstreamConnection
  readonly #onEnd: (clean: boolean) => void
  readonly #websocket: boolean
  readonly #idle: Deadline
  readonly #toClient: BodySink
  readonly #toUpstream: BodySink
  readonly #framesToClient = new WebSocketFrames()
  readonly #framesToUpstream = new WebSocketFrames()
  #clientEnded = false
  #upstreamEnded = false
  #leaving = false
  #over = false

  /** `onEnd` is called once; `clean`: both sides were done, so the upstream's connection may end in peace. */
  constructor(
    downstream: Downstream,
    connection: UpstreamConnection,
    protocols: string,
    wheel: Wheel,
    onEnd: (clean: boolean) => void,
  ) {
    this.#downstream = downstream
    this.#connection = connection
    this.#onEnd = onEnd
    this.#idle = new Deadline(wheel, () => this.#end(false))
    this.#websocket = protocols.toLowerCase() === 'websocket'
    this.#toClient = this.#websocket ? followed(downstream.writer, this.#framesToClient) : downstream.writer
    this.#toUpstream = this.#websocket ? followed(connection.writer, this.#framesToUpstream) : connection.writer
  }

  /** Opens it: what either side has sent already goes first. */
  open(): void {
    this.#idle.set(IDLE_MS)
    this.#connection.receiver = this
    this.#connection.sink = this.#toClient
    this.#downstream.switchTo(this, this.#toUpstream)
  }

  flush(): void {
    if (this.#over) return
    this.#idle.set(IDLE_MS)
    if (this.#connection.writer.flush()) this.#downstream.holdBody()
    if (this.#downstream.writer.flush()) {
      this.#connection.pause()
      this.#downstream.blocked()
    }
    if (this.#leaving) this.#goAway()
  }

  onUpstreamWritable(): void {
    this.#downstream.openBody(this.#toUpstream)
  }

  onDownstreamWritable(): void {
    this.#connection.resume()
  }

  /** The client has sent its last byte. */
  onRequestEnd(): void {
    this.#clientEnded = true
    if (this.#upstreamEnded) this.#end(true)
    else this.#connection.endWriting()
  }

  /** The upstream has sent its last byte. */
  onResponseEnd(): void {
    this.#upstreamEnded = true
    if (this.#clientEnded) this.#end(true)
    else this.#downstream.endWriting()
  }

  onGone(): void {
    this.#connection.reset()
    this.#end(false)
  }

  onUpstreamFault(): void {
    this.#end(false)
  }

  /** WebSockets have no last answer to wait for: they are closed as their own protocol does it, 1001. */
  onDrain(): void {
    if (!this.#websocket || this.#over) return
    this.#leaving = true
    this.#goAway()
  }

  // What cannot happen once HTTP is over.

  onRequest(): void {}

  onRefused(): void {}

  onRequestFault(): void {}

  onConnected(): void {}

  onInterim(): void {}

  onResponse(): void {}

  onSwitch(): boolean {
    return false
  }

  /** Waits for the end of a frame to the client; the upstream is told only where that is possible at once. */
  #goAway(): void {
    if (!this.#framesToClient.between) return
    if (!this.#framesToClient.closed) this.#downstream.writer.text += GOING_AWAY.fromServer
    const fits = this.#framesToUpstream.between && !this.#framesToUpstream.closed
    if (fits && !this.#clientEnded) this.#connection.writer.text += GOING_AWAY.fromClient
    this.#end(true)
  }

  #end(clean: boolean): void {
    if (this.#over) return
    this.#over = true
    this.#idle.cancel()
    this.#onEnd(clean)
    if (clean) this.#downstream.close()
    else this.#downstream.reset()
  }
}

function followed(writer: Writer, frames: WebSocketFrames): BodySink {
  return {
    bodyBytes(bytes, start, end) {
      frames.pass(bytes, start, end)
      writer.bodyBytes(bytes, start, end)
    },
  }
}
