import { isIP } from 'node:net'
import type { Timeouts } from '../model/spec.ts'
import type { Client } from './accept/client.ts'
import { redirectToTls } from './accept/redirect.ts'
import { SETTLED } from './arm.ts'
import type { Keyed } from './balancing/index.ts'
import { hostOf } from './http1/authority.ts'
import { FIELD, type FieldKind } from './http1/field-kind.ts'
import { allValues, firstValue } from './http1/fields.ts'
import type { RequestHead } from './http1/request-head.ts'
import type { MatchRequest } from './match.ts'
import type { Plane } from './plane.ts'
import type { FieldEdits } from './policies/field-edits.ts'
import type { Instead, Policed } from './policies/policy.ts'
import { type Forwarding, isRequestId } from './request-fields.ts'
import type { Relaying } from './response-fields.ts'
import type { Endpoint, Rule, Snapshot, Table, Upstream } from './snapshot.ts'

/**
 * What is known of the request being served, filled step by step. One belongs to each connection and is used again
 * for every request on it.
 */
export class Request implements MatchRequest, Forwarding, Relaying, Keyed, Policed {
  readonly head: RequestHead
  readonly peer: string
  readonly pseudonym: string
  readonly #client: Client
  readonly #plane: Plane
  /** The one snapshot this request sees. */
  snapshot: Snapshot
  requestId = ''
  /** Whether the peer is one of `trustedProxies`. */
  trusted = false
  /** The table of the request before. */
  #table: Table | undefined

  // What is matched.
  host = ''
  /** What `host` was made from: the same for every request of most connections. */
  #authority: string | undefined
  method = ''
  /** The canonical path as asked; `key` is folded from it. */
  path = ''
  key = ''
  /** Whether the path contains `%2F` or `%5C`. */
  encodedSlash = false
  query: string | undefined

  // What was decided.
  rule: Rule | undefined
  /** The rule that takes this request, known from the one before, which had the same head. */
  known: Rule | undefined
  choice = SETTLED
  upstream: Upstream | undefined
  timeouts: Timeouts = NO_TIMEOUTS
  /** The path and Host that go upstream: as asked, unless a policy says otherwise. */
  sentPath = ''
  sentHost: string | undefined
  target = ''
  hostField = ''

  constructor(head: RequestHead, client: Client, plane: Plane) {
    this.head = head
    this.peer = client.address
    this.#client = client
    this.pseudonym = plane.pseudonym
    this.#plane = plane
    this.snapshot = plane.snapshot
  }

  /** Forgets the request before and takes up the one in `head`. */
  begin(): void {
    const { head } = this
    this.snapshot = this.#plane.snapshot
    const { table } = this.snapshot
    const sameTable = this.#table === table
    if (!sameTable) {
      this.#table = table
      this.trusted = table.trusted.has(this.peer)
    }
    this.rule = undefined
    this.upstream = undefined
    this.choice = SETTLED
    this.sentHost = undefined
    if (!head.repeated || !sameTable) this.#read()
    const sent = head.has(FIELD.requestId) ? sole(head, FIELD.requestId) : undefined
    this.requestId = sent !== undefined && isRequestId(sent) ? sent : this.#plane.requestIds.next()
  }

  /** Takes from the head what is matched. */
  #read(): void {
    const { head } = this
    this.known = undefined
    this.path = ''
    this.method = head.method
    this.query = head.query
    if (this.#authority !== head.authority) {
      this.#authority = head.authority
      this.host = head.authority === undefined ? '' : hostOf(head.authority)
    }
  }

  /** The head could not be read: only who asked, by HTTP/2 the method, and a request id are known. */
  beginUnread(): void {
    this.snapshot = this.#plane.snapshot
    this.rule = undefined
    this.upstream = undefined
    this.choice = SETTLED
    this.#table = undefined
    this.path = ''
    // In HTTP/1.1 the connection ends behind the answer, and with it what a client may take for another.
    this.method = this.head.major === 1 ? '' : this.head.method
    this.requestId = this.#plane.requestIds.next()
  }

  get secure(): boolean {
    return this.#client.secure
  }

  get clientLines(): string | undefined {
    return this.#client.certificate?.lines
  }

  get clientName(): string | undefined {
    return this.#client.certificate?.name
  }

  get answerLines(): string {
    return this.#client.answerLines
  }

  get varies(): boolean {
    return this.choice.varies
  }

  /** Whether the peer may choose an arm. */
  readonly mayOverride = (): boolean => this.snapshot.table.overriders.has(this.peer)

  /** Settles what the endpoint decides: the target and Host. */
  address(endpoint: Endpoint): void {
    this.target = endpoint.path + this.sentPath
    if (this.query !== undefined) this.target += `?${this.query}`
    const wanted = this.upstream?.plan.hostHeader ?? 'preserve'
    if (this.sentHost !== undefined) this.hostField = this.sentHost
    else if (wanted === 'preserve') this.hostField = this.head.authority ?? endpoint.authority
    else this.hostField = wanted === 'upstream' ? endpoint.authority : wanted.name
  }

  requestEdits(): FieldEdits | undefined {
    return this.rule?.policies?.requestFields(this)
  }

  responseEdits(status: number): FieldEdits | undefined {
    return this.rule?.policies?.responseFields(this, status)
  }

  header(name: string): string | undefined {
    const { list, count } = this.head
    let found: string | undefined
    for (let at = 0; at < count * 2; at += 2) {
      const candidate = list[at] ?? ''
      if (candidate.length !== name.length || candidate.toLowerCase() !== name) continue
      found = found === undefined ? list[at + 1] : `${found}, ${list[at + 1]}`
    }
    return found
  }

  cookie(name: string): string | undefined {
    for (const pair of this.header('cookie')?.split(';') ?? []) {
      const at = pair.indexOf('=')
      if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim()
    }
    return undefined
  }

  /** The client's address: the peer's, or what trusted proxies say of it, the last that is not one of them. */
  client(): string {
    if (!this.trusted || !this.head.has(FIELD.forwardedFor)) return this.peer
    const named = allValues(this.head, FIELD.forwardedFor).flatMap((value) => value.split(','))
    const { trusted } = this.snapshot.table
    const addresses = named.map((value) => value.trim()).filter((value) => isIP(value) !== 0)
    return addresses.findLast((address) => !trusted.has(address)) ?? addresses[0] ?? this.peer
  }

  /** What its client's connection is answered whatever it asks for; undefined: it is served. */
  turnedAway(): Instead | undefined {
    const { refused, tlsPort } = this.#client
    if (refused !== undefined) return { code: 'client_certificate_refused', detail: refused }
    return tlsPort === undefined || this.scheme() === 'https' ? undefined : redirectToTls(this.head, tlsPort)
  }

  scheme(): string {
    return this.#claim(FIELD.forwardedProto)?.toLowerCase() ?? (this.#client.secure ? 'https' : 'http')
  }

  origin(): string {
    const authority = this.#claim(FIELD.forwardedHost) ?? this.head.authority
    // HTTP/1.0 without Host: what is left is a URL relative to whatever the client called.
    return authority === undefined ? '' : `${this.scheme()}://${authority}`
  }

  /** How often this request has passed through us already, by its Via (RFC 9110 §7.6.3). */
  passes(): number {
    if (!this.head.has(FIELD.via)) return 0
    const members = allValues(this.head, FIELD.via).flatMap((value) => value.split(','))
    return members.filter((member) => member.trim().split(/[ \t]+/)[1] === this.pseudonym).length
  }

  /** What a trusted proxy says of the client's side; the first of several is the client's own. */
  #claim(kind: FieldKind): string | undefined {
    if (!this.trusted || !this.head.has(kind)) return undefined
    return firstValue(this.head, kind)?.split(',')[0]?.trim()
  }
}

const NO_TIMEOUTS: Timeouts = { connect: 0, firstByte: 0, idle: 0, total: undefined }

/** Value of the only field of this kind; undefined where there are several. */
function sole(head: RequestHead, kind: FieldKind): string | undefined {
  const values = allValues(head, kind)
  return values.length === 1 ? values[0] : undefined
}
