import { ReferenceDecoder } from './hpack.ts'
import { END_HEADERS, END_STREAM, type Frame, TYPE } from './wire.ts'

const FRAME_LIMIT = 16 * 1024
const SESSION_WINDOW = 1024 * 1024
const FIRST_WINDOW = 65_535

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
        decoder.decode(block.bytes)
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

/** What is wrong about the connection's window, where everything that came was taken; `received`: what came. */
export function windowFault(written: readonly Frame[], received: readonly Frame[]): string | undefined {
  const given = written
    .filter(({ type, id }) => type === TYPE.windowUpdate && id === 0)
    .reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0)
  const used = received.filter(({ type }) => type === TYPE.data).reduce((sum, { payload }) => sum + payload.length, 0)
  const open = FIRST_WINDOW + given - used
  if (open > SESSION_WINDOW) return `the window is ${open}: more was given back than came`
  return open < SESSION_WINDOW / 2 ? `the window is ${open}: it was not given back` : undefined
}
