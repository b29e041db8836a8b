import type { Random } from '../../random.ts'
import type { ChanceEncoder, Field } from './hpack.ts'
import { END_HEADERS, END_STREAM, frame, PADDED, PRIORITY, settings, TYPE, uint32 } from './wire.ts'

/** The frames of a header block: in one or more, with padding and a priority perhaps. */
export function block(
  encoder: ChanceEncoder,
  id: number,
  fields: readonly Field[],
  endStream: boolean,
  random: Random,
): Buffer[] {
  const bytes = encoder.block(fields)
  const last = endStream ? END_STREAM : 0
  if (random.chance(0.7)) return [frame(TYPE.headers, END_HEADERS | last, id, bytes)]
  const cut = random.chance(0.5) ? bytes.length : random.below(bytes.length + 1)
  let flags = last
  let payload = bytes.subarray(0, cut)
  if (random.chance(0.4)) {
    flags |= PRIORITY
    payload = Buffer.concat([uint32(random.below(2) === 0 ? 0 : id + 2), Buffer.from([random.below(256)]), payload])
  }
  if (random.chance(0.4)) {
    const length = random.chance(0.5) ? 0 : random.below(256)
    flags |= PADDED
    payload = Buffer.concat([Buffer.from([length]), payload, Buffer.alloc(length)])
  }
  if (cut === bytes.length && random.chance(0.5)) return [frame(TYPE.headers, flags | END_HEADERS, id, payload)]
  const middle = cut + random.below(bytes.length - cut + 1)
  return joined([
    frame(TYPE.headers, flags, id, payload),
    frame(TYPE.continuation, 0, id, bytes.subarray(cut, middle)),
    frame(TYPE.continuation, END_HEADERS, id, bytes.subarray(middle)),
  ])
}

/** The DATA frames of a body: in one or more, with padding perhaps. */
export function data(id: number, body: string, endStream: boolean, random: Random): Buffer[] {
  const cut = random.chance(0.5) ? body.length : random.below(body.length + 1)
  const parts = cut === body.length && random.chance(0.7) ? [body] : [body.slice(0, cut), body.slice(cut)]
  return parts.map((part, index) => {
    const last = endStream && index === parts.length - 1 ? END_STREAM : 0
    const bytes = Buffer.from(part, 'latin1')
    if (random.chance(0.7)) return frame(TYPE.data, last, id, bytes)
    const padding = random.chance(0.5) ? 0 : random.below(256)
    return frame(TYPE.data, last | PADDED, id, Buffer.concat([Buffer.from([padding]), bytes, Buffer.alloc(padding)]))
  })
}

/** Frames of several streams in an order by chance; each stream begins before the next one. */
export function interleaved(streams: readonly (readonly Buffer[])[], random: Random): Buffer[] {
  const out: Buffer[] = []
  const rest = streams.map((frames) => [...frames])
  let begun = 0
  while (rest.some((frames) => frames.length > 0)) {
    const open = rest.slice(0, begun).filter((frames) => frames.length > 0)
    const next = begun < rest.length && (open.length === 0 || random.chance(0.4)) ? rest[begun++] : undefined
    const taken = (next ?? open[random.below(open.length)])?.shift()
    if (taken !== undefined) out.push(taken)
  }
  return out
}

/** A frame that says little and is allowed wherever no header block is open; `id`: a stream that has begun. */
export function otherFrame(id: number, random: Random): Buffer {
  switch (random.below(5)) {
    case 0:
      return frame(TYPE.ping, 0, 0, Buffer.alloc(8, 'p'))
    case 1:
      return frame(TYPE.windowUpdate, 0, random.chance(0.5) ? 0 : id, uint32(1 + random.below(100_000)))
    case 2:
      return frame(TYPE.priority, 0, id + 2 * random.below(20), Buffer.concat([uint32(0), Buffer.from([1])]))
    case 3:
      return settings([4, random.below(100_000)])
    default:
      return frame(0x20 + random.below(100), random.below(256), id, Buffer.alloc(random.below(20)))
  }
}

/** Nothing may come between the frames of a block: they are one piece to whoever interleaves. */
function joined(frames: readonly Buffer[]): Buffer[] {
  return [Buffer.concat(frames)]
}
