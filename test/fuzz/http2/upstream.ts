import type { UpstreamSession } from '../../../router/dataplane/http2/upstream.ts'
import type { UpstreamStream } from '../../../router/dataplane/http2/upstream-stream.ts'
import type { Receiver, UpstreamSide } from '../../../router/dataplane/sides.ts'
import { manualClock } from '../../../router/kernel/clock.ts'
import type { Http2Codec } from './codec.ts'
import { REQUESTS } from './nghttp2.ts'
import { outputFault } from './output.ts'
import { windowLoss } from './probe.ts'
import { type CodecReading, type CodecStream, pairsOf } from './reading.ts'
import { deliver, StubSocket } from './stub.ts'
import { type Frame, framesIn, goawayIn, PREFACE, resetsIn } from './wire.ts'

/**
 * Reads the pieces as what a server sends on a connection with `REQUESTS`; `opening` comes before they are made.
 * `probes`: a long body comes in the end, which shows whether any byte of the window was lost.
 */
export function readAnswersByCodec(
  codec: Http2Codec,
  opening: Buffer,
  pieces: readonly Buffer[],
  probes = false,
): CodecReading {
  return new Server(codec, opening).read(pieces, probes)
}

/** An upstream's connection without a network: the codec's own class, called as its pool and its socket call it. */
class Server {
  readonly #socket = new StubSocket()
  readonly #codec: Http2Codec
  readonly #wheel: InstanceType<Http2Codec['Wheel']>
  readonly #session: UpstreamSession
  readonly #streams = new Map<number, CodecStream>()
  readonly #wrong: string[] = []
  #closed = 0

  constructor(codec: Http2Codec, opening: Buffer) {
    this.#codec = codec
    this.#wheel = new codec.Wheel(manualClock())
    const dial = { id: '', ready: 'connect', generation: 0, connect: () => this.#socket.asSocket } as const
    const owner = { onRoom: () => {}, onUnusable: () => {}, onClosed: () => this.#closed++ }
    this.#session = new codec.UpstreamSession(dial, '127.0.0.1', 80, 1000, owner, this.#wheel)
    this.#socket.emit('connect')
    deliver([opening], (bytes, end) => this.#session.onBytes(bytes, end))
    for (const method of REQUESTS) this.#request(method)
  }

  #request(method: string): number {
    const message = newStream()
    const receiver = this.#receiver(method, message)
    this.#session.start(new this.#codec.UpstreamStream(receiver, 1000, this.#wheel, () => {}))
    return message.id
  }

  read(pieces: readonly Buffer[], probes: boolean): CodecReading {
    deliver(pieces, (bytes, end) => this.#session.onBytes(bytes, end))
    this.#session.out.write()
    const { frames, rest } = framesIn(this.#socket.written.subarray(PREFACE.length))
    if (rest.length > 0) this.#wrong.push(`${rest.length} bytes are no whole frame`)
    const fault = outputFault(frames)
    if (fault !== undefined) this.#wrong.push(fault)
    const error = goawayIn(frames)
    const streams = new Map([...this.#streams].map(([id, stream]) => [id, { ...stream }]))
    if (probes) this.#probe(framesIn(Buffer.concat(pieces)))
    this.#end()
    return { streams, error, resets: resetsIn(frames), frames, wrong: this.#wrong }
  }

  #probe({ frames: before, rest }: ReturnType<typeof framesIn>): void {
    if (rest.length > 0 || this.#session.room === 0) return
    const id = this.#request('GET')
    const send = (bytes: Buffer): readonly Frame[] => {
      this.#session.onBytes(bytes, bytes.length)
      this.#session.out.write()
      return framesIn(this.#socket.written.subarray(PREFACE.length)).frames
    }
    const loss = windowLoss({ send, before }, id, Buffer.from([0x88]))
    if (loss !== undefined) this.#wrong.push(loss)
  }

  /** The connection ends; everybody hears of it, and nothing is kept. */
  #end(): void {
    this.#socket.emit('close')
    if (this.#session.streams.size > 0) this.#wrong.push(`${this.#session.streams.size} streams are left over`)
    if (this.#closed !== 1) this.#wrong.push(`the connection was closed ${this.#closed} times`)
    for (const { id, over, fault } of this.#streams.values()) {
      if (!over && fault === undefined) this.#wrong.push(`the request on ${id} never came to its end`)
    }
  }

  #receiver(method: string, message: CodecStream): Receiver {
    const done = (what: string): void => {
      if (message.over || message.fault !== undefined) this.#wrong.push(`${what} behind the end of ${message.id}`)
    }
    return {
      onConnected: (side: UpstreamSide) => {
        message.id = (side as UpstreamStream).id
        this.#streams.set(message.id, message)
        side.begin(this.#receiver(method, message), method === 'HEAD', 1000)
        side.receiver = this.#receiver(method, message)
        side.writer.head(`${method} / HTTP/1.1\r\nHost: shop.test\r\n\r\n`)
        side.writer.endBody('')
      },
      onInterim: ({ head }) => {
        done('an interim answer')
        message.interims.push([[':status', String(head.status)], ...pairsOf(head)])
      },
      onSwitch: () => false,
      onResponse: (side) => {
        done('an answer')
        message.fields = [[':status', String(side.head.status)], ...pairsOf(side.head)]
        side.sink = {
          bodyBytes: (bytes, start, end) => {
            message.body += bytes.toString('latin1', start, end)
          },
        }
      },
      onResponseEnd: (side) => {
        done('an end')
        message.ended = true
        message.over = true
        message.trailers = side.trailers === undefined ? [] : pairsOf(side.trailers)
        side.release(true)
      },
      onUpstreamFault: (_side, code) => {
        done('a fault')
        message.fault = code
      },
      onUpstreamWritable: () => {},
      flush: () => {},
    }
  }
}

function newStream(): CodecStream {
  return { id: 0, fields: [], interims: [], body: '', trailers: [], ended: false, fault: undefined, over: false }
}
