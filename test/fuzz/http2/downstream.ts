import { plainClient } from '../../../router/dataplane/accept/client.ts'
import type { DownstreamSession } from '../../../router/dataplane/http2/downstream.ts'
import type { DownstreamStream } from '../../../router/dataplane/http2/downstream-stream.ts'
import type { DownstreamEvents } from '../../../router/dataplane/sides.ts'
import { manualClock } from '../../../router/kernel/clock.ts'
import type { Http2Codec } from './codec.ts'
import { excess, outputFault } from './output.ts'
import { windowLoss } from './probe.ts'
import { type CodecReading, type CodecStream, pairsOf } from './reading.ts'
import { deliver, StubSocket } from './stub.ts'
import { END_STREAM, type Frame, frame, framesIn, goawayIn, PREFACE, resetsIn, TYPE, uint32 } from './wire.ts'

/**
 * When requests are answered, and with how long a body. `never`: they wait for their answers. `probes`: a long body comes
 * in the end, which shows whether any byte of the window was lost. `holds`: nobody takes bodies.
 */
export type Manner = {
  readonly answer: 'never' | 'at once' | 'when whole'
  readonly body: number
  readonly probes?: boolean
  readonly holds?: boolean
}

/** Reads the pieces as what a client sends on one connection. */
export function readByCodec(codec: Http2Codec, pieces: readonly Buffer[], manner: Manner): CodecReading {
  return new Client(codec, manner).read(pieces)
}

/** A client's connection without a network: the codec's own class, called as its exchange and its socket call it. */
class Client {
  readonly #clock = manualClock()
  readonly #socket = new StubSocket()
  readonly #session: DownstreamSession
  readonly #manner: Manner
  readonly #streams = new Map<number, CodecStream>()
  readonly #wrong: string[] = []
  #owed = 0
  #closed = 0

  constructor(codec: Http2Codec, manner: Manner) {
    this.#manner = manner
    this.#session = new codec.DownstreamSession(
      this.#socket.asSocket,
      plainClient('127.0.0.1'),
      new codec.Wheel(this.#clock),
      () => false,
      (stream) => this.#exchange(stream),
      () => this.#closed++,
    )
  }

  read(pieces: readonly Buffer[]): CodecReading {
    deliver(pieces, (bytes, end) => this.#session.onBytes(bytes, end))
    this.#session.out.write()
    const { frames, rest } = framesIn(this.#socket.written)
    if (rest.length > 0) this.#wrong.push(`${rest.length} bytes are no whole frame`)
    const fault = outputFault(frames)
    if (fault !== undefined) this.#wrong.push(fault)
    const error = goawayIn(frames)
    const streams = new Map([...this.#streams].map(([id, stream]) => [id, { ...stream }]))
    if (error === undefined) this.#lookAtWindows(frames, Buffer.concat(pieces))
    this.#end()
    return { streams, error, resets: resetsIn(frames), frames, wrong: this.#wrong }
  }

  #lookAtWindows(frames: readonly Frame[], sent: Buffer): void {
    const received = framesIn(sent.subarray(PREFACE.length))
    const fault = excess(frames, received.frames)
    if (fault !== undefined) this.#wrong.push(fault)
    if (this.#manner.answer !== 'never') this.#openWindows()
    if (this.#manner.probes && received.rest.length === 0) this.#probe(received.frames)
  }

  #probe(before: readonly Frame[]): void {
    const id = Math.max(...before.map((one) => one.id + 1 + (one.id % 2)))
    // Also where not even the settings have come there is nothing to send on.
    if (before.length === 0 || id >= 2 ** 31) return
    const send = (bytes: Buffer): readonly Frame[] => {
      this.#session.onBytes(bytes, bytes.length)
      this.#session.out.write()
      return framesIn(this.#socket.written).frames
    }
    const loss = windowLoss({ send, before }, id, PROBE)
    if (loss !== undefined) this.#wrong.push(loss)
  }

  /** Every answer that was begun is read to its end, once the client lets all of it come. */
  #openWindows(): void {
    const waiting = [...this.#session.streams.keys()].filter((id) => this.#streams.get(id)?.over)
    const most = 2 ** 30
    for (const id of [0, ...waiting]) {
      const bytes = frame(TYPE.windowUpdate, 0, id, uint32(most))
      this.#session.onBytes(bytes, bytes.length)
    }
    this.#session.out.write()
    const { frames } = framesIn(this.#socket.written)
    for (const id of waiting) {
      if (resetsIn(frames).has(id) || goawayIn(frames) !== undefined) continue
      const own = frames.filter((one) => one.id === id)
      const length = own.reduce((sum, { type, payload }) => sum + (type === TYPE.data ? payload.length : 0), 0)
      const last = own.at(-1)
      if (length !== this.#manner.body) this.#wrong.push(`${length} bytes were written on ${id}`)
      if (last?.type !== TYPE.headers || (last.flags & END_STREAM) === 0) this.#wrong.push(`no trailers on ${id}`)
    }
  }

  /** The connection ends; everybody hears of it, and nothing is kept. */
  #end(): void {
    this.#socket.emit('close')
    if (this.#session.streams.size > 0) this.#wrong.push(`${this.#session.streams.size} streams are left over`)
    if (this.#owed !== 0) this.#wrong.push(`${this.#owed} requests never came to their end`)
    if (this.#closed !== 1) this.#wrong.push(`the connection was closed ${this.#closed} times`)
  }

  #exchange(stream: DownstreamStream): DownstreamEvents {
    const { body } = this.#manner
    let current: CodecStream | undefined
    const begin = (): CodecStream => {
      if (current !== undefined) this.#wrong.push(`stream ${stream.id} begins before the end of ${current.id}`)
      current = newStream(stream.id)
      this.#owed++
      this.#streams.set(stream.id, current)
      return current
    }
    const finish = (): void => {
      current = undefined
      this.#owed--
    }
    const answer = (): void => {
      if (current === undefined) return
      current.over = true
      finish()
      stream.writer.head('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n')
      const bytes = Buffer.alloc(body, 'x')
      stream.writer.bodyBytes(bytes, 0, bytes.length)
      stream.writer.endBody('Status: 0\r\n')
      stream.ended()
    }
    const refuse = (code: string): void => {
      const message = current ?? begin()
      message.fault = code
      finish()
      stream.writer.head('HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad')
      stream.ended()
    }
    return {
      onRequest: () => {
        const message = begin()
        const { method, path, query, authority } = stream.head
        const target = query === undefined ? path : `${path}?${query}`
        message.fields = [
          [':method', method],
          [':path', target],
          [':authority', authority ?? ''],
          ...pairsOf(stream.head),
        ]
        if (stream.requestComplete) message.ended = true
        else if (this.#manner.holds !== true) {
          stream.openBody({
            bodyBytes: (bytes, start, end) => {
              message.body += bytes.toString('latin1', start, end)
            },
          })
        }
        if (this.#manner.answer === 'at once') answer()
      },
      onRefused: refuse,
      onRequestEnd: () => {
        if (current === undefined) return
        current.ended = true
        current.trailers = stream.trailers === undefined ? [] : pairsOf(stream.trailers)
      },
      onRequestFault: (code) => {
        if (current !== undefined) refuse(code)
      },
      onGone: () => {
        if (current === undefined) this.#wrong.push(`stream ${stream.id} goes without a request`)
        else finish()
      },
      onDownstreamWritable: () => {},
      flush: () => {
        if (this.#manner.answer === 'when whole' && current?.ended === true) answer()
        stream.writer.flush()
      },
    }
  }
}

function newStream(id: number): CodecStream {
  return { id, fields: [], interims: [], body: '', trailers: [], ended: false, fault: undefined, over: false }
}

/** GET / of nobody in particular, by the static table alone but for its authority. */
const PROBE = Buffer.from([0x83, 0x86, 0x84, 0x01, 1, 0x61])
