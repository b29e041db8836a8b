import { ENTRY_OVERHEAD, TABLE_SIZE } from './decoder.ts'
import { type FieldName, fieldName } from './field-names.ts'
import { STATIC_TABLE } from './static-table.ts'

/** Longest field that is worth a place in the table. */
const INDEXED_LIMIT = 512

/**
 * Encodes the header blocks of one connection, in their order (RFC 7541). Fields come as the lines they are written
 * as in HTTP/1.1, and the line is the key by which one that was sent before is found again. No Huffman coding: it
 * costs more than the bytes it saves.
 */
export class Encoder {
  /** Where the block is written to, and how far it has got. */
  into: Buffer = NOTHING
  at = 0
  /** Number of each field in the table, counted from the first that was ever added. */
  readonly #numbers = new Map<string, number>()
  readonly #table: { readonly key: string; readonly size: number }[] = []
  #gone = 0
  #added = 0
  #size = 0
  #limit = TABLE_SIZE
  /** Smallest limit since the last block, which the peer must hear of too (RFC 7541 §4.2); undefined: none is new. */
  #least: number | undefined
  /** How often a field of each name was not in the table. */
  readonly #misses = new Map<string, number>()

  /** The peer's limit on the table. */
  resize(limit: number): void {
    const next = Math.min(limit, TABLE_SIZE)
    if (next === this.#limit) return
    this.#limit = next
    this.#least = Math.min(next, this.#least ?? next)
    this.#evict(next)
  }

  /** Begins a block at `at` in `into`, which has room for all of it. */
  begin(into: Buffer, at: number): void {
    this.into = into
    this.at = at
    const least = this.#least
    if (least === undefined) return
    this.#least = undefined
    if (least < this.#limit) this.#integer(0x20, 5, least)
    this.#integer(0x20, 5, this.#limit)
  }

  /** A field of the static table, whole. */
  indexed(index: number): void {
    this.into[this.at++] = 0x80 | index
  }

  /** A field by the static index of its name. `key`: it may stay in the table, found by that. */
  named(nameIndex: number, value: string, key: string | undefined): void {
    const number = key === undefined ? undefined : this.#numbers.get(key)
    if (number !== undefined) {
      this.#integer(0x80, 7, STATIC_TABLE.length + this.#added - number)
      return
    }
    const keeps =
      key !== undefined && key.length <= INDEXED_LIMIT && this.#isRepeated(STATIC_TABLE[nameIndex - 1]?.name)
    this.#integer(keeps ? 0x40 : 0, keeps ? 6 : 4, nameIndex)
    this.#string(value)
    if (keeps) this.#add(key, (STATIC_TABLE[nameIndex - 1]?.name.length ?? 0) + value.length)
  }

  /** A field line, `Name: value`, without its end. */
  line(line: string): void {
    const number = this.#numbers.get(line)
    if (number !== undefined) {
      this.#integer(0x80, 7, STATIC_TABLE.length + this.#added - number)
      return
    }
    const colon = line.indexOf(':')
    const name = fieldName(line.substring(0, colon))
    if (!name.hop) this.#literal(line, name, line.substring(colon + 2))
  }

  #literal(line: string, name: FieldName, value: string): void {
    const keeps = line.length <= INDEXED_LIMIT && !name.unique && this.#isRepeated(name.lower)
    if (keeps) this.#integer(0x40, 6, name.index)
    else this.#integer(name.secret ? 0x10 : 0, 4, name.index)
    if (name.index === 0) this.#string(name.lower)
    this.#string(value)
    if (keeps) this.#add(line, name.lower.length + value.length)
  }

  /**
   * Whether a field of this name that is not in the table shall be put there. One that is new again and again only
   * drives the others out; now and then it is tried once more.
   */
  #isRepeated(name = ''): boolean {
    const misses = (this.#misses.get(name) ?? 0) + 1
    if (this.#misses.size >= NAMES_LIMIT) this.#misses.clear()
    this.#misses.set(name, misses < RETRIED_AFTER ? misses : 0)
    return misses <= PATIENCE
  }

  #add(key: string, length: number): void {
    const size = length + ENTRY_OVERHEAD
    this.#evict(this.#limit - size)
    if (size > this.#limit) return
    this.#table.push({ key, size })
    this.#size += size
    this.#numbers.set(key, this.#added++)
  }

  #evict(limit: number): void {
    while (this.#size > limit && this.#gone < this.#table.length) {
      const oldest = this.#table[this.#gone++]
      if (oldest === undefined) break
      this.#size -= oldest.size
      this.#numbers.delete(oldest.key)
    }
    if (this.#gone < KEPT_LIMIT) return
    this.#table.splice(0, this.#gone)
    this.#gone = 0
  }

  #integer(flags: number, prefix: number, value: number): void {
    const most = (1 << prefix) - 1
    if (value < most) {
      this.into[this.at++] = flags | value
      return
    }
    this.into[this.at++] = flags | most
    let rest = value - most
    for (; rest >= 0x80; rest >>>= 7) this.into[this.at++] = 0x80 | (rest & 0x7f)
    this.into[this.at++] = rest
  }

  #string(text: string): void {
    this.#integer(0, 7, text.length)
    if (text.length > SHORT) {
      this.at += this.into.write(text, this.at, 'latin1')
      return
    }
    for (let index = 0; index < text.length; index++) this.into[this.at++] = text.charCodeAt(index)
  }
}

const NOTHING = Buffer.alloc(0)
const KEPT_LIMIT = 256
const NAMES_LIMIT = 256
const PATIENCE = 32
const RETRIED_AFTER = 1024
/** Up to this length a loop is quicker than a call into the runtime. */
const SHORT = 24
