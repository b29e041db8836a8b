import { createHash } from 'node:crypto'
import type { Random } from '../../random.ts'
import { serverFrames } from './answers.ts'
import { clientFrames } from './calls.ts'
import { changed } from './changes.ts'
import { END_HEADERS, type Frame, frame, framesIn, PREFACE, TYPE } from './wire.ts'

/** What a client (`request`) or a server (`response`) sends on one connection. */
export type Http2Input = {
  readonly side: 'request' | 'response'
  readonly bytes: Buffer
  /** Nothing in it is wrong: it must be taken. */
  readonly valid: boolean
}

/** Longer ones only cost time: limits have tests of their own. */
const LENGTH_LIMIT = 12_000

/** A new input by the grammar: half of them with one mistake or more. */
export function freshHttp2(random: Random): Http2Input {
  const side = random.chance(0.4) ? 'response' : 'request'
  const { frames, valid } = side === 'request' ? clientFrames(random) : serverFrames(random)
  const bytes = Buffer.concat(side === 'request' ? [PREFACE, ...frames] : frames)
  return { side, bytes, valid }
}

/** The input with one to four changes, with frames of another one perhaps. */
export function mutatedHttp2({ side, bytes }: Http2Input, other: Http2Input, random: Random): Http2Input {
  const skip = side === 'request' ? PREFACE.length : 0
  let rest = bytes.subarray(skip)
  for (let left = 1 + random.below(4); left > 0; left--) rest = changed(rest, other.bytes, random)
  return { side, bytes: Buffer.concat([bytes.subarray(0, skip), whole(rest)]), valid: false }
}

/**
 * Nothing but whole frames and whole header blocks, because nghttp2 says sooner what is wrong with one that is cut off;
 * and none of the extensions that nghttp2 reads and the codec passes over.
 */
function whole(bytes: Buffer): Buffer {
  const { frames, rest } = framesIn(bytes.subarray(0, LENGTH_LIMIT))
  if (rest.length >= 9 && rest.readUIntBE(0, 3) > FRAME_LIMIT) return bytes.subarray(0, LENGTH_LIMIT)
  const kept = frames.filter(({ type }) => !EXTENSIONS.includes(type))
  while (isOpen(kept.at(-1))) kept.pop()
  return Buffer.concat(kept.map(({ type, flags, id, payload }) => frame(type, flags, id, payload)))
}

function isOpen(last: Frame | undefined): boolean {
  if (last === undefined || (last.flags & END_HEADERS) !== 0) return false
  return last.type === TYPE.headers || last.type === TYPE.continuation
}

/** ALTSVC, ORIGIN, PRIORITY_UPDATE. */
const EXTENSIONS: readonly number[] = [10, 12, 16]

const FRAME_LIMIT = 16 * 1024

/** Cuts it as it might arrive. */
export function http2Pieces(bytes: Buffer, random: Random): Buffer[] {
  if (random.chance(0.3)) return [bytes]
  if (bytes.length < 300 && random.chance(0.1)) return [...bytes].map((byte) => Buffer.from([byte]))
  const cuts = Array.from({ length: random.below(6) }, () => random.below(bytes.length))
  const places = [...new Set([0, ...cuts, bytes.length])].sort((a, b) => a - b)
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end))
}

/** The name of the file that keeps it. */
export function http2Name({ side, bytes, valid }: Http2Input): string {
  return `${side}-${valid ? 'valid' : 'any'}-${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`
}
