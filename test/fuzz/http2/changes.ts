import type { Random } from '../../random.ts'
import { type Frame, frame, framesIn } from './wire.ts'

/** The frames with one change. */
export function changed(bytes: Buffer, other: Buffer, random: Random): Buffer {
  const { frames, rest } = framesIn(bytes)
  const at = random.below(Math.max(1, frames.length))
  const one = frames[at]
  if (one === undefined || random.chance(0.05)) return flipped(bytes, random)
  const out: (Frame | undefined)[] = [...frames]
  const { type, flags, id, payload } = one
  const choice = random.below(12)
  if (choice === 0) out.splice(at, 1)
  else if (choice === 1) out.splice(random.below(frames.length + 1), 0, one)
  else if (choice === 2) out.splice(random.below(frames.length), 0, ...out.splice(at, 1))
  else if (choice === 3) out[at] = { ...one, id: random.chance(0.7) ? random.below(10) : random.below(2 ** 31) }
  else if (choice === 4) out[at] = { ...one, flags: flags ^ (1 << random.below(8)) }
  else if (choice === 5) out[at] = { ...one, type: random.chance(0.9) ? random.below(10) : random.below(256) }
  else if (choice === 6) out[at] = { ...one, payload: payload.subarray(0, random.below(payload.length + 1)) }
  else if (choice === 7) out[at] = { ...one, payload: Buffer.concat([payload, chanceBytes(random)]) }
  else if (choice === 8)
    out.splice(at, 0, { type: random.below(10), flags: 0, id: random.below(8), payload: chanceBytes(random) })
  else if (choice === 9) out.splice(at, 0, pickFrom(framesIn(other.subarray(random.pick([0, 24]))).frames, random))
  else out[at] = { type, flags, id, payload: flipped(payload, random) }
  return Buffer.concat([...out.map(bytesOf), rest])
}

function bytesOf(one: Frame | undefined): Buffer {
  return one === undefined ? Buffer.alloc(0) : frame(one.type, one.flags, one.id, one.payload)
}

function pickFrom(frames: readonly Frame[], random: Random): Frame | undefined {
  return frames[random.below(frames.length)]
}

function chanceBytes(random: Random): Buffer {
  return Buffer.from(
    Array.from({ length: random.pick([0, 1, 4, 4, 5, 6, 8, 8, 10]) }, () => random.pick([0, 0, 1, random.below(256)])),
  )
}

/** One byte is another one, is gone, or has a new one before it. */
export function flipped(bytes: Buffer, random: Random): Buffer {
  const at = random.below(Math.max(1, bytes.length))
  const one = Buffer.from([random.chance(0.5) ? (bytes[at] ?? 0) ^ (1 << random.below(8)) : random.below(256)])
  const kind = random.below(4)
  if (kind === 0) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
  return Buffer.concat([bytes.subarray(0, at), one, bytes.subarray(kind === 1 ? at : at + 1)])
}
