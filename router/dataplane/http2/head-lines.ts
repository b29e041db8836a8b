import type { Encoder } from './hpack/encoder.ts'

/**
 * Encodes a request's head, which begins `METHOD TARGET HTTP/1.1` and `Host: AUTHORITY`, as fields (RFC 9113 §8.3.1).
 */
export function encodeRequest(text: string, secure: boolean, encoder: Encoder): void {
  const methodEnd = text.indexOf(' ')
  const targetEnd = text.indexOf(' ', methodEnd + 1)
  const lineEnd = text.indexOf('\r\n', targetEnd)
  const hostEnd = text.indexOf('\r\n', lineEnd + 2)
  const method = text.substring(0, methodEnd)
  if (method === 'GET') encoder.indexed(METHOD_GET)
  else if (method === 'POST') encoder.indexed(METHOD_POST)
  else encoder.named(METHOD_GET, method, undefined)
  encoder.indexed(secure ? SCHEME_HTTPS : SCHEME_HTTP)
  const host = text.substring(lineEnd + 2, hostEnd)
  encoder.named(AUTHORITY, host.substring('Host: '.length), host)
  const target = text.substring(methodEnd + 1, targetEnd)
  // A target begins with a slash, and no field line does: one key is never both.
  encoder.named(PATH, target, target.length <= REPEATED_TARGET && !target.includes('?') ? target : undefined)
  encodeLines(text, hostEnd + 2, encoder)
  // RFC 9110 §10.1.4: trailers are welcome here, whoever asked.
  encoder.line('te: trailers')
}

/** Encodes the head of an answer, which begins `HTTP/1.1 STATUS REASON`; returns where what follows it begins. */
export function encodeResponse(text: string, encoder: Encoder): number {
  const status = text.substring(9, 12)
  const index = STATUSES.get(status)
  if (index === undefined) encoder.named(STATUS_200, status, undefined)
  else encoder.indexed(index)
  return encodeLines(text, text.indexOf('\r\n') + 2, encoder)
}

/** Encodes the field lines from `start` on, up to an empty one or the end; returns where what follows begins. */
export function encodeLines(text: string, start: number, encoder: Encoder): number {
  let at = start
  while (at < text.length) {
    const end = text.indexOf('\r\n', at)
    if (end === at) return at + 2
    encoder.line(text.substring(at, end))
    at = end + 2
  }
  return at
}

/** Places in the static table. */
const AUTHORITY = 1
const METHOD_GET = 2
const METHOD_POST = 3
const PATH = 4
const SCHEME_HTTP = 6
const SCHEME_HTTPS = 7
const STATUS_200 = 8
const STATUSES: ReadonlyMap<string, number> = new Map([
  ['200', 8],
  ['204', 9],
  ['206', 10],
  ['304', 11],
  ['400', 12],
  ['404', 13],
  ['500', 14],
])

/** Targets up to this length may stay in the table: those of gRPC are few and come again and again. */
const REPEATED_TARGET = 96
