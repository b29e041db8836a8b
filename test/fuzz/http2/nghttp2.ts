/**
 * What nghttp2 reads: the sessions of `node:http2` over a connection in memory. Bodies and ends of streams are taken
 * where nghttp2 hands them over, before streams of Node hold them back or throw them away with a connection.
 */
import {
  type ClientHttp2Session,
  connect,
  type Http2Session,
  type Http2Stream,
  performServerHandshake,
  type ServerHttp2Session,
} from 'node:http2'
import { Duplex } from 'node:stream'
import type { Field } from './hpack.ts'
import { type Ending, type Frame, framesIn, goawayIn, PREFACE, resetsIn, settings } from './wire.ts'

/** A message on one stream. */
export type StreamReading = {
  id: number
  /** Fields of the head as they came, pseudo-headers included; of an answer: of the final one. */
  fields: readonly Field[]
  readonly interims: (readonly Field[])[]
  body: string
  trailers: readonly Field[]
  /** Read to its end. */
  ended: boolean
}

/** What one side read of a connection. */
export type Reading = {
  readonly streams: ReadonlyMap<number, StreamReading>
  /** Why it ended the connection. */
  readonly error: Ending | undefined
  /** Streams that it reset, and why. */
  readonly resets: ReadonlyMap<number, number>
  /** What it wrote. */
  readonly frames: readonly Frame[]
  /** The peer said that it goes, whereupon Node takes no more streams. */
  readonly left: boolean
}

/** The windows that the codec opens, so that both allow the same. */
const STREAM_WINDOW = 128 * 1024
const OPTIONS = { settings: { initialWindowSize: STREAM_WINDOW, maxConcurrentStreams: 100 } }
/** Turns of the event loop without anything new after which nothing more comes: nothing here waits for anything else. */
const QUIET_TURNS = 4

/** Requests that a client makes on one connection, in the order of their streams. */
export const REQUESTS = ['GET', 'HEAD', 'OPTIONS', 'GET'] as const

/** Reads what a client sends, its preface included. */
export async function readByServer(pieces: readonly Buffer[]): Promise<Reading> {
  if (!tapped) await readByClient(settings(), [])
  const line = new Line()
  const session = performServerHandshake(line, OPTIONS) as ServerHttp2Session
  const record = new Recorder(session)
  session.on('stream', (stream, _headers, _flags, raw) => {
    record.stream(stream).fields = pairs(raw as unknown as readonly string[])
    record.listen(stream)
  })
  return record.read(line, pieces, 0)
}

/** Reads what a server sends on a connection with `REQUESTS`; `opening` comes before they are made. */
export async function readByClient(opening: Buffer, pieces: readonly Buffer[]): Promise<Reading> {
  const line = new Line()
  const session = connect('http://shop.test', {
    ...OPTIONS,
    settings: { ...OPTIONS.settings, enablePush: false },
    createConnection: () => line,
  })
  const record = new Recorder(session)
  line.push(opening)
  for (const method of REQUESTS) makeRequest(session, method, record)
  await record.quiet(line)
  return record.read(line, pieces, PREFACE.length)
}

/** What nghttp2 writes for these requests, behind its preface; its server has sent `opening`. */
export async function writtenByClient(opening: Buffer, requests: readonly RequestFields[]): Promise<Frame[]> {
  const line = new Line()
  const session = connect('http://shop.test', { createConnection: () => line })
  const record = new Recorder(session)
  line.push(opening)
  await record.quiet(line)
  for (const fields of requests) session.request(fields).on('error', () => {})
  await record.quiet(line)
  session.destroy()
  return framesIn(line.written().subarray(PREFACE.length)).frames
}

/** As `node:http2` takes them. */
export type RequestFields = Parameters<ClientHttp2Session['request']>[0]

function makeRequest(session: ClientHttp2Session, method: string, record: Recorder): void {
  const stream = session.request({ ':path': '/', ':method': method }, { endStream: true })
  tap(stream)
  record.listen(stream)
}

/** A connection in memory, and what was written to it. */
class Line extends Duplex {
  readonly #written: Buffer[] = []

  constructor() {
    super({ read() {} })
    this.on('error', () => {})
  }

  get writes(): number {
    return this.#written.length
  }

  written(): Buffer {
    return Buffer.concat(this.#written)
  }

  override _write(bytes: Buffer, _encoding: string, taken: () => void): void {
    this.#written.push(bytes)
    taken()
  }
}

class Recorder {
  readonly #session: Http2Session
  readonly #streams = new Map<number, StreamReading>()
  #events = 0
  #left = false

  constructor(session: Http2Session) {
    this.#session = session
    RECORDERS.set(session, this)
    session.on('error', (e) => {
      this.#events++
      if (process.env.DBG) console.log('REF', e)
    })
    session.on('goaway', () => {
      this.#left = true
    })
  }

  stream({ id = 0 }: Http2Stream): StreamReading {
    this.#events++
    const known = this.#streams.get(id)
    if (known !== undefined) return known
    const made: StreamReading = { id, fields: [], interims: [], body: '', trailers: [], ended: false }
    this.#streams.set(id, made)
    return made
  }

  listen(stream: Http2Stream): void {
    stream.on('error', () => this.#events++)
    stream.on('close', () => this.#events++)
    stream.on('response', (...[, , raw]: HeadEvent) => {
      this.stream(stream).fields = pairs(raw)
    })
    stream.on('headers', (...[, , raw]: HeadEvent) => {
      this.stream(stream).interims.push(pairs(raw))
    })
    stream.on('trailers', (...[, , raw]: HeadEvent) => {
      this.stream(stream).trailers = pairs(raw)
    })
    stream.resume()
  }

  take(stream: Http2Stream, bytes: Buffer | null): void {
    const reading = this.stream(stream)
    // A stream that is closed before its end is given one too.
    if (bytes === null) reading.ended ||= !stream.closed && !stream.destroyed
    else reading.body += bytes.toString('latin1')
  }

  /** Has the session read the pieces; `skip`: bytes before the first frame that it writes. */
  async read(line: Line, pieces: readonly Buffer[], skip: number): Promise<Reading> {
    for (const piece of pieces) {
      line.push(piece)
      // Node hands over what came before an error when it gets to it, and no more behind one.
      await new Promise(setImmediate)
    }
    await this.quiet(line)
    this.#session.destroy()
    line.destroy()
    const { frames } = framesIn(line.written().subarray(skip))
    const streams = this.#streams
    return { streams, error: goawayIn(frames), resets: resetsIn(frames), frames, left: this.#left }
  }

  async quiet(line: Line): Promise<void> {
    let seen = -1
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      await new Promise(setImmediate)
      const now = this.#events + line.writes
      if (now !== seen) quiet = 0
      seen = now
    }
  }
}

type HeadEvent = readonly [headers: unknown, flags: number, raw: readonly string[]]

const RECORDERS = new WeakMap<Http2Session, Recorder>()

/** Whether the class of all streams is tapped already. */
let tapped = false

/** Has every stream tell its session's recorder what nghttp2 hands it. */
function tap(stream: Http2Stream): void {
  if (tapped) return
  tapped = true
  const shared = Object.getPrototypeOf(Object.getPrototypeOf(stream)) as Http2Stream
  const { push } = Duplex.prototype
  shared.push = function (this: Http2Stream, bytes: Buffer | null): boolean {
    if (this.session !== undefined) RECORDERS.get(this.session)?.take(this, bytes)
    return push.call(this, bytes)
  }
}

function pairs(raw: readonly string[]): Field[] {
  const fields: Field[] = []
  for (let at = 0; at < raw.length; at += 2) fields.push([raw[at] ?? '', raw[at + 1] ?? ''])
  return fields
}
