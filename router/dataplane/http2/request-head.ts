import type { ErrorCode } from '../../kernel/errors.ts'
import { isAuthority } from '../http1/authority.ts'
import { TARGET, TOKEN } from '../http1/chars.ts'
import { FIELD } from '../http1/field-kind.ts'
import { parseLength } from '../http1/fields.ts'
import { type RequestHead, TARGET_LIMIT } from '../http1/request-head.ts'
import type { ReceivedFields } from './received-fields.ts'

const NONE: readonly string[] = []

/**
 * Gives the fields that were received into `head` their meaning, by the rules of HTTP/1.1 wherever there is one.
 * Returns the error to answer with, or undefined; `received.broken` comes first, and is no request at all.
 */
export function interpretRequest(
  received: ReceivedFields,
  head: RequestHead,
  endStream: boolean,
): ErrorCode | undefined {
  head.major = 2
  head.minor = 1
  head.named = NONE
  head.keepAlive = true
  const { method, scheme, path } = received
  head.method = method ?? ''
  if (method === 'CONNECT') return 'method_not_allowed'
  if (method === undefined || scheme === undefined || path === undefined || path === '') received.broken = true
  if (received.broken || method === undefined || path === undefined) return 'request_malformed'
  if (path.length > TARGET_LIMIT) return 'target_too_long'
  if (received.tooLarge) return 'head_too_large'
  if (method === 'TRACE') return 'method_not_allowed'
  if (!isToken(method) || !isWebScheme(scheme) || !readPath(path, head)) return 'request_malformed'
  const fault = interpretFields(head, endStream, received)
  if (fault !== undefined || received.broken) return fault ?? 'request_malformed'
  return settleAuthority(received, head) ? undefined : 'request_malformed'
}

function isToken(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (TOKEN[text.charCodeAt(at)] !== 1) return false
  return text !== ''
}

function isWebScheme(scheme: string | undefined): boolean {
  return scheme === 'http' || scheme === 'https'
}

function readPath(path: string, head: RequestHead): boolean {
  for (let at = 0; at < path.length; at++) if (TARGET[path.charCodeAt(at)] !== 1) return false
  head.query = undefined
  head.path = path
  if (path.charCodeAt(0) !== SLASH) return path === '*' && head.method === 'OPTIONS'
  const question = path.indexOf('?')
  if (question < 0) return true
  head.path = path.substring(0, question)
  head.query = path.substring(question + 1)
  return true
}

const SLASH = 0x2f

function interpretFields(head: RequestHead, endStream: boolean, received: ReceivedFields): ErrorCode | undefined {
  const { kinds, list } = head
  let seen = 0
  let expectation = true
  head.authority = undefined
  head.length = -1
  head.expectContinue = false
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
    } else if (kind === FIELD.expect) {
      if (value.toLowerCase() === '100-continue') head.expectContinue = true
      else expectation = false
    }
  }
  head.seen = seen
  if (endStream && head.length > 0) received.broken = true
  head.chunked = !endStream && head.length < 0
  return expectation ? undefined : 'expectation_failed'
}

/** `:authority` and Host must agree: two readers would take them for two requests (RFC 9113 §8.3.1). */
function settleAuthority(received: ReceivedFields, head: RequestHead): boolean {
  const { authority } = received
  if (authority === undefined) return head.authority !== undefined
  if (!isAuthority(authority)) return false
  if (head.authority !== undefined) return head.authority.toLowerCase() === authority.toLowerCase()
  head.authority = authority
  head.seen |= 1 << FIELD.host
  // Whoever looks at fields finds what every request has.
  received.add('host', authority, FIELD.host)
  return true
}
