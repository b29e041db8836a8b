import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFrameDecoder, encodeFrame, FrameError, parseFrame } from '../../../router/kernel/frames.ts'

describe('frames', () => {
  it('arrive whole and in order, however the stream is split', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue(), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 }),
        (values, sizes) => {
          const stream = Buffer.concat(values.map(encodeFrame))
          const decoder = createFrameDecoder(1_000_000)
          const seen: unknown[] = []
          for (let at = 0, turn = 0; at < stream.length; turn += 1) {
            const size = sizes[turn % sizes.length] ?? 1
            seen.push(...decoder.push(stream.subarray(at, at + size)).map(parseFrame))
            at += size
          }
          // JSON has one zero.
          expect(JSON.stringify(seen)).toBe(JSON.stringify(values))
        },
      ),
    )
  })

  it('carry text beyond ASCII by bytes, not characters', () => {
    const [payload] = createFrameDecoder(100).push(encodeFrame({ name: 'Größe 🌳' }))
    expect(payload && parseFrame(payload)).toEqual({ name: 'Größe 🌳' })
  })

  it('longer than agreed are refused by their length alone', () => {
    const decoder = createFrameDecoder(10)
    expect(decoder.push(Buffer.from([0, 0, 0]))).toEqual([])
    expect(() => decoder.push(Buffer.from([11]))).toThrow(FrameError)
    expect(createFrameDecoder(10).push(Buffer.from([0, 0, 0, 10]))).toEqual([])
  })
})
