import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Pace } from '../../../router/dataplane/http1/pace.ts'
import { WebSocketFrames } from '../../../router/dataplane/upgrade/websocket-frames.ts'

function frame(opcode: number, length: number, masked: boolean): Buffer {
  const size = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const head = Buffer.alloc(size + (masked ? 4 : 0), 0xff)
  head[0] = 0x80 | opcode
  head[1] = (masked ? 0x80 : 0) | (size === 2 ? length : size === 4 ? 126 : 127)
  if (size === 4) head.writeUInt16BE(length, 2)
  if (size === 10) head.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([head, Buffer.alloc(length, 0x88)])
}

describe('WebSocketFrames', () => {
  const frames = fc.array(
    fc.record({
      opcode: fc.constantFrom(0, 1, 2, 9, 10),
      length: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(125, 126, 127, 65_535, 65_536, 70_000)),
      masked: fc.boolean(),
    }),
    { minLength: 1, maxLength: 6 },
  )

  it('knows where frames end, however they are split', () => {
    fc.assert(
      fc.property(frames, fc.infiniteStream(fc.integer({ min: 1, max: 5000 })), (sent, pieces) => {
        const bytes = sent.map(({ opcode, length, masked }) => frame(opcode, length, masked))
        const ends = new Set(bytes.map((_, index) => Buffer.concat(bytes.slice(0, index + 1)).length))
        const all = Buffer.concat(bytes)
        const followed = new WebSocketFrames()
        for (let at = 0; at < all.length; ) {
          const end = Math.min(all.length, at + (pieces.next().value ?? 1))
          followed.pass(all, at, end)
          at = end
          expect(followed.between).toBe(ends.has(at))
        }
        expect(followed.closed).toBe(false)
      }),
      { numRuns: 100 },
    )
  })

  it('notices a close frame, and takes no payload for one', () => {
    const followed = new WebSocketFrames()
    const text = frame(1, 200, true)
    followed.pass(text, 0, text.length)
    expect(followed.closed).toBe(false)
    followed.pass(frame(8, 2, true), 0, 1)
    expect([followed.closed, followed.between]).toEqual([true, false])
  })
})

describe('Pace', () => {
  it('judges every minute by itself, and only what came while the client was waited for', () => {
    const pace = new Pace()
    pace.begin()
    expect(pace.isTooSlow(0, 20_000)).toBe(false)
    expect(pace.isTooSlow(60_000, 0)).toBe(false)
    expect(pace.isTooSlow(119_000, 14_399)).toBe(false)
    expect(pace.isTooSlow(120_000, 0)).toBe(true)
    pace.begin()
    expect(pace.isTooSlow(900_000, 1)).toBe(false)
    expect(pace.isTooSlow(960_000, 14_399)).toBe(false)
  })
})
