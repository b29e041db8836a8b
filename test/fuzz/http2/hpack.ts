/**
 * Header compression (RFC 7541) written once more, for what it is looked at with: the plainest decoder that the text
 * allows, and an encoder that chooses by chance among all that an encoder may do. nghttp2 judges both.
 */
import type { Random } from '../../random.ts'
import { HUFFMAN_SYMBOLS, STATIC_FIELDS } from './hpack-tables.ts'

export type Field = readonly [name: string, value: string]

/** Decodes the header blocks of one connection. */
export class ReferenceDecoder {
  /** The newest first. */
  #table: Field[] = []
  #limit = TABLE_LIMIT
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0

  /** The fields of the next block; undefined: it is none. */
  read(bytes: Buffer): Field[] | undefined {
    try {
      return this.#decode(bytes)
    } catch {
      return undefined
    }
  }

  #decode(bytes: Buffer): Field[] {
    this.#bytes = bytes
    this.#at = 0
    const fields: Field[] = []
    while (this.#at < bytes.length) {
      const bits = (bytes[this.#at] ?? 0).toString(2).padStart(8, '0')
      if (bits.startsWith('001')) {
        if (fields.length > 0) throw new Error('a change of size behind a field')
        this.#limit = this.#integer(5)
        if (this.#limit > TABLE_LIMIT) throw new Error('a size above the limit')
        evict(this.#table, this.#limit)
      } else if (bits.startsWith('1')) fields.push(this.#indexed(this.#integer(7)))
      else {
        const keeps = bits.startsWith('01')
        const index = this.#integer(keeps ? 6 : 4)
        const name = index === 0 ? this.#string() : this.#indexed(index)[0]
        const field: Field = [name, this.#string()]
        fields.push(field)
        if (!keeps) continue
        this.#table.unshift(field)
        evict(this.#table, this.#limit)
      }
    }
    return fields
  }

  #indexed(index: number): Field {
    const field = [...STATIC_FIELDS, ...this.#table][index - 1]
    if (field === undefined) throw new Error(`an index of nothing: ${index}`)
    return field
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw new Error('the block ends too early')
    return byte
  }

  #integer(prefix: number): number {
    const most = 2 ** prefix - 1
    let value = this.#byte() % (most + 1)
    if (value < most) return value
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#byte()
      value += (byte % 128) * factor
      if (value > LARGEST) throw new Error('an integer beyond 32 bits')
      if (byte < 128) return value
    }
  }

  #string(): string {
    const coded = (this.#bytes[this.#at] ?? 0) >= 128
    const length = this.#integer(7)
    if (this.#at + length > this.#bytes.length) throw new Error('a string beyond the block')
    const bytes = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return coded ? huffmanDecoded(bytes) : bytes.toString('latin1')
  }
}

/** Encodes the header blocks of one connection; how each field is written is chance. */
export class ChanceEncoder {
  /** The newest first. */
  #table: Field[] = []
  #limit = TABLE_LIMIT
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  block(fields: readonly Field[]): Buffer {
    const parts: Buffer[] = []
    while (this.#random.chance(0.1)) {
      this.#limit = this.#random.chance(0.3) ? this.#random.below(200) : this.#random.below(TABLE_LIMIT + 1)
      evict(this.#table, this.#limit)
      parts.push(integer(0x20, 5, this.#limit))
    }
    return Buffer.concat([...parts, ...fields.map((field) => this.#field(field))])
  }

  #field(field: Field): Buffer {
    const [name, value] = field
    const known = [...STATIC_FIELDS, ...this.#table]
    const whole = known.findIndex(([other, content]) => other === name && content === value) + 1
    if (whole > 0 && this.#random.chance(0.7)) return integer(0x80, 7, whole)
    const [flags, prefix] = this.#random.pick(REPRESENTATIONS)
    const index = this.#random.chance(0.7) ? known.findLastIndex(([other]) => other === name) + 1 : 0
    if (flags === INDEXED) {
      this.#table.unshift(field)
      evict(this.#table, this.#limit)
    }
    const parts = [integer(flags, prefix, index)]
    if (index === 0) parts.push(this.#string(name))
    return Buffer.concat([...parts, this.#string(value)])
  }

  #string(text: string): Buffer {
    return this.#random.chance(0.5) ? huffman(text) : plain(text)
  }
}

/** One field as a literal that no table keeps, without Huffman coding. */
export function literal([name, value]: Field): Buffer {
  return Buffer.concat([Buffer.from([0]), plain(name), plain(value)])
}

/** An integer with a prefix of so many bits, and `flags` before it. */
export function integer(flags: number, prefix: number, value: number): Buffer {
  const most = 2 ** prefix - 1
  if (value < most) return Buffer.from([flags | value])
  const bytes = [flags | most]
  let rest = value - most
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push(128 | (rest % 128))
  return Buffer.from([...bytes, rest])
}

/** A string as Huffman codes, with its length. */
export function huffman(text: string): Buffer {
  let bits = ''
  for (const byte of Buffer.from(text, 'latin1')) bits += CODES[byte]
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1')
  const bytes = Buffer.from(bits.match(/.{8}/g)?.map((octet) => Number.parseInt(octet, 2)) ?? [])
  return Buffer.concat([integer(0x80, 7, bytes.length), bytes])
}

const INDEXED = 0x40

/** Size of the table that both sides begin with. */
export const TABLE_LIMIT = 4096

/** Larger ones are of use to nobody (RFC 7541 §5.1 leaves the limit to the implementation). */
const LARGEST = 2 ** 32 - 1

const REPRESENTATIONS: readonly [Representation, ...Representation[]] = [
  [INDEXED, 6],
  [0, 4],
  [0x10, 4],
]
type Representation = readonly [flags: number, prefix: number]

function evict(table: Field[], limit: number): void {
  const size = (): number => table.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0)
  while (size() > limit) table.pop()
}

function plain(text: string): Buffer {
  return Buffer.concat([integer(0, 7, text.length), Buffer.from(text, 'latin1')])
}

function huffmanDecoded(bytes: Buffer): string {
  let text = ''
  let code = ''
  for (const byte of bytes) {
    for (const bit of byte.toString(2).padStart(8, '0')) {
      code += bit
      const symbol = SYMBOLS.get(code)
      if (symbol === END_OF_STRING) throw new Error('the end of a string within it')
      if (symbol === undefined) continue
      text += String.fromCharCode(symbol)
      code = ''
    }
  }
  if (code.length > 7 || code.includes('0')) throw new Error('padding that is none')
  return text
}

const END_OF_STRING = 256

/** Codes of one length follow one another in the order of their symbols. */
const CODES: string[] = []
let next = 0
for (let length = 5; length <= 30; length++) {
  for (const symbol of HUFFMAN_SYMBOLS[length] ?? []) CODES[symbol] = (next++).toString(2).padStart(length, '0')
  next *= 2
}
const SYMBOLS = new Map(CODES.map((code, symbol) => [code, symbol]))
