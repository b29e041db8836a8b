import { ReferenceDecoder } from './hpack.ts'
import { END_HEADERS, END_STREAM, type Frame, TYPE } from './wire.ts'

const FRAME_LIMIT = 16 * 1024
const FIRST_WINDOW = 65_535
const INITIAL_WINDOW = 4

/** What no peer may write, whatever it was sent; undefined: nothing of the kind is among these frames. */
export function outputFault(frames: readonly Frame[]): string | undefined {
  const decoder = new ReferenceDecoder()
  const ended = new Map<number, string>()
  let block: { readonly id: number; bytes: Buffer } | undefined
  for (const { type, flags, id, payload } of frames) {
    const what = `frame of type ${type} on ${id}`
    if (payload.length > FRAME_LIMIT) return `${what} of ${payload.length} bytes`
    if ((block !== undefined) !== (type === TYPE.continuation)) return `${what} between the frames of a block`
    const before = ended.get(id)
    if (id !== 0 && before !== undefined && !(before === 'ended' && isAllowedBehindEnd(type)))
      return `${what}, which was ${before}`
    if (type === TYPE.headers) block = { id, bytes: Buffer.alloc(0) }
    if (block !== undefined) {
      if (block.id !== id) return `${what} within the block of ${block.id}`
      block.bytes = Buffer.concat([block.bytes, payload])
      if ((flags & END_HEADERS) !== 0) {
        if (decoder.read(block.bytes) === undefined) return `${what} ends what is no header block`
        block = undefined
      }
    }
    if ((type === TYPE.data || type === TYPE.headers) && (flags & END_STREAM) !== 0) ended.set(id, 'ended')
    if (type === TYPE.rstStream) ended.set(id, 'reset')
    if (type === TYPE.windowUpdate && payload.readUInt32BE(0) === 0) return `${what} of nothing`
  }
  return block === undefined ? undefined : 'a block without an end'
}

function isAllowedBehindEnd(type: number): boolean {
  return type === TYPE.rstStream || type === TYPE.windowUpdate
}

/** What the connection's window is for the peer, who has sent `received`. */
export function openWindow(written: readonly Frame[], received: readonly Frame[]): number {
  return FIRST_WINDOW + updatesOn(0, written) - bytesOn(undefined, received)
}

/** Where more was sent than the peer's windows ever let; undefined: nowhere. `received`: what it had sent before. */
export function excess(written: readonly Frame[], received: readonly Frame[]): string | undefined {
  const first = Math.max(FIRST_WINDOW, ...received.filter(({ type }) => type === TYPE.settings).map(windowIn))
  if (bytesOn(undefined, written) > FIRST_WINDOW + updatesOn(0, received))
    return 'more is sent than the connection takes'
  const lastWindow = received.findLast((one) => one.type === TYPE.settings && windowIn(one) > 0)
  const only = received.filter(({ type }) => type === TYPE.settings).length === 1 && lastWindow !== undefined
  const limit = only ? windowIn(lastWindow) : first
  const ids = new Set(written.map(({ id }) => id))
  const over = [...ids].find((id) => id !== 0 && bytesOn(id, written) > limit + updatesOn(id, received))
  return over === undefined ? undefined : `more is sent than stream ${over} takes`
}

function bytesOn(id: number | undefined, frames: readonly Frame[]): number {
  return frames
    .filter((one) => one.type === TYPE.data && (id === undefined || one.id === id))
    .reduce((sum, { payload }) => sum + payload.length, 0)
}

function updatesOn(id: number, frames: readonly Frame[]): number {
  return frames
    .filter((one) => one.type === TYPE.windowUpdate && one.id === id && one.payload.length === 4)
    .reduce((sum, { payload }) => sum + (payload.readUInt32BE(0) & 0x7fffffff), 0)
}

/** The window of streams that a SETTINGS frame asks for; 0: it asks for none. */
function windowIn({ payload }: Frame): number {
  let window = 0
  for (let at = 0; at + 6 <= payload.length; at += 6) {
    if (payload.readUInt16BE(at) === INITIAL_WINDOW) window = payload.readUInt32BE(at + 2)
  }
  return window
}
