import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { plainClient } from '../../router/dataplane/accept/client.ts'
import type { Downstream } from '../../router/dataplane/http1/downstream.ts'
import type { RequestHead } from '../../router/dataplane/http1/request-head.ts'
import type { Writer } from '../../router/dataplane/http1/writer.ts'
import type { DownstreamEvents } from '../../router/dataplane/sides.ts'
import type { ErrorCode } from '../../router/kernel/errors.ts'
import type { Codec, CodecMessage, CodecReading, Forwarded } from './codec.ts'

/** When the answer to a request is over: at once, or when the bytes that came with it have been taken. */
export type Answering = 'at once' | 'later'

/** Reads the pieces as what a client sends on one connection; each request is written for an upstream. */
export function readRequests(codec: Codec, pieces: readonly string[], answering: Answering): CodecReading {
  const client = new Client(codec, answering)
  for (const piece of pieces) client.send(piece)
  return client.end()
}

/** Pieces arrive as real ones do: in one buffer, in which older bytes stand behind the new ones. */
const ARRIVALS = Buffer.alloc(16 * 1024)

/** A client's connection without a network: the codec's own class, called as its exchange and its socket call it. */
class Client implements DownstreamEvents {
  readonly #codec: Codec
  readonly #answering: Answering
  readonly #socket = new StubSocket()
  readonly #upstream = new StubSocket()
  readonly #downstream: Downstream
  readonly #writer: Writer
  readonly #messages: CodecMessage[] = []
  #current: CodecMessage | undefined
  #opened = false
  #refused: ErrorCode | undefined

  constructor(codec: Codec, answering: Answering) {
    this.#codec = codec
    this.#answering = answering
    this.#writer = new codec.Writer(asSocket(this.#upstream))
    this.#downstream = new codec.Downstream(
      asSocket(this.#socket),
      plainClient('127.0.0.1'),
      codec.wheel,
      () => this,
      () => {},
    )
  }

  send(piece: string): void {
    for (let at = 0; at < piece.length; at += ARRIVALS.length) {
      const length = ARRIVALS.write(piece.slice(at, at + ARRIVALS.length), 'latin1')
      this.#downstream.onBytes(ARRIVALS, length)
      while (this.#answer()) {}
    }
  }

  end(): CodecReading {
    const idle = this.#downstream.idle && this.#refused === undefined
    this.#socket.emit('close')
    return { messages: this.#messages, refused: this.#refused, idle }
  }

  onRequest(): void {
    const { head } = this.#downstream
    const message = messageOf(head, forwarded(this.#codec, head))
    this.#messages.push(message)
    this.#current = message
    this.#opened = false
    this.#upstream.written = ''
    this.#writer.chunked = head.chunked
    if (this.#downstream.requestComplete) this.onRequestEnd()
    else if (this.#answering === 'at once') this.#open(message)
  }

  onRequestEnd(): void {
    if (this.#current === undefined) return
    const { trailers } = this.#downstream
    this.#current.complete = true
    this.#current.trailers = trailers?.list.slice(0, trailers.count * 2) ?? []
    this.#writer.endBody(this.#codec.trailerLines(trailers))
    this.#writer.flush()
    if (this.#current.forwarded !== undefined) this.#current.forwarded.text += this.#upstream.written
    if (this.#answering === 'at once') this.#end()
  }

  onRefused(code: ErrorCode): void {
    this.#refused = code
    this.#current = undefined
    this.#downstream.ended(true)
  }

  onRequestFault(code: ErrorCode): void {
    this.onRefused(code)
  }

  onGone(): void {}
  onDownstreamWritable(): void {}
  flush(): void {}

  /** Goes on with the request that waits for its answer; false: nothing more can be done now. */
  #answer(): boolean {
    const message = this.#current
    if (message === undefined) return false
    if (message.complete) this.#end()
    else if (this.#opened) return false
    else this.#open(message)
    return true
  }

  #open(message: CodecMessage): void {
    this.#opened = true
    this.#downstream.openBody({
      bodyBytes: (bytes, start, end) => {
        message.body += bytes.toString('latin1', start, end)
        this.#writer.bodyBytes(bytes, start, end)
      },
    })
  }

  #end(): void {
    this.#current = undefined
    this.#downstream.ended(!this.#downstream.head.keepAlive)
  }
}

function messageOf(head: RequestHead, written: Forwarded | undefined): CodecMessage {
  return {
    method: head.method,
    path: head.path,
    query: head.query,
    authority: head.authority,
    status: 0,
    reason: '',
    minor: head.minor,
    fields: head.list.slice(0, head.count * 2),
    keepAlive: head.keepAlive,
    seen: head.seen,
    framing: head.chunked ? 'chunked' : head.length >= 0 ? 'length' : 'none',
    body: '',
    trailers: [],
    complete: false,
    forwarded: written,
  }
}

function forwarded(codec: Codec, head: RequestHead): Forwarded | undefined {
  const canonical = head.path === '*' ? { path: '*' } : codec.canonicalPath(head.path)
  if ('error' in canonical) return undefined
  const target = canonical.path + (head.query === undefined ? '' : `?${head.query}`)
  const text = codec.writeRequestHead(head, {
    target,
    hostField: head.authority ?? 'upstream.test',
    peer: '127.0.0.1',
    trusted: false,
    requestId: 'fuzz',
    pseudonym: 'banyan',
    varies: false,
  })
  return { target, head: text, text }
}

/** What the codec asks of a socket, and nothing behind it. */
class StubSocket extends EventEmitter {
  readonly remoteAddress = '127.0.0.1'
  readonly writableLength = 0
  readonly writableNeedDrain = false
  written = ''
  write(data: string | Buffer): boolean {
    this.written += typeof data === 'string' ? data : data.toString('latin1')
    return true
  }
  cork(): void {}
  uncork(): void {}
  end(): void {}
  pause(): void {}
  resume(): void {}
  destroy(): void {}
}

function asSocket(stub: StubSocket): Socket {
  return stub as unknown as Socket
}
