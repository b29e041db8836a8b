import { CR, FIELD_TEXT, LF, SPACE } from './chars.ts'
import { FIELD, type FieldKind } from './field-kind.ts'
import { type Fields, listTokens, parseFields, parseLength, type RawHead } from './fields.ts'

const NONE: readonly string[] = []

/** How the end of a body is known. */
export type Framing = 'none' | 'length' | 'chunked' | 'close'

/** An answer's head as tokens. One belongs to each upstream connection and is read into again for every answer. */
export class ResponseHead implements Fields {
  status = 0
  reason = ''
  /** 1, or 2 where it came by HTTP/2. */
  major = 1
  minor = 1
  readonly list: string[] = []
  readonly kinds: FieldKind[] = []
  count = 0
  seen = 0
  /** Stated length of the body; -1: none stated. */
  length = -1
  framing: Framing = 'none'
  keepAlive = true
  named: readonly string[] = NONE
  /** Every byte of it is as in the answer before on this connection: what was made of that one is true of this. */
  repeated = false
  /** What is relayed of a repeated head, where nothing but the head decides that. */
  memo: string | undefined

  has(kind: FieldKind): boolean {
    return (this.seen & (1 << kind)) !== 0
  }
}

/**
 * Reads the first `length` bytes of `raw`, which end just behind the CRLF of the last line, as the answer to a request
 * (`toHead`: its method was HEAD). False where it is not one well-formed head: that connection is worth nothing.
 */
export function parseResponseHead(raw: RawHead, length: number, toHead: boolean, head: ResponseHead): boolean {
  const { text, bytes, base } = raw
  head.count = 0
  head.named = NONE
  if (text.startsWith('HTTP/1.1 ')) head.minor = 1
  else if (text.startsWith('HTTP/1.0 ')) head.minor = 0
  else return false
  head.status = statusAt(bytes, base + 9)
  if (head.status < 100 || head.status > 599) return false
  let at = base + 12
  // Some servers leave out the space before an empty reason; nobody reads that in two ways.
  if (bytes[at] === SPACE) at++
  const reasonStart = at
  while (FIELD_TEXT[bytes[at] ?? 0] === 1) at++
  if (bytes[at] !== CR || bytes[at + 1] !== LF) return false
  if (at > reasonStart && bytes[reasonStart - 1] !== SPACE) return false
  head.reason = text.substring(reasonStart - base, at - base)
  if (parseFields(raw, at + 2 - base, length, head) !== undefined) return false
  return interpret(head, toHead)
}

function statusAt(bytes: Uint8Array, at: number): number {
  const hundreds = (bytes[at] ?? 0) - 0x30
  const tens = (bytes[at + 1] ?? 0) - 0x30
  const ones = (bytes[at + 2] ?? 0) - 0x30
  if (hundreds < 0 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return -1
  return hundreds * 100 + tens * 10 + ones
}

function interpret(head: ResponseHead, toHead: boolean): boolean {
  const { kinds, list } = head
  let seen = 0
  let coding = ''
  let connection: string | undefined
  head.length = -1
  head.keepAlive = head.minor === 1
  for (let index = 0; index < head.count; index++) {
    const kind = kinds[index] ?? FIELD.plain
    if (kind === FIELD.plain) continue
    const value = list[index * 2 + 1] ?? ''
    const again = (seen & (1 << kind)) !== 0
    seen |= 1 << kind
    if (kind === FIELD.contentLength) {
      head.length = parseLength(value)
      if (again || head.length < 0) return false
    } else if (kind === FIELD.transferEncoding) coding = again ? `${coding},${value}` : value
    else if (kind === FIELD.connection) connection = again ? `${connection},${value}` : value
  }
  head.seen = seen
  if (connection !== undefined) readConnection(connection, head)
  const chunked = (seen & (1 << FIELD.transferEncoding)) !== 0
  if (chunked && (head.length >= 0 || head.minor === 0 || coding.toLowerCase() !== 'chunked')) return false
  head.framing = framingOf(head, chunked, toHead)
  return true
}

/** RFC 9112 §6.3. */
function framingOf(head: ResponseHead, chunked: boolean, toHead: boolean): Framing {
  if (toHead || head.status < 200 || head.status === 204 || head.status === 304) return 'none'
  if (chunked) return 'chunked'
  return head.length >= 0 ? 'length' : 'close'
}

function readConnection(value: string, head: ResponseHead): void {
  if (value === 'keep-alive') head.keepAlive = true
  else if (value === 'close') head.keepAlive = false
  else {
    const options = listTokens(value)
    if (options.includes('close')) head.keepAlive = false
    else if (options.includes('keep-alive')) head.keepAlive = true
    head.named = [...head.named, ...options.filter((option) => option !== 'close' && option !== 'keep-alive')]
  }
}
