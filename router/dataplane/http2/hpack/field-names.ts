import { STATIC_TABLE } from './static-table.ts'

/** What the encoder has to know of a name, by the way it is written. */
export class FieldName {
  readonly lower: string
  /** Place in the static table; 0: none. */
  readonly index: number
  /** Speaks of the connection, which HTTP/2 does in frames (RFC 9113 §8.2.2), or is a pseudo-header there. */
  readonly hop: boolean
  /** Whoever passes it on shall keep it out of tables too (RFC 7541 §7.1.3). */
  readonly secret: boolean
  /** Seldom the same twice: not worth a place in a table. */
  readonly unique: boolean

  constructor(name: string) {
    this.lower = name.toLowerCase()
    this.index = STATIC_TABLE.findIndex((entry) => entry.name === this.lower) + 1
    this.hop = HOP.has(this.lower)
    this.secret = SECRET.has(this.lower)
    this.unique = this.secret || UNIQUE.has(this.lower)
  }
}

/** What is known of a name; the same object for as long as it is remembered. */
export function fieldName(name: string): FieldName {
  const known = NAMES.get(name)
  if (known !== undefined) return known
  const made = new FieldName(name)
  // Names are the clients' to choose: whoever makes them up does not fill memory.
  if (NAMES.size < NAMES_LIMIT) NAMES.set(name, made)
  return made
}

const NAMES = new Map<string, FieldName>()
const NAMES_LIMIT = 1024

const HOP: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])
const SECRET: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization', 'set-cookie'])
const UNIQUE: ReadonlySet<string> = new Set([
  'content-length',
  'content-range',
  'date',
  'etag',
  'if-modified-since',
  'if-none-match',
  'last-modified',
  'location',
  'range',
  'traceparent',
  'x-request-id',
])
