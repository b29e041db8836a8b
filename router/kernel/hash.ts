import { createHash } from 'node:crypto'

/** Hex SHA-256 over canonical JSON: keys sorted, absent and undefined properties alike. For identity, not speed. */
export function stableHash(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex')
}

/**
 * Where a key falls in [0, 1): the first 64 bits of MurmurHash3_x86_128 over the salt's bytes and the key in UTF-8,
 * divided by 2^64. The same on every process and replica; a shift's candidate takes it when it is below the weight.
 */
export function keyFraction(saltHex: string, key: string): number {
  const saltLength = saltHex.length >>> 1
  const needed = saltLength + key.length * 3
  if (needed > input.length) input = new Uint8Array(needed * 2)
  for (let index = 0; index < saltLength; index++) {
    input[index] = (hexDigit(saltHex.charCodeAt(index * 2)) << 4) | hexDigit(saltHex.charCodeAt(index * 2 + 1))
  }
  const { written } = encoder.encodeInto(key, input.subarray(saltLength))
  murmur128(input, saltLength + written, 0, output)
  // A double holds 53 bits; the lowest 11 are cut, not rounded, so that 1 is never reached.
  return ((output[0] ?? 0) * 0x200000 + ((output[1] ?? 0) >>> 11)) / 2 ** 53
}

/** MurmurHash3_x86_128 (Austin Appleby, public domain) of the first `length` bytes, as four words into `into`. */
export function murmur128(bytes: Uint8Array, length: number, seed: number, into: Uint32Array): void {
  let h1 = seed | 0
  let h2 = seed | 0
  let h3 = seed | 0
  let h4 = seed | 0
  const blocks = length & ~15
  for (let at = 0; at < blocks; at += 16) {
    h1 ^= scramble(word(bytes, at, 4), C1, 15, C2)
    h1 = (Math.imul(rotate(h1, 19) + h2, 5) + 0x561ccd1b) | 0
    h2 ^= scramble(word(bytes, at + 4, 4), C2, 16, C3)
    h2 = (Math.imul(rotate(h2, 17) + h3, 5) + 0x0bcaa747) | 0
    h3 ^= scramble(word(bytes, at + 8, 4), C3, 17, C4)
    h3 = (Math.imul(rotate(h3, 15) + h4, 5) + 0x96cd1c35) | 0
    h4 ^= scramble(word(bytes, at + 12, 4), C4, 18, C1)
    h4 = (Math.imul(rotate(h4, 13) + h1, 5) + 0x32ac3b17) | 0
  }
  // The reference mixes each word of the tail only where it has bytes; a word of zero scrambles to zero.
  const tail = length - blocks
  h4 ^= scramble(word(bytes, blocks + 12, tail - 12), C4, 18, C1)
  h3 ^= scramble(word(bytes, blocks + 8, tail - 8), C3, 17, C4)
  h2 ^= scramble(word(bytes, blocks + 4, tail - 4), C2, 16, C3)
  h1 ^= scramble(word(bytes, blocks, tail), C1, 15, C2)
  finish(h1 ^ length, h2 ^ length, h3 ^ length, h4 ^ length, into)
}

const C1 = 0x239b961b
const C2 = 0xab0e9789
const C3 = 0x38b34ae5
const C4 = 0xa1e38b93

const encoder = new TextEncoder()
const output = new Uint32Array(4)
let input = new Uint8Array(1024)

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  // A map without a prototype keeps `__proto__` a key like any other.
  const copy: Record<string, unknown> = Object.create(null)
  for (const [key, item] of entries) copy[key] = sorted(item)
  return copy
}

function hexDigit(code: number): number {
  return code < 0x3a ? code - 0x30 : (code | 0x20) - 0x57
}

/** Up to four bytes, little end first; missing ones are 0. */
function word(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let index = Math.min(count, 4) - 1; index >= 0; index--) value = (value << 8) | (bytes[at + index] ?? 0)
  return value
}

function scramble(value: number, first: number, turn: number, second: number): number {
  return Math.imul(rotate(Math.imul(value, first), turn), second)
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by))
}

function finish(a: number, b: number, c: number, d: number, into: Uint32Array): void {
  const sum = (a + b + c + d) | 0
  const h1 = avalanche(sum)
  const h2 = avalanche((b + sum) | 0)
  const h3 = avalanche((c + sum) | 0)
  const h4 = avalanche((d + sum) | 0)
  const total = (h1 + h2 + h3 + h4) | 0
  into[0] = total
  into[1] = h2 + total
  into[2] = h3 + total
  into[3] = h4 + total
}

function avalanche(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
