import { decodeHuffman } from './huffman.ts'
import { type Entry, isValue, kindOfName } from './names.ts'
import { STATIC_TABLE } from './static-table.ts'

/** Takes the fields of a block, in their order. */
export type FieldTaker = { onField(entry: Entry): void }

/** Size of the table that a peer's encoder may use, in bytes: what HTTP/2 begins with, and never changed. */
export const TABLE_SIZE = 4096
/** What each entry of a table counts besides its text (RFC 7541 §4.1). */
export const ENTRY_OVERHEAD = 32

/** Decodes the header blocks of one connection, in their order (RFC 7541). */
export class Decoder {
  /** The newest last. */
  #table: Entry[] = []
  /** How many of the oldest in `#table` are gone already. */
  #gone = 0
  #size = 0
  #limit = TABLE_SIZE
  #bytes: Buffer = NOTHING
  #at = 0
  #end = 0

  /** False where it is no header block: then nothing that follows on the connection can be read. */
  decode(bytes: Buffer, start: number, end: number, taker: FieldTaker): boolean {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
    let first = true
    while (this.#at < this.#end) {
      const byte = this.#bytes[this.#at] ?? 0
      let entry: Entry | undefined
      if (byte >= 0x80) entry = this.#entry(this.#integer(7))
      else if (byte >= 0x40) entry = this.#literal(6, true)
      else if (byte < 0x20) entry = this.#literal(4, false)
      else {
        // A change of the table's size stands before everything else.
        if (!first || !this.#resize(this.#integer(5))) return false
        continue
      }
      if (entry === undefined) return false
      first = false
      taker.onField(entry)
    }
    return true
  }

  #entry(index: number): Entry | undefined {
    if (index <= 0) return undefined
    if (index <= STATIC_TABLE.length) return STATIC_TABLE[index - 1]
    const at = this.#table.length - (index - STATIC_TABLE.length)
    return at < this.#gone ? undefined : this.#table[at]
  }

  #literal(prefix: number, indexed: boolean): Entry | undefined {
    const index = this.#integer(prefix)
    if (index < 0) return undefined
    const named = index === 0 ? undefined : this.#entry(index)
    if (index !== 0 && named === undefined) return undefined
    const name = named?.name ?? this.#string()
    if (name === undefined) return undefined
    const value = this.#string()
    if (value === undefined) return undefined
    const entry = { name, value, kind: named?.kind ?? kindOfName(name), sound: isValue(value) }
    if (indexed) this.#add(entry)
    return entry
  }

  #add(entry: Entry): void {
    const size = sizeOf(entry)
    this.#evict(this.#limit - size)
    if (size > this.#limit) return
    this.#table.push(entry)
    this.#size += size
  }

  #resize(limit: number): boolean {
    if (limit < 0 || limit > TABLE_SIZE) return false
    this.#limit = limit
    this.#evict(limit)
    return true
  }

  #evict(limit: number): void {
    while (this.#size > limit && this.#gone < this.#table.length) {
      const oldest = this.#table[this.#gone++]
      if (oldest !== undefined) this.#size -= sizeOf(oldest)
    }
    if (this.#gone < KEPT_LIMIT) return
    this.#table = this.#table.slice(this.#gone)
    this.#gone = 0
  }

  /** -1: none, or one so large that nothing here has use for it. */
  #integer(prefix: number): number {
    const most = (1 << prefix) - 1
    let value = (this.#bytes[this.#at++] ?? 0) & most
    if (value < most) return value
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#at >= this.#end) return -1
      const byte = this.#bytes[this.#at++] ?? 0
      value += (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    return -1
  }

  #string(): string | undefined {
    if (this.#at >= this.#end) return undefined
    const coded = (this.#bytes[this.#at] ?? 0) >= 0x80
    const length = this.#integer(7)
    const start = this.#at
    const end = start + length
    if (length < 0 || end > this.#end) return undefined
    this.#at = end
    if (!coded) return text(this.#bytes, start, end)
    const decoded = decodeHuffman(this.#bytes, start, end, SCRATCH)
    return decoded < 0 ? undefined : text(SCRATCH, 0, decoded)
  }
}

const NOTHING = Buffer.alloc(0)
const KEPT_LIMIT = 256
/** No string of a head that is not refused is longer than this. */
const SCRATCH = Buffer.allocUnsafeSlow(128 * 1024)
/** Up to this length a loop is quicker than a call into the runtime. */
const SHORT = 16

function text(bytes: Buffer, start: number, end: number): string {
  if (end - start > SHORT) return bytes.toString('latin1', start, end)
  let out = ''
  for (let at = start; at < end; at++) out += String.fromCharCode(bytes[at] ?? 0)
  return out
}

function sizeOf({ name, value }: Entry): number {
  return name.length + value.length + ENTRY_OVERHEAD
}
