import { openWindow } from './output.ts'
import { END_HEADERS, type Frame, frame, framesIn, goawayIn, TYPE } from './wire.ts'

const SESSION_WINDOW = 1024 * 1024
const PART = 16 * 1024

/** A connection on which more may be sent. */
export type Probed = {
  /** Has it read the bytes; returns every frame that it has written until then. */
  send(bytes: Buffer): readonly Frame[]
  /** What it has read. */
  readonly before: readonly Frame[]
}

/**
 * Sends a body on a new stream, with this header block before it, until the connection's window is given back. What was
 * lost of it before, by a byte too few or too many, shows then; undefined: nothing was.
 */
export function windowLoss({ send, before }: Probed, id: number, head: Buffer): string | undefined {
  const opening = frame(TYPE.headers, END_HEADERS, id, head)
  const bytes = frame(TYPE.data, 0, id, Buffer.alloc(PART))
  const received = [...before, ...framesIn(opening).frames]
  const first = updates(send(opening))
  for (let count = 0; count < SESSION_WINDOW / PART; count++) {
    const written = send(bytes)
    received.push(...framesIn(bytes).frames)
    const error = goawayIn(written)
    if (error !== undefined) return `a body after all is refused: ${error.code}`
    if (updates(written) === first) continue
    const open = openWindow(written, received)
    return open === SESSION_WINDOW ? undefined : `the window is ${open} when all was taken`
  }
  return 'the window is never given back'
}

function updates(frames: readonly Frame[]): number {
  return frames.filter(({ type, id }) => type === TYPE.windowUpdate && id === 0).length
}
