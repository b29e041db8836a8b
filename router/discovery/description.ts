import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Attempt, ObservedEndpoint } from '../model/catalogue.ts'
import type { UpstreamTls } from '../model/spec.ts'
import { type Reader, readAside } from './aside.ts'
import type { DetectableUpstream, DetectContext, Finding, Memory } from './detectors/detector.ts'
import { type DescriptionAnswer, type DescriptionRequest, FETCH_LIMITS } from './fetch.ts'
import { collectOperations, type WrittenOperation } from './operations.ts'
import { endpointsToAsk } from './round.ts'
import { plural } from './words.ts'

/** Where a description may be: a path on the upstream, an address the operator wrote, or a file. */
export type Place =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'file'; readonly path: string }

/** The place that a configuration names: `/path`, a URL or `file:PATH`. */
export function placeOf(where: string): Place {
  if (where.startsWith('/')) return { kind: 'path', path: where }
  if (!where.startsWith('file:')) return { kind: 'url', url: where }
  return { kind: 'file', path: where.startsWith('file://') ? fileURLToPath(where) : where.slice('file:'.length) }
}

export type Search = {
  /** In order of preference; the first that has a description ends the search. */
  readonly places: readonly Place[]
  readonly reader: Reader
}

/**
 * Looks for a description in one or several places. In one place, an answer that is no description is a failure; in
 * several, only an answer that was meant to be one. Whoever does not answer at all is not asked for the rest.
 */
export async function findDescription(context: DetectContext, { places, reader }: Search): Promise<Finding> {
  const attempts: Attempt[] = []
  const only = places.length === 1
  let failed = false
  for (const place of rememberedFirst(places, context.memory)) {
    const look = await lookAt(place, context, reader, only)
    attempts.push({ what: nameOf(place), outcome: look.outcome, at: context.clock.now() })
    if (look.kind === 'links') return followLinks(place, look.links, { context, reader, attempts })
    if (look.kind === 'read') {
      const { operations, memory } = look
      return { kind: 'read', operations, memory, source: nameOf(place), attempts }
    }
    if (look.kind === 'unchanged' || look.kind === 'unreachable') return { kind: look.kind, attempts }
    failed ||= look.kind === 'failed'
  }
  return { kind: failed ? 'failed' : 'absent', attempts }
}

const MAX_LINKS = 10

/** Reads every description that a catalogue of the upstream leads to, as far as it stays on the upstream. */
async function followLinks(
  catalogue: Place,
  links: readonly string[],
  { context, reader, attempts }: { context: DetectContext; reader: Reader; attempts: Attempt[] },
): Promise<Finding> {
  const note = (what: string, outcome: string) => attempts.push({ what, outcome, at: context.clock.now() })
  const operations: WrittenOperation[] = []
  let found = false
  for (const link of [...new Set(links)].slice(0, MAX_LINKS)) {
    const path = ownPath(link, catalogue, context.upstream)
    if (path === undefined) {
      note(link, 'not followed: it leads away from the upstream')
      continue
    }
    const look = await lookAt({ kind: 'path', path }, { ...context, memory: undefined }, reader, true)
    note(`GET ${path}`, look.outcome)
    if (look.kind !== 'read') continue
    found = true
    operations.push(...look.operations)
  }
  if (!found) return { kind: 'failed', attempts }
  // No validators: the catalogue may stay the same while what it leads to changes.
  const memory = { what: nameOf(catalogue), etag: undefined, modified: undefined, digest: '' }
  return { kind: 'read', ...collectOperations(operations), source: nameOf(catalogue), memory, attempts }
}

/** The path on the upstream that a link in one of its documents leads to; undefined: it leads elsewhere. */
function ownPath(link: string, from: Place, upstream: DetectableUpstream): string | undefined {
  const [{ path: prefix } = { path: '' }] = upstream.endpoints
  const base = `http://${PLACEHOLDER}${from.kind === 'path' ? prefix + from.path : '/'}`
  if (!URL.canParse(link, base)) return undefined
  const { host, pathname, search } = new URL(link, base)
  if (host !== PLACEHOLDER && !ownHostsOf(upstream).includes(host)) return undefined
  return `${pathname.startsWith(`${prefix}/`) ? pathname.slice(prefix.length) : pathname}${search}`
}

const PLACEHOLDER = 'upstream.invalid'

/** Every `host` and `host:port` by which an upstream may name itself, as `URL.host` writes them. */
export function ownHostsOf({ endpoints, ownHosts, tls }: DetectableUpstream): readonly string[] {
  const usual = tls === undefined ? 80 : 443
  const addresses = endpoints.map(({ host, port }) => (port === usual ? host : `${host}:${port}`))
  return [...new Set([...addresses, ...ownHosts].map((host) => host.toLowerCase()))]
}

/** `GET /openapi.json`, `GET https://…` or `file:/…`. */
export function nameOf(place: Place): string {
  if (place.kind === 'file') return `file:${place.path}`
  return `GET ${place.kind === 'path' ? place.path : place.url}`
}

type Look = { readonly outcome: string } & (
  | { readonly kind: 'read'; readonly operations: readonly WrittenOperation[]; readonly memory: Memory }
  | { readonly kind: 'links'; readonly links: readonly string[] }
  | { readonly kind: 'unchanged' | 'absent' | 'failed' | 'unreachable' }
)

function rememberedFirst(places: readonly Place[], memory: Memory | undefined): readonly Place[] {
  const known = places.filter((place) => nameOf(place) === memory?.what)
  return [...known, ...places.filter((place) => !known.includes(place))]
}

async function lookAt(place: Place, context: DetectContext, reader: Reader, only: boolean): Promise<Look> {
  const memory = context.memory?.what === nameOf(place) ? context.memory : undefined
  const answer = place.kind === 'file' ? await readFile(place.path) : await askOn(place, context, memory)
  if (answer.kind === 'unreachable') return { kind: 'unreachable', outcome: answer.why }
  if (answer.kind === 'refused') return { kind: 'failed', outcome: answer.why }
  const { status, body, ms, etag, modified } = answer
  if (status === 304 && memory !== undefined) return { kind: 'unchanged', outcome: `304 in ${ms} ms, unchanged` }
  if (status !== 200) return { kind: kindOf(status, only), outcome: statusOutcome(answer) }

  const digest = createHash('sha256').update(body).digest('hex')
  if (digest === memory?.digest) return { kind: 'unchanged', outcome: `200 in ${ms} ms, unchanged` }
  const hints = { ...reader.hints, place: place.kind === 'path' ? place.path : '/' }
  const reading = await readAside(body, { ...reader, hints }, context)
  if (reading.kind === 'unreadable') {
    const kind = reading.strange && !only ? 'absent' : 'failed'
    return { kind, outcome: `200 in ${ms} ms, but the answer ${reading.why}` }
  }
  if (reading.kind === 'links') {
    const { links } = reading
    return { kind: 'links', links, outcome: `200, ${plural(links.length, 'link', 'links')} to descriptions` }
  }
  const { operations, skipped } = reading
  const leftOut = skipped === 0 ? '' : `; ${plural(skipped, 'entry', 'entries')} not understood`
  const outcome = `200, ${plural(operations.length, 'operation', 'operations')}${leftOut}`
  return { kind: 'read', operations, memory: { what: nameOf(place), etag, modified, digest }, outcome }
}

// Gateways and applications that are still starting answer these; it is too early to say that there is nothing.
const NOT_YET = new Set([408, 425, 429, 502, 503, 504])
const ABSENT = new Set([404, 405, 406, 410, 501])

function kindOf(status: number, only: boolean): 'absent' | 'failed' | 'unreachable' {
  if (NOT_YET.has(status)) return 'unreachable'
  return ABSENT.has(status) || !only ? 'absent' : 'failed'
}

function statusOutcome({ status, ms, location }: Extract<DescriptionAnswer, { kind: 'answered' }>): string {
  if (status >= 300 && status < 400 && status !== 304) {
    return `${status} to ${location ?? 'nowhere'} in ${ms} ms; redirects elsewhere, and more than three, are not followed`
  }
  if (status === 401 || status === 403) return `${status} in ${ms} ms; discovery sends no credentials`
  return `${status} in ${ms} ms`
}

const MAX_REDIRECTS = 3

/** Asks, and where the upstream redirects to another of its paths, asks there; only the path is taken from its answer. */
async function askOn(
  place: Exclude<Place, { kind: 'file' }>,
  context: DetectContext,
  memory: Memory | undefined,
): Promise<DescriptionAnswer> {
  let at = place
  for (let hops = 0; ; hops++) {
    const answer = await askFor(at, context, memory)
    const isRedirect = answer.kind === 'answered' && [301, 302, 303, 307, 308].includes(answer.status)
    if (at.kind === 'url' || !isRedirect || answer.location === undefined || hops === MAX_REDIRECTS) return answer
    const path = ownPath(answer.location, at, context.upstream)
    if (path === undefined) return answer
    at = { kind: 'path', path }
  }
}

/** Asks some endpoints in turn until one answers; an address of the operator's own is the only one there is. */
export async function askFor(
  place: Exclude<Place, { kind: 'file' }>,
  context: DetectContext,
  memory: Memory | undefined,
): Promise<DescriptionAnswer> {
  const { etag, modified } = memory ?? {}
  const ask = async (address: Address): Promise<DescriptionAnswer> => {
    const answer = await context.fetch({ ...address, etag, modified, signal: context.signal })
    return answer.kind === 'answered' ? answer : { ...answer, why: `${answer.why} (${address.host}:${address.port})` }
  }
  if (place.kind === 'url') return ask(addressOf(place.url))
  let last: DescriptionAnswer = { kind: 'unreachable', why: 'no endpoint is known' }
  for (const endpoint of endpointsToAsk(context)) {
    last = await ask(at(endpoint, place.path, context.upstream.tls))
    if (last.kind === 'answered') return last
    if (last.kind === 'unreachable') context.silent?.add(endpoint)
  }
  return last
}

type Address = Omit<DescriptionRequest, 'etag' | 'modified' | 'signal'>

function at(endpoint: ObservedEndpoint, path: string, tls: UpstreamTls | undefined): Address {
  const { host, port, path: prefix, authority } = endpoint
  return {
    host,
    port,
    secure: tls !== undefined,
    path: `${prefix}${path}`,
    authority,
    ...(tls && { tls: authority === undefined ? tls : { serverName: authority.replace(/:\d*$/, ''), ...tls } }),
  }
}

function addressOf(url: string): Address {
  const { protocol, hostname, port, pathname, search } = new URL(url)
  const secure = protocol === 'https:'
  return { host: hostname, port: Number(port) || (secure ? 443 : 80), secure, path: `${pathname}${search}` }
}

async function readFile(path: string): Promise<DescriptionAnswer> {
  try {
    await using file = await open(path)
    const { size } = await file.stat()
    if (size > FETCH_LIMITS.maxBytes) return { kind: 'refused', why: `is larger than ${FETCH_LIMITS.maxBytes} bytes` }
    const body = new Uint8Array(await file.readFile())
    return { kind: 'answered', status: 200, etag: undefined, modified: undefined, location: undefined, body, ms: 0 }
  } catch (error) {
    return { kind: 'refused', why: error instanceof Error ? error.message : String(error) }
  }
}
