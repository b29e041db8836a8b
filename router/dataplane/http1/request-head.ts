import type { ErrorCode } from '../../kernel/errors.ts'
import { isAuthority } from './authority.ts'
import { SPACE, TARGET, TOKEN } from './chars.ts'
import { FIELD, type FieldKind } from './field-kind.ts'
import { type Fields, listTokens, parseFields, parseLength, type RawHead } from './fields.ts'

const NONE: readonly string[] = []

/** Longest request target, in bytes (H10). */
export const TARGET_LIMIT = 8 * 1024

/**
 * A request's head as tokens. One belongs to each connection and is read into again for every request, so nothing
 * may keep it beyond the request.
 */
export class RequestHead implements Fields {
  method = ''
  /** `*` for `OPTIONS *`, else '' or a path as received, always with its leading slash. */
  path = ''
  /** What follows `?`, without it; undefined: no `?`. */
  query: string | undefined
  /** What Host, or the target's authority, says; undefined in HTTP/1.0 without one. */
  authority: string | undefined
  /** 1, or 2 where it came by HTTP/2; then `minor` is 1 all the same, because nothing is as in HTTP/1.0. */
  major = 1
  /** HTTP/1.x. */
  minor = 1
  readonly list: string[] = []
  readonly kinds: FieldKind[] = []
  count = 0
  /** A bit for each kind of field that is present. */
  seen = 0
  /** Stated length of the body; -1: none stated. */
  length = -1
  chunked = false
  keepAlive = true
  expectContinue = false
  /** Fields that Connection names, lower case, besides `close` and `keep-alive`. */
  named: readonly string[] = NONE
  /** Every byte of it is as in the request before on this connection: what was made of that one is true of this. */
  repeated = false
  /** The same of its field lines, whatever is asked for. */
  sameLines = false
  /** The field lines that were read last, if they were read well and mean the same again; '': none. */
  lines = ''
  /** How the same lines were sent on. */
  memo: SentLines | undefined

  has(kind: FieldKind): boolean {
    return (this.seen & (1 << kind)) !== 0
  }
}

/** Field lines as they were sent on, and what besides them they were made of. */
export type SentLines = {
  readonly text: string
  readonly trusted: boolean
  readonly varies: boolean
}

/**
 * Reads the first `length` bytes of `raw`, which end just behind the CRLF of the last line (before the empty one).
 * Returns the error to answer with, or undefined; after an error what `head` holds is worth nothing.
 */
export function parseRequestHead(raw: RawHead, length: number, head: RequestHead): ErrorCode | undefined {
  const { text, bytes, base } = raw
  const known = head.lines
  const knownMinor = head.minor
  head.lines = ''
  let methodEnd = 0
  while (TOKEN[bytes[base + methodEnd] ?? 0] === 1) methodEnd++
  if (methodEnd === 0 || bytes[base + methodEnd] !== SPACE) return 'request_malformed'
  head.method = methodOf(text, methodEnd)
  let targetEnd = methodEnd + 1
  while (TARGET[bytes[base + targetEnd] ?? 0] === 1) targetEnd++
  if (targetEnd - methodEnd - 1 > TARGET_LIMIT) return 'target_too_long'
  if (targetEnd === methodEnd + 1 || bytes[base + targetEnd] !== SPACE) return 'request_malformed'
  const version = readVersion(text, targetEnd + 1, head)
  if (version !== undefined) return version
  const lines = text.substring(targetEnd + 11, length)
  head.sameLines = known !== '' && lines === known && head.minor === knownMinor
  const fault = head.sameLines ? undefined : readLines(raw, targetEnd + 11, length, head)
  if (fault !== undefined) return fault
  if (head.method === 'CONNECT' || head.method === 'TRACE') return 'method_not_allowed'
  const authority = readTarget(text, methodEnd + 1, targetEnd, head)
  if (authority === null) return 'request_malformed'
  const meaning = head.sameLines && authority === undefined ? undefined : interpret(head, authority)
  // The authority of the absolute form stands in the place of what the lines say.
  if (meaning === undefined && authority === undefined) head.lines = lines
  else head.sameLines = false
  return meaning
}

function readLines(raw: RawHead, start: number, end: number, head: RequestHead): ErrorCode | undefined {
  head.count = 0
  head.named = NONE
  head.memo = undefined
  const fault = parseFields(raw, start, end, head)
  if (fault === undefined) return undefined
  return fault === 'malformed' ? 'request_malformed' : 'head_too_large'
}

/** The usual methods are constants: looked up in tables later, they need not be hashed again. */
function methodOf(text: string, end: number): string {
  if (end === 3 && text.startsWith('GET')) return 'GET'
  if (end === 4 && text.startsWith('POST')) return 'POST'
  if (end === 4 && text.startsWith('HEAD')) return 'HEAD'
  return text.substring(0, end)
}

function readVersion(text: string, at: number, head: RequestHead): ErrorCode | undefined {
  if (text.startsWith('HTTP/1.1\r\n', at)) head.minor = 1
  else if (text.startsWith('HTTP/1.0\r\n', at)) head.minor = 0
  else
    return /^HTTP\/[0-9]\.[0-9]\r\n/.test(text.substring(at, at + 10)) ? 'version_not_supported' : 'request_malformed'
  return undefined
}

/** Splits the target; returns the authority of the absolute form, undefined for the others, null where it is none. */
function readTarget(text: string, start: number, end: number, head: RequestHead): string | undefined | null {
  if (text.charCodeAt(start) === SLASH) {
    readPath(text, start, end, head)
    return undefined
  }
  if (end - start === 1 && text[start] === '*') {
    head.path = '*'
    head.query = undefined
    return head.method === 'OPTIONS' ? undefined : null
  }
  const scheme = /^https?:\/\//i.exec(text.substring(start, start + 8))
  if (scheme === null) return null
  const from = start + scheme[0].length
  let at = from
  while (at < end && text.charCodeAt(at) !== SLASH && text.charCodeAt(at) !== QUESTION) at++
  readPath(text, at, end, head)
  // RFC 9112 §3.2.4: OPTIONS of an authority without path and query is `OPTIONS *`.
  if (at === end) head.path = head.method === 'OPTIONS' ? '*' : '/'
  const authority = text.substring(from, at)
  return isAuthority(authority) ? authority : null
}

const SLASH = 0x2f
const QUESTION = 0x3f

function readPath(text: string, start: number, end: number, head: RequestHead): void {
  const question = text.indexOf('?', start)
  if (question < 0 || question >= end) {
    head.path = text.substring(start, end)
    head.query = undefined
  } else {
    head.path = question === start ? '/' : text.substring(start, question)
    head.query = text.substring(question + 1, end)
  }
}

/** Gives the fields that frame and route their meaning, and refuses every ambiguity (H2–H5, H12). */
function interpret(head: RequestHead, absolute: string | undefined): ErrorCode | undefined {
  const { kinds, list } = head
  let seen = 0
  let coding = ''
  let connection: string | undefined
  head.authority = undefined
  head.length = -1
  head.keepAlive = head.minor === 1
  head.expectContinue = false
  let expectation = true
  for (let index = 0; index < head.count; index++) {
    const kind = kinds[index] ?? FIELD.plain
    if (kind === FIELD.plain) continue
    const value = list[index * 2 + 1] ?? ''
    const again = (seen & (1 << kind)) !== 0
    seen |= 1 << kind
    if (kind === FIELD.host) {
      if (again || !isAuthority(value)) return 'request_malformed'
      head.authority = value
    } else if (kind === FIELD.contentLength) {
      head.length = parseLength(value)
      if (again || head.length < 0) return 'request_malformed'
    } else if (kind === FIELD.transferEncoding) coding = again ? `${coding},${value}` : value
    else if (kind === FIELD.connection) connection = again ? `${connection},${value}` : value
    else if (kind === FIELD.expect) {
      if (value.toLowerCase() === '100-continue') head.expectContinue = true
      else expectation = false
    }
  }
  head.seen = seen
  // One list, however many fields it is split into: `close` wins wherever it stands (RFC 9112 §9.3).
  if (connection !== undefined && !readConnection(connection, head)) return 'request_malformed'
  if (head.authority === undefined && head.minor === 1) return 'request_malformed'
  if (absolute !== undefined) head.authority = absolute
  head.chunked = (seen & (1 << FIELD.transferEncoding)) !== 0
  if (head.chunked) {
    if (head.length >= 0 || head.minor === 0) return 'request_malformed'
    if (coding.toLowerCase() !== 'chunked') return 'coding_not_supported'
  }
  // RFC 9110 §10.1.1: an expectation in HTTP/1.0 is to be ignored.
  if (head.minor === 0) head.expectContinue = false
  else if (!expectation) return 'expectation_failed'
  return undefined
}

/** False where Connection names a field that the message cannot do without (H12). */
function readConnection(value: string, head: RequestHead): boolean {
  if (value === 'keep-alive') head.keepAlive = true
  else if (value === 'close') head.keepAlive = false
  else {
    const options = listTokens(value)
    if (options.includes('close')) head.keepAlive = false
    else if (options.includes('keep-alive')) head.keepAlive = true
    const named = options.filter((option) => option !== 'close' && option !== 'keep-alive')
    if (named.some((name) => ESSENTIAL.has(name) || name.startsWith('x-forwarded-'))) return false
    head.named = named
  }
  return true
}

const ESSENTIAL = new Set(['host', 'content-length', 'transfer-encoding', 'authorization', 'cookie'])
