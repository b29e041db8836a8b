import { describe, expect, it } from 'vitest'
import { keyFraction, murmur128, stableHash } from '../../../router/kernel/hash.ts'

const hex = (text: string, seed = 0): string => {
  const bytes = new TextEncoder().encode(text)
  const words = new Uint32Array(4)
  murmur128(bytes, bytes.length, seed, words)
  return [...words].map((word) => word.toString(16).padStart(8, '0')).join('')
}

describe('murmur128', () => {
  it('has the verification value that the reference implementation publishes', () => {
    const words = new Uint32Array(4)
    const all = new Uint8Array(256 * 16)
    const view = new DataView(all.buffer)
    const key = new Uint8Array(256)
    for (let length = 0; length < 256; length++) {
      murmur128(key, length, 256 - length, words)
      for (const [index, word] of words.entries()) view.setUint32(length * 16 + index * 4, word, true)
      key[length] = length
    }
    murmur128(all, all.length, 0, words)
    const bytes = new DataView(new ArrayBuffer(4))
    bytes.setUint32(0, words[0] ?? 0)
    expect(bytes.getUint32(0).toString(16)).toBe('b3ece62a')
  })

  it.each([
    ['', '00000000000000000000000000000000'],
    ["I will not buy this tobacconist's, it is scratched.", '9b5b7ba2ef3f7866889adeaf00f3f98e'],
  ])('of %j is the known vector', (text, expected) => expect(hex(text)).toBe(expected))
})

describe('keyFraction', () => {
  const salt = '00112233445566778899aabbccddeeff'

  it('is the first 64 bits over 2^64 of salt bytes followed by the key', () => {
    const bytes = new Uint8Array([...Buffer.from(salt, 'hex'), ...Buffer.from('grüße', 'utf8')])
    const words = new Uint32Array(4)
    murmur128(bytes, bytes.length, 0, words)
    const bits = (BigInt(words[0] ?? 0) << 32n) | BigInt(words[1] ?? 0)
    expect(keyFraction(salt, 'grüße')).toBe(Number(bits >> 11n) / 2 ** 53)
  })

  it('reads salts in either case and keys of any length', () => {
    expect(keyFraction(salt.toUpperCase(), 'a')).toBe(keyFraction(salt, 'a'))
    const long = 'k'.repeat(100_000)
    expect(keyFraction(salt, long)).toBe(keyFraction(salt, long))
    expect(keyFraction(salt, long)).not.toBe(keyFraction(salt, `${long}k`))
  })

  it('spreads keys evenly, and differently for another salt', () => {
    const other = 'ffeeddccbbaa99887766554433221100'
    const keys = Array.from({ length: 20_000 }, (_, index) => `visitor-${index}`)
    const buckets = new Array<number>(20).fill(0)
    let both = 0
    for (const key of keys) {
      const fraction = keyFraction(salt, key)
      buckets[Math.floor(fraction * 20)] = (buckets[Math.floor(fraction * 20)] ?? 0) + 1
      if (fraction < 0.25 && keyFraction(other, key) < 0.25) both++
    }
    // Four standard deviations of a fair draw: 1,000 ± 123 in a bucket, 1,250 ± 137 below a quarter twice.
    for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(124)
    expect(Math.abs(both - 1_250)).toBeLessThan(138)
  })
})

describe('stableHash', () => {
  it('does not see the order of keys or undefined properties', () => {
    expect(stableHash({ a: 1, b: { c: 2, d: undefined } })).toBe(stableHash({ b: { c: 2 }, a: 1 }))
  })

  it.each([
    [{ a: [1, 2] }, { a: [2, 1] }],
    [{ a: '1' }, { a: 1 }],
    [JSON.parse('{"__proto__":{"a":1}}'), {}],
  ])('tells %j from %j', (a, b) => expect(stableHash(a)).not.toBe(stableHash(b)))
})
