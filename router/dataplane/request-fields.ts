import { FIELD } from './http1/field-kind.ts'
import { allValues, flat } from './http1/fields.ts'
import type { RequestHead } from './http1/request-head.ts'
import { withoutKey } from './key-cookie.ts'
import type { FieldEdits } from './policies/field-edits.ts'
import { protocolsAsked, upgradeLines } from './upgrade/protocols.ts'

/** What is written of a request besides what the client sent. */
export type Forwarding = {
  /** The target: canonical path and query. */
  readonly target: string
  /** Value of Host. */
  readonly hostField: string
  readonly peer: string
  readonly trusted: boolean
  readonly requestId: string
  readonly pseudonym: string
  /** A shift is in progress: the client may hold the other arm's answer, so validators mean nothing. */
  readonly varies: boolean
  /** The client came by TLS. The same for all requests of a connection, as the lines below. */
  readonly secure?: boolean
  /** Field lines that say who the client is, by its certificate. */
  readonly clientLines?: string | undefined
  /** What the route's policies change. */
  requestEdits?(): FieldEdits | undefined
}

/**
 * The head that goes upstream, written from tokens (RFC 9110 §7.6): hop-by-hop fields and those that Connection
 * names are gone first, then ours are added. We speak `X-Forwarded-For`, `-Host` and `-Proto`, because that is what
 * applications read; `Forwarded` is never passed on, so that there are not two accounts of one request.
 */
export function writeRequestHead(head: RequestHead, forwarding: Forwarding): string {
  const edits = forwarding.requestEdits?.()
  const kept = head.sameLines && edits === undefined && !head.has(FIELD.maxForwards)
  const lines = kept ? keptLines(head, forwarding) : sentLines(head, forwarding, edits)
  const start = `${head.method} ${forwarding.target} HTTP/1.1\r\nHost: ${forwarding.hostField}\r\n`
  return `${start}${lines}${forwarding.requestId}\r\n\r\n`
}

/** What was made of the same field lines before. Nothing else differs between the requests of one connection. */
function keptLines(head: RequestHead, forwarding: Forwarding): string {
  const { trusted, varies } = forwarding
  const { memo } = head
  if (memo !== undefined && memo.trusted === trusted && memo.varies === varies) return memo.text
  const text = flat(sentLines(head, forwarding, undefined))
  head.memo = { text, trusted, varies }
  return text
}

/** All field lines but Host, and the last but for its value, which is the request id. */
function sentLines(head: RequestHead, forwarding: Forwarding, edits: FieldEdits | undefined): string {
  const { kinds, list, named } = head
  const filtered = named.length > 0 || edits !== undefined
  let out = ''
  for (let index = 0; index < head.count; index++) {
    const kind = kinds[index]
    const name = list[index * 2] ?? ''
    let value = list[index * 2 + 1] ?? ''
    if (kind !== FIELD.plain) {
      if (kind === FIELD.cookie) {
        const kept = withoutKey(value)
        if (kept === '' && value !== '') continue
        value = kept
      } else if (kind === FIELD.contentLength) value = String(head.length)
      else if (kind === FIELD.maxForwards) value = oneHopLess(head.method, value)
      else if (!passes(kind ?? FIELD.plain, head, forwarding)) continue
    }
    if (filtered && (named.includes(name.toLowerCase()) || edits?.drops(name) === true)) continue
    out += `${name}: ${value}\r\n`
  }
  if (edits !== undefined) out += edits.lines
  return out + addedFields(head, forwarding)
}

/** Whether an OPTIONS request says that whoever has it now is its last recipient (RFC 9110 §7.6.2). */
export function endsHere(head: RequestHead): boolean {
  if (!head.has(FIELD.maxForwards) || head.method !== 'OPTIONS') return false
  return allValues(head, FIELD.maxForwards).some((value) => /^0+$/.test(value))
}

/** Whether a request id that a client sent is one we go on with. */
export function isRequestId(value: string): boolean {
  return value.length <= 128 && /^[\w.:/+=@-]+$/.test(value)
}

/** Max-Forwards means something to OPTIONS and TRACE only. */
function oneHopLess(method: string, value: string): string {
  return method === 'OPTIONS' && /^\d+$/.test(value) ? String(Math.min(Number(value), HOPS_LIMIT) - 1) : value
}

/** Whoever counts further may be cut short here (RFC 9110 §7.6.2). */
const HOPS_LIMIT = 10_000

/** Whether a field whose name means something to us is passed on as it came. */
function passes(kind: number, head: RequestHead, forwarding: Forwarding): boolean {
  switch (kind) {
    case FIELD.host:
    case FIELD.transferEncoding:
    case FIELD.connection:
    case FIELD.hop:
    case FIELD.upgrade:
    case FIELD.requestId:
    case FIELD.forwardedFor:
    case FIELD.forwarded:
    case FIELD.banyan:
    case FIELD.banyanArm:
    case FIELD.functionError:
    case FIELD.alias:
      return false
    case FIELD.expect:
      return head.expectContinue
    case FIELD.forwardedHost:
    case FIELD.forwardedProto:
    case FIELD.claim:
      return forwarding.trusted
    case FIELD.validator:
      return !forwarding.varies
    default:
      return true
  }
}

function addedFields(head: RequestHead, forwarding: Forwarding): string {
  const { peer, trusted } = forwarding
  let out = head.chunked ? 'Transfer-Encoding: chunked\r\n' : ''
  if (head.has(FIELD.upgrade)) {
    const protocols = protocolsAsked(head)
    if (protocols !== '') out += upgradeLines(protocols)
  }
  const scheme = forwarding.secure === true ? 'https' : 'http'
  if (trusted && (head.seen & CLAIMED) !== 0) out += trustedClaims(head, peer, scheme)
  else {
    out += `X-Forwarded-For: ${peer}\r\n`
    if (head.authority !== undefined) out += `X-Forwarded-Host: ${head.authority}\r\n`
    out += `X-Forwarded-Proto: ${scheme}\r\n`
  }
  if (forwarding.clientLines !== undefined) out += forwarding.clientLines
  const version = head.major === 1 ? `1.${head.minor}` : '2.0'
  return `${out}Via: ${version} ${forwarding.pseudonym}\r\nX-Request-Id: `
}

const CLAIMED = (1 << FIELD.forwardedFor) | (1 << FIELD.forwardedHost) | (1 << FIELD.forwardedProto)

/** A trusted proxy's account is continued: its list of addresses grows by its own, and the rest is believed. */
function trustedClaims(head: RequestHead, peer: string, scheme: string): string {
  const chain = [...allValues(head, FIELD.forwardedFor), peer].join(', ')
  let out = `X-Forwarded-For: ${chain}\r\n`
  if (!head.has(FIELD.forwardedHost) && head.authority !== undefined) out += `X-Forwarded-Host: ${head.authority}\r\n`
  if (!head.has(FIELD.forwardedProto)) out += `X-Forwarded-Proto: ${scheme}\r\n`
  return out
}
