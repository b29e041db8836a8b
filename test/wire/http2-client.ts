/** A client that speaks HTTP/2 in frames it makes itself, right or wrong. */
import { once } from 'node:events'
import { connect as dial, type Socket } from 'node:net'
import { Decoder } from '../../router/dataplane/http2/hpack/decoder.ts'
import { later } from './support.ts'

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
export const DATA = 0
export const HEADERS = 1
export const PRIORITY = 2
export const RST_STREAM = 3
export const SETTINGS = 4
export const PUSH_PROMISE = 5
export const PING = 6
export const GOAWAY = 7
export const WINDOW_UPDATE = 8
export const CONTINUATION = 9
export const END_STREAM = 1
export const ACK = 1
export const END_HEADERS = 4
export const PADDED = 8

export type Frame = {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly payload: Buffer
  /** Of a HEADERS frame: `name: value` each. */
  readonly fields: readonly string[]
}

export type Http2Client = {
  readonly socket: Socket
  readonly frames: readonly Frame[]
  send(type: number, flags: number, id: number, payload?: Buffer | readonly number[]): void
  /** One HEADERS frame of `name: value` fields; END_HEADERS is set. */
  request(id: number, fields: readonly string[], endStream?: boolean): void
  /** Resolves with the first frame that `test` likes, past or future. */
  until(test: (frame: Frame) => boolean): Promise<Frame>
  /** The whole answer on a stream, when it has ended or was reset. */
  answer(id: number): Promise<Answer>
  /** Resolves when the router closed the connection. */
  readonly closed: Promise<void>
}

export type Answer = {
  readonly status: number
  readonly fields: readonly string[]
  readonly body: string
  readonly trailers: readonly string[]
  readonly interim: readonly (readonly string[])[]
  /** Error code of the RST_STREAM that ended it. */
  readonly reset: number | undefined
}

/** Fields of a plain GET, and more. */
export function get(path = '/', ...more: string[]): string[] {
  return [':method: GET', ':scheme: http', `:path: ${path}`, ':authority: shop.test', ...more]
}

export function post(path = '/', ...more: string[]): string[] {
  return [':method: POST', ...get(path, ...more).slice(1)]
}

/** Connects, and opens HTTP/2 unless told otherwise. */
export async function http2Client(port: number, opening = true): Promise<Http2Client> {
  const socket = dial({ port, host: '127.0.0.1', noDelay: true })
  later(() => {
    socket.destroy()
  })
  const frames: Frame[] = []
  const waiting = new Set<() => void>()
  const closed = new Promise<void>((resolve) => {
    socket.on('end', resolve)
    socket.on('error', () => resolve())
    socket.on('close', () => resolve())
  })
  framesOf(socket, frames, 0, () => {
    for (const check of [...waiting]) check()
  })
  await once(socket, 'connect')
  if (opening) {
    socket.write(PREFACE, 'latin1')
    socket.write(frame(SETTINGS, 0, 0, []))
  }
  const wait = <T>(find: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(check)
        const seen = frames
          .slice(-10)
          .map(
            ({ type, flags, id, payload, fields }) =>
              `${type}/${flags}/${id} ${fields.join('; ') || payload.toString('hex', 0, 40)}`,
          )
        reject(new Error(`nothing that was waited for came within 5 s; the last frames: ${seen.join(' | ')}`))
      }, 5000)
      const check = (): void => {
        const found = find()
        if (found === undefined) return
        clearTimeout(timer)
        waiting.delete(check)
        resolve(found)
      }
      waiting.add(check)
      check()
    })
  return {
    socket,
    frames,
    closed,
    send: (type, flags, id, payload = []) => {
      socket.write(frame(type, flags, id, payload))
    },
    request: (id, fields, endStream = true) => {
      socket.write(frame(HEADERS, END_HEADERS | (endStream ? END_STREAM : 0), id, block(fields)))
    },
    until: (test) => wait(() => frames.find(test)),
    answer: (id) => wait(() => answerIn(frames, id)),
  }
}

/** One frame as bytes. */
export function frame(type: number, flags: number, id: number, payload: Buffer | readonly number[]): Buffer {
  const bytes = Buffer.from(payload)
  const head = Buffer.alloc(9)
  head.writeUIntBE(bytes.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(id, 5)
  return Buffer.concat([head, bytes])
}

/** A header block of literals that no table keeps. */
export function block(fields: readonly string[]): Buffer {
  return Buffer.concat(
    fields.map((field) => {
      const colon = field.indexOf(':', 1)
      return Buffer.concat([Buffer.from([0]), text(field.slice(0, colon)), text(field.slice(colon + 2))])
    }),
  )
}

/** Four bytes. */
export function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** One setting. */
export function setting(name: number, value: number): Buffer {
  return Buffer.concat([Buffer.from([0, name]), number(value)])
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  return Buffer.concat([integer(bytes.length), bytes])
}

function integer(value: number): Buffer {
  if (value < 127) return Buffer.from([value])
  const bytes = [127]
  let rest = value - 127
  for (; rest >= 128; rest >>= 7) bytes.push(128 | (rest & 127))
  return Buffer.from([...bytes, rest])
}

/** Reads the frames of a socket behind its first `skip` bytes into `frames`; `onFrame` follows each piece. */
export function framesOf(socket: Socket, frames: Frame[], skip: number, onFrame: () => void): void {
  const decoder = new Decoder()
  let rest = Buffer.alloc(0)
  let open = Buffer.alloc(0)
  let left = skip
  socket.on('data', (bytes) => {
    rest = Buffer.concat([rest, bytes.subarray(Math.min(left, bytes.length))])
    left -= Math.min(left, bytes.length)
    while (rest.length >= 9) {
      const length = rest.readUIntBE(0, 3)
      if (rest.length < 9 + length) break
      const [type = 0, flags = 0] = rest.subarray(3, 5)
      const id = rest.readUInt32BE(5)
      const payload = Buffer.from(rest.subarray(9, 9 + length))
      rest = rest.subarray(9 + length)
      const fields: string[] = []
      if (type === HEADERS || type === CONTINUATION) {
        open = Buffer.concat([open, payload])
        if ((flags & END_HEADERS) !== 0) {
          const taker = {
            onField: ({ name, value }: { readonly name: string; readonly value: string }) => {
              fields.push(`${name}: ${value}`)
            },
          }
          if (!decoder.decode(open, 0, open.length, taker)) throw new Error('the router sent no header block')
          open = Buffer.alloc(0)
        }
      }
      frames.push({ type, flags, id, payload, fields })
    }
    onFrame()
  })
}

function answerIn(frames: readonly Frame[], id: number): Answer | undefined {
  const own = frames.filter((one) => one.id === id)
  const reset = own.find(({ type }) => type === RST_STREAM)
  const ended = own.some(({ type, flags }) => (type === HEADERS || type === DATA) && (flags & END_STREAM) !== 0)
  if (reset === undefined && !ended) return undefined
  const heads = own
    .filter(({ type }) => type === HEADERS || type === CONTINUATION)
    .filter(({ fields }) => fields.length > 0)
  const final = heads.findIndex(({ fields }) => fields.some((field) => /^:status: [2-5]/.test(field)))
  const fields = heads[final]?.fields ?? []
  return {
    status: Number(/^:status: (\d+)/.exec(fields[0] ?? '')?.[1]),
    fields,
    interim: heads.slice(0, Math.max(0, final)).map((one) => one.fields),
    trailers: heads[final + 1]?.fields ?? [],
    body: Buffer.concat(own.filter(({ type }) => type === DATA).map(({ payload }) => payload)).toString('latin1'),
    reset: reset?.payload.readUInt32BE(0),
  }
}
