/**
 * Frames over a byte stream: four bytes of length (big-endian), then that many bytes of JSON.
 *
 * Decoding and parsing are two steps, so that a reader may hand the loop back between two large frames.
 */

/** One value as a frame. The value must survive JSON. */
export function encodeFrame(value: unknown): Buffer {
  const payload = Buffer.from(JSON.stringify(value))
  const frame = Buffer.allocUnsafe(HEAD + payload.length)
  frame.writeUInt32BE(payload.length, 0)
  payload.copy(frame, HEAD)
  return frame
}

/** The value of one payload that a decoder gave. Throws SyntaxError where it is not JSON. */
export function parseFrame(payload: Buffer): unknown {
  return JSON.parse(payload.toString())
}

/** The peer does not speak this protocol, or sends more than was agreed: end the connection. */
export class FrameError extends Error {}

export type FrameDecoder = {
  /** Takes the next bytes, however they were split; returns the payloads that are complete now, in order. */
  push(chunk: Buffer): Buffer[]
}

/** Reads frames of at most `maxBytes` each; a longer one throws FrameError before its body is collected. */
export function createFrameDecoder(maxBytes: number): FrameDecoder {
  let chunks: Buffer[] = []
  let held = 0

  /** The first `count` held bytes, in one piece; the rest stays. */
  function take(count: number): Buffer {
    const all = chunks.length === 1 ? chunks[0] : undefined
    const bytes = all ?? Buffer.concat(chunks)
    held -= count
    chunks = held === 0 ? [] : [bytes.subarray(count)]
    return bytes.subarray(0, count)
  }

  let expected: number | undefined
  return {
    push(chunk) {
      if (chunk.length > 0) chunks.push(chunk)
      held += chunk.length
      const payloads: Buffer[] = []
      for (;;) {
        if (expected === undefined) {
          if (held < HEAD) return payloads
          expected = take(HEAD).readUInt32BE(0)
          if (expected > maxBytes) throw new FrameError(`a frame of ${expected} bytes; at most ${maxBytes} are taken`)
        }
        if (held < expected) return payloads
        payloads.push(take(expected))
        expected = undefined
      }
    },
  }
}

const HEAD = 4
