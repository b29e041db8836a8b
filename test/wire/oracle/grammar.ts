/**
 * HTTP/1.1 requests, read by the letter of RFC 9112. It shares no line with the router: what is well-formed is said
 * here a second time, slowly and plainly, so that a mistake in one of the two shows.
 *
 * Text is latin1: a character is a byte.
 */
export type Field = readonly [name: string, value: string]

export type Message = {
  readonly method: string
  readonly target: string
  /** HTTP/1.x. */
  readonly minor: number
  readonly fields: readonly Field[]
  readonly framing: 'none' | 'length' | 'chunked'
  /** Without chunk framing. */
  readonly body: string
  readonly trailers: readonly Field[]
  /** Chunk extensions as written, with their `;`. */
  readonly extensions: readonly string[]
}

export type Read =
  | { readonly kind: 'message'; readonly message: Message; readonly end: number }
  /** So far it is the beginning of one. */
  | { readonly kind: 'incomplete' }
  /** `early`: seen before its line, or its head, has ended; whoever reads line by line still waits. */
  | { readonly kind: 'fault'; readonly fault: string; readonly early?: true }

/** Reads the request that begins at `start`. */
export function readMessage(text: string, start = 0): Read {
  const headEnd = text.indexOf('\r\n\r\n', start)
  if (headEnd < 0) return beginning(text.slice(start))
  const [line = '', ...fieldLines] = text.slice(start, headEnd).split('\r\n')
  const head = readHead(line, fieldLines)
  if (typeof head === 'string') return { kind: 'fault', fault: head }
  const bodyStart = headEnd + 4
  if (head.framing === 'chunked') return readChunked(text, bodyStart, head)
  const end = bodyStart + head.length
  if (text.length < end) return { kind: 'incomplete' }
  return { kind: 'message', message: { ...head, ...NO_TRAILERS, body: text.slice(bodyStart, end) }, end }
}

/** Values of the fields with this name (lower case). */
export function valuesOf(fields: readonly Field[], name: string): string[] {
  return fields.filter((field) => field[0].toLowerCase() === name).map((field) => field[1])
}

/** Whether this is one host with an optional port (RFC 3986 §3.2, without user information). */
export function isAuthority(text: string): boolean {
  const found =
    /^(?:\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]|(?:[A-Za-z0-9\-._~!$&'()*+;=]|%[0-9A-Fa-f]{2})+)(?::(\d*))?$/.exec(text)
  return found !== null && Number(found[1] ?? 0) <= 65_535
}

type Head = Pick<Message, 'method' | 'target' | 'minor' | 'fields' | 'framing'> & { readonly length: number }

const NO_TRAILERS = { trailers: [], extensions: [] }
const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([\\x21-\\x7e]+) HTTP/(\\d)\\.(\\d)$`)
const FIELD_NAME = new RegExp(`^${TOKEN}$`)
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const QUOTED = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t\\x20-\\x7e\\x80-\\xff])*"'
const CHUNK_SIZE = new RegExp(`^([0-9A-Fa-f]{1,16})((?:;${TOKEN}(?:=(?:${TOKEN}|${QUOTED}))?)*)$`)
/** No line of a chunked body is longer; nor is a trailer section. */
const LINE_LIMIT = 8 * 1024

/** What may still become a head: lines that end with CRLF, without control characters. */
function beginning(text: string): Read {
  if (/[^\t\r\n\x20-\x7e\x80-\xff]/.test(text))
    return { kind: 'fault', fault: 'a control character in the head', early: true }
  if (/\r(?!\n|$)|(?<!\r)\n/.test(text)) return { kind: 'fault', fault: 'a bare CR or LF in the head', early: true }
  return { kind: 'incomplete' }
}

function readHead(line: string, fieldLines: readonly string[]): Head | string {
  if (/[\r\n]/.test(line)) return 'a bare CR or LF in the head'
  const parts = REQUEST_LINE.exec(line)
  if (parts === null) return 'no request line'
  const [, method = '', target = '', major = '', minor = ''] = parts
  if (major !== '1' || (minor !== '0' && minor !== '1')) return 'another version'
  const fields = readFields(fieldLines)
  if (typeof fields === 'string') return fields
  const fault = targetFault(method, target) ?? hostFault(fields, minor)
  if (fault !== undefined) return fault
  const framing = readFraming(fields, minor)
  return typeof framing === 'string' ? framing : { method, target, minor: Number(minor), fields, ...framing }
}

function readFields(lines: readonly string[]): Field[] | string {
  const fields: Field[] = []
  for (const line of lines) {
    if (/[\r\n]/.test(line)) return 'a bare CR or LF in the head'
    if (/^[ \t]/.test(line)) return 'a folded line'
    const colon = line.indexOf(':')
    if (colon < 0 || !FIELD_NAME.test(line.slice(0, colon))) return 'a field name that is none'
    const value = line.slice(colon + 1)
    if (!FIELD_VALUE.test(value)) return 'a control character in a field'
    fields.push([line.slice(0, colon), value.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '')])
  }
  return fields
}

function targetFault(method: string, target: string): string | undefined {
  if (target.includes('#')) return 'a target with a fragment'
  if (target === '*') return method === 'OPTIONS' ? undefined : 'a target that is none'
  const found = /^(https?:\/\/([^/?]*))?(\/[^?]*)?(\?.*)?$/i.exec(target)
  if (found === null || (found[1] === undefined && found[3] === undefined)) return 'a target that is none'
  if (found[1] !== undefined && !isAuthority(found[2] ?? '')) return 'a target that is none'
  const path = found[3] ?? '/'
  return path.includes('\\') || /%(?![0-9A-Fa-f]{2})|%00/.test(path) ? 'a path that is none' : undefined
}

function hostFault(fields: readonly Field[], minor: string): string | undefined {
  const hosts = valuesOf(fields, 'host')
  if (hosts.length > 1) return 'several Hosts'
  if (hosts.length === 0) return minor === '1' ? 'no Host' : undefined
  return isAuthority(hosts[0] ?? '') ? undefined : 'a Host that is none'
}

function readFraming(fields: readonly Field[], minor: string): Pick<Head, 'framing' | 'length'> | string {
  const lengths = valuesOf(fields, 'content-length')
  const codings = valuesOf(fields, 'transfer-encoding')
  if (lengths.length > 0 && codings.length > 0) return 'a length and a coding'
  if (codings.length > 0) {
    if (minor === '0') return 'a coding in HTTP/1.0'
    if (codings.length > 1 || codings[0]?.toLowerCase() !== 'chunked') return 'a coding other than chunked'
    return { framing: 'chunked', length: 0 }
  }
  if (lengths.length === 0) return { framing: 'none', length: 0 }
  const [stated = ''] = lengths
  if (lengths.length > 1) return 'several lengths'
  if (!/^\d+$/.test(stated) || !Number.isSafeInteger(Number(stated)) || stated.length > 19)
    return 'a length that is none'
  return { framing: 'length', length: Number(stated) }
}

function readChunked(text: string, start: number, head: Head): Read {
  let body = ''
  let at = start
  const extensions: string[] = []
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0) return lineBeginning(text.slice(at), 'a chunk size that is none')
    const parts = CHUNK_SIZE.exec(text.slice(at, lineEnd))
    const size = Number.parseInt(parts?.[1] ?? '', 16)
    if (parts === null || !Number.isSafeInteger(size)) return { kind: 'fault', fault: 'a chunk size that is none' }
    const extension = parts[2] ?? ''
    if (extension !== '') extensions.push(extension)
    if (extensions.join('').length > 1024) return { kind: 'fault', fault: 'an over-long chunk extension' }
    at = lineEnd + 2
    if (size === 0) break
    body += text.slice(at, at + size)
    at += size
    if (!'\r\n'.startsWith(text.slice(at, at + 2))) return { kind: 'fault', fault: 'no CRLF after a chunk' }
    if (text.length < at + 2) return { kind: 'incomplete' }
    at += 2
  }
  return readTrailers(text, at, head, { body, extensions })
}

function readTrailers(text: string, start: number, head: Head, read: Pick<Message, 'body' | 'extensions'>): Read {
  const lines: string[] = []
  let at = start
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0) return lineBeginning(text.slice(at), 'a trailer that is none')
    const line = text.slice(at, lineEnd)
    at = lineEnd + 2
    if (line === '') break
    lines.push(line)
    if (at - start > LINE_LIMIT) return { kind: 'fault', fault: 'over-long trailers' }
  }
  const trailers = readFields(lines)
  if (typeof trailers === 'string') return { kind: 'fault', fault: 'a trailer that is none' }
  return { kind: 'message', message: { ...head, ...read, trailers }, end: at }
}

function lineBeginning(text: string, fault: string): Read {
  if (text.length > LINE_LIMIT) return { kind: 'fault', fault }
  return beginning(text).kind === 'fault' ? { kind: 'fault', fault, early: true } : { kind: 'incomplete' }
}
