import { privateCacheControl } from './cache-control.ts'
import { FIELD } from './http1/field-kind.ts'
import { allValues, flat } from './http1/fields.ts'
import type { ResponseHead } from './http1/response-head.ts'
import { type Key, setCookieFor } from './key-cookie.ts'
import type { FieldEdits } from './policies/field-edits.ts'
import { rewriteSetCookie } from './rewrite/cookies.ts'
import { rewriteLink, rewriteLocation, rewriteRefresh } from './rewrite/location.ts'
import { type Arm, CANDIDATE, type Rule, type Snapshot, type Upstream } from './snapshot.ts'

/** What is known of the request that an answer belongs to. */
export type Relaying = {
  readonly snapshot: Snapshot
  readonly rule: Rule | undefined
  readonly upstream: Upstream | undefined
  /** `varies`: another client might get another arm's answer; `minted`: the key to give to this one. */
  readonly choice: { readonly arm: Arm; readonly varies: boolean; readonly minted: Key | undefined }
  readonly pseudonym: string
  /** The line of Strict-Transport-Security that answers to this client have, where none is the route's own; or nothing. */
  readonly answerLines?: string
  /** How the client asked: `https` where it came by TLS, here or as a trusted proxy says. */
  scheme?(): string
  /** Scheme and authority by which the client asked; asked for only where an answer may name another. */
  origin(): string
  /** What the route's policies change in a final answer. */
  responseEdits?(status: number): FieldEdits | undefined
}

/**
 * The head that goes to the client, written from tokens. `framing` are the field lines that say where the body and
 * the connection end; Content-Length is not among them: it is kept where it stood. Interim answers pass as they are.
 */
export function writeResponseHead(head: ResponseHead, relaying: Relaying, framing: string): string {
  const { status } = head
  const interim = status < 200 && status !== 101
  const edits = status < 200 ? undefined : relaying.responseEdits?.(status)
  if (head.repeated && edits === undefined && !interim && !relaying.choice.varies && (head.seen & ~HEAD_ALONE) === 0) {
    head.memo ??= flat(relayedHead(head, relaying, undefined))
    return `${head.memo}${addedFields(relaying)}${framing}\r\n`
  }
  const relayed = relayedHead(head, relaying, edits)
  return interim ? `${relayed}${framing}\r\n` : `${relayed}${addedFields(relaying, edits)}${framing}\r\n`
}

/** Kinds of which the head alone decides what becomes of them, as of fields that mean nothing to us. */
const HEAD_ALONE =
  (1 << FIELD.contentLength) |
  (1 << FIELD.transferEncoding) |
  (1 << FIELD.connection) |
  (1 << FIELD.hop) |
  (1 << FIELD.via) |
  (1 << FIELD.cacheControl)

function relayedHead(head: ResponseHead, relaying: Relaying, edits: FieldEdits | undefined): string {
  const start = `HTTP/1.1 ${head.status} ${head.reason}\r\n${relayedFields(head, relaying, edits)}`
  if (head.status < 200 && head.status !== 101) return start
  const version = head.major === 1 ? `1.${head.minor}` : '2.0'
  return `${start}Via: ${version} ${relaying.pseudonym}\r\n`
}

/**
 * Field lines of ours that any answer may have, our own errors too: what TLS asks for, unless the route says it, the
 * key of a new client, debugging.
 */
export function addedFields(relaying: Relaying, edits?: FieldEdits): string {
  const { choice, rule, snapshot, upstream } = relaying
  let out = edits?.adds('strict-transport-security') === true ? '' : (relaying.answerLines ?? '')
  if (choice.minted !== undefined) {
    out += `Set-Cookie: ${setCookieFor(choice.minted, relaying.scheme?.() === 'https')}\r\n`
  }
  if (!snapshot.table.debug) return out
  if (rule !== undefined) out += `x-banyan-route: ${visible(rule.plan.id)}\r\n`
  if (upstream !== undefined) out += `x-banyan-upstream: ${visible(upstream.plan.name)}\r\n`
  if (rule?.shift !== undefined) out += `x-banyan-arm: ${choice.arm === CANDIDATE ? 'candidate' : 'incumbent'}\r\n`
  return out
}

/** Without hop-by-hop fields and those that Connection names, and with the application's own hosts replaced. */
function relayedFields(head: ResponseHead, relaying: Relaying, edits: FieldEdits | undefined): string {
  const { kinds, list, named } = head
  const varies = relaying.choice.varies && head.status >= 200
  const filtered = named.length > 0 || edits !== undefined
  let out = ''
  for (let index = 0; index < head.count; index++) {
    const kind = kinds[index]
    const name = list[index * 2] ?? ''
    let value = list[index * 2 + 1] ?? ''
    if (kind === FIELD.contentLength) {
      if (head.status < 200 || head.status === 204) continue
      value = String(head.length)
    } else if (kind !== FIELD.plain) {
      if (dropped(kind ?? FIELD.plain, varies)) continue
      // Browsers heed the first of two.
      if (kind === FIELD.strictTransport && relaying.answerLines) continue
      value = rewritten(kind ?? FIELD.plain, value, relaying)
    }
    if (filtered && kind !== FIELD.contentLength) {
      if (named.includes(name.toLowerCase()) || edits?.drops(name) === true) continue
    }
    out += `${name}: ${value}\r\n`
  }
  if (edits !== undefined) out += edits.lines
  return varies ? `${out}Cache-Control: ${privateCacheControl(allValues(head, FIELD.cacheControl))}\r\n` : out
}

function dropped(kind: number, varies: boolean): boolean {
  switch (kind) {
    case FIELD.transferEncoding:
    case FIELD.connection:
    case FIELD.hop:
    case FIELD.upgrade:
    case FIELD.functionError:
      return true
    case FIELD.cacheControl:
      return varies
    default:
      return false
  }
}

function rewritten(kind: number, value: string, relaying: Relaying): string {
  const { rewriteLocation: hosts, rewriteCookies } = relaying.upstream ?? NOTHING_TO_REWRITE
  if (kind === FIELD.setCookie) return rewriteCookies === undefined ? value : rewriteSetCookie(value, rewriteCookies)
  if (hosts === undefined) return value
  switch (kind) {
    case FIELD.location:
      return rewriteLocation(value, hosts, relaying.origin())
    case FIELD.refresh:
      return rewriteRefresh(value, hosts, relaying.origin())
    case FIELD.link:
      return rewriteLink(value, hosts, relaying.origin())
    default:
      return value
  }
}

/** A name from the configuration as a field value. */
function visible(name: string): string {
  return name.replace(/[^\x20-\x7e]/g, '?')
}

const NOTHING_TO_REWRITE = { rewriteLocation: undefined, rewriteCookies: undefined }
