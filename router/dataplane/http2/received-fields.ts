import { FIELD, type FieldKind } from '../http1/field-kind.ts'
import { FIELD_LIMIT, type Fields } from '../http1/fields.ts'
import { ENTRY_OVERHEAD, type FieldTaker } from './hpack/decoder.ts'
import { type Entry, PSEUDO } from './hpack/names.ts'
import { HEAD_LIMIT } from './session.ts'

/** Takes the fields of one header block into a head; what breaks the rules of HTTP/2 is noted (RFC 9113 §8.2, §8.3). */
export class ReceivedFields implements FieldTaker {
  /** No head: the stream is reset. */
  broken = false
  /** More than any head may hold; the rest was left out. */
  tooLarge = false
  /** Values of the pseudo-headers that have come; what must not come is broken. */
  method: string | undefined
  scheme: string | undefined
  authority: string | undefined
  path: string | undefined
  status: string | undefined
  readonly #of: 'request' | 'response' | 'trailers'
  #fields: Fields = { list: [], kinds: [], count: 0 }
  #size = 0
  #cookieAt = -1

  constructor(of: 'request' | 'response' | 'trailers') {
    this.#of = of
  }

  /** Fields of the block that comes next go to `fields`, from its beginning. */
  begin(fields: Fields): void {
    this.#fields = fields
    fields.count = 0
    this.broken = false
    this.tooLarge = false
    this.method = undefined
    this.scheme = undefined
    this.authority = undefined
    this.path = undefined
    this.status = undefined
    this.#size = 0
    this.#cookieAt = -1
  }

  onField(entry: Entry): void {
    const { name, value, kind, sound } = entry
    this.#size += name.length + value.length + ENTRY_OVERHEAD
    if (kind < 0) {
      this.#pseudo(kind, value, sound)
      return
    }
    if (!sound || FORBIDDEN.has(name) || (name === 'te' && value !== 'trailers')) this.broken = true
    if (this.#size > HEAD_LIMIT || this.#fields.count >= FIELD_LIMIT) this.tooLarge = true
    if (this.tooLarge) return
    // Crumbs of a cookie are one field to everybody else (RFC 9113 §8.2.3).
    if (kind === FIELD.cookie && this.#cookieAt >= 0) {
      this.#fields.list[this.#cookieAt] += `; ${value}`
      return
    }
    if (kind === FIELD.cookie) this.#cookieAt = this.#fields.count * 2 + 1
    this.add(name, value, kind as FieldKind)
  }

  /** Adds a field that did not come as one. */
  add(name: string, value: string, kind: FieldKind): void {
    const { list, kinds, count } = this.#fields
    list[count * 2] = name
    list[count * 2 + 1] = value
    kinds[count] = kind
    this.#fields.count = count + 1
  }

  /** Pseudo-headers come first, once each, and only those that belong there. */
  #pseudo(kind: number, value: string, sound: boolean): void {
    if (!sound || this.#fields.count > 0 || this.#of === 'trailers') this.broken = true
    else if (kind === PSEUDO.status && this.#of === 'response' && this.status === undefined) this.status = value
    else if (this.#of === 'response') this.broken = true
    else if (kind === PSEUDO.method && this.method === undefined) this.method = value
    else if (kind === PSEUDO.path && this.path === undefined) this.path = value
    else if (kind === PSEUDO.authority && this.authority === undefined) this.authority = value
    else if (kind === PSEUDO.scheme && this.scheme === undefined) this.scheme = value
    else this.broken = true
  }
}

/** What speaks of the connection, which frames do in HTTP/2 (RFC 9113 §8.2.2). */
const FORBIDDEN: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])
