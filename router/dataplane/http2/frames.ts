/** Types of frames (RFC 9113 §6). */
export const FRAME = {
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

export const FLAG = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const

/** Error codes (RFC 9113 §7). */
export const CODE = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  streamClosed: 5,
  frameSize: 6,
  refusedStream: 7,
  cancel: 8,
  compression: 9,
  enhanceYourCalm: 11,
} as const

/** Names of settings (RFC 9113 §6.5.2). */
export const SETTING = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const

/** What a client sends before its first frame. The part up to the empty line reads as a head of HTTP/1.1. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/** Length of a frame's header. */
export const FRAME_HEADER = 9
/** Longest payload of a frame, in bytes: what every peer takes, and all that is taken here. */
export const FRAME_LIMIT = 16 * 1024
/** The window that streams and connections begin with. */
export const FIRST_WINDOW = 65_535
export const WINDOW_LIMIT = 2 ** 31 - 1

/** Writes a frame's header; returns where its payload begins. */
export function writeFrameHeader(
  into: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  id: number,
): number {
  into[at] = length >>> 16
  into[at + 1] = length >>> 8
  into[at + 2] = length
  into[at + 3] = type
  into[at + 4] = flags
  return writeUint32(into, at + 5, id)
}

/** Writes four bytes; returns where they end. */
export function writeUint32(into: Buffer, at: number, value: number): number {
  into[at] = value >>> 24
  into[at + 1] = value >>> 16
  into[at + 2] = value >>> 8
  into[at + 3] = value
  return at + 4
}

/** Four bytes as a number. */
export function uint32(bytes: Uint8Array, at: number): number {
  return (uint31(bytes, at) | ((bytes[at] ?? 0) & 0x80 ? 0x80000000 : 0)) >>> 0
}

/** Four bytes as a number, without the first bit, which is reserved. */
export function uint31(bytes: Uint8Array, at: number): number {
  const high = (((bytes[at] ?? 0) & 0x7f) << 24) | ((bytes[at + 1] ?? 0) << 16)
  return high | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)
}
