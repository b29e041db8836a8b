/** Frames of HTTP/2 as bytes (RFC 9113 §4.1), made and taken apart without the codec that is looked at. */

export const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

export const END_STREAM = 1
export const ACK = 1
export const END_HEADERS = 4
export const PADDED = 8
export const PRIORITY = 32

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

export type Frame = { readonly type: number; readonly flags: number; readonly id: number; readonly payload: Buffer }

/** One frame as bytes. */
export function frame(type: number, flags: number, id: number, payload: Buffer | readonly number[] = []): Buffer {
  const bytes = Buffer.from(payload)
  const head = Buffer.alloc(HEADER)
  head.writeUIntBE(bytes.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(id >>> 0, 5)
  return Buffer.concat([head, bytes])
}

/** Four bytes. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

/** A SETTINGS frame. */
export function settings(...values: readonly (readonly [name: number, value: number])[]): Buffer {
  return frame(TYPE.settings, 0, 0, Buffer.concat(values.map(([name, value]) => setting(name, value))))
}

/** The frames that bytes begin with; `rest`: what is no whole frame behind them. */
export function framesIn(bytes: Buffer): { readonly frames: Frame[]; readonly rest: Buffer } {
  const frames: Frame[] = []
  let at = 0
  while (bytes.length - at >= HEADER) {
    const end = at + HEADER + bytes.readUIntBE(at, 3)
    if (end > bytes.length) break
    const [type = 0, flags = 0] = bytes.subarray(at + 3, at + 5)
    const id = bytes.readUInt32BE(at + 5) & 0x7fffffff
    frames.push({ type, flags, id, payload: bytes.subarray(at + HEADER, end) })
    at = end
  }
  return { frames, rest: bytes.subarray(at) }
}

/** The bytes cut behind each frame; `skip`: bytes before the first one. */
export function framewise(bytes: Buffer, skip: number): Buffer[] {
  const { frames, rest } = framesIn(bytes.subarray(skip))
  let at = skip
  const pieces = frames.map(({ payload }) => {
    const start = at
    at += HEADER + payload.length
    return bytes.subarray(start, at)
  })
  return [bytes.subarray(0, skip), ...pieces, rest].filter(({ length }) => length > 0)
}

/** Why a connection was ended: the code of the GOAWAY, and what it says besides. */
export type Ending = { readonly code: number; readonly reason: string }

/** The GOAWAY among these frames, where it tells of an error. */
export function goawayIn(frames: readonly Frame[]): Ending | undefined {
  return frames
    .filter(({ type }) => type === TYPE.goaway)
    .map(({ payload }) => ({ code: payload.readUInt32BE(4), reason: payload.toString('latin1', 8) }))
    .find(({ code }) => code !== 0)
}

/** Error codes of the RST_STREAM frames among these, by stream. */
export function resetsIn(frames: readonly Frame[]): ReadonlyMap<number, number> {
  const resets = frames.filter(({ type }) => type === TYPE.rstStream)
  return new Map(resets.map(({ id, payload }) => [id, payload.readUInt32BE(0)]))
}

const HEADER = 9

function setting(name: number, value: number): Buffer {
  return Buffer.concat([Buffer.from([name >>> 8, name]), uint32(value)])
}
