import { z } from 'zod'
import { SOURCE_SCHEMAS } from '../discovery/sources/schemas.ts'
import type { CircuitSpec, SourceSpec, UpstreamSpec, UpstreamUrl } from '../model/spec.ts'
import { balanceSchema, toBalance } from './balance.ts'
import { discoverSchema, toDiscover } from './discover.ts'
import { healthSchema, toHealth } from './health.ts'
import { laterRemedy } from './later.ts'
import { outlierSchema, toOutlier } from './outlier.ts'
import { decodeProtocol, protocolSchema } from './protocol.ts'
import type { Path, Reading } from './reading.ts'
import { retrySchema } from './retry.ts'
import { DEFAULT_TIMEOUTS, decodeTimeouts, timeoutSchema } from './timeouts.ts'
import { decodeUpstreamTls, upstreamTlsSchema } from './tls.ts'
import { flag, list, map, oneOf, Refused, textKind, wholeNumber } from './values.ts'

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/

const url = textKind('an address such as http://10.0.0.12:8080 or http://10.0.0.12:8080/prefix', (text) => {
  const parsed = /^https?:\/\/[^/\s]/i.test(text) && !/[\s\\]/.test(text) ? URL.parse(text) : null
  if (parsed === null) throw new Refused()
  if (parsed.username !== '' || parsed.password !== '')
    throw new Refused({ detail: 'no user or password belongs here' })
  if (/[?#]/.test(text)) throw new Refused({ detail: 'no query or fragment belongs here' })
  return parsed
}).meta({ examples: ['http://10.0.0.12:8080', 'http://10.0.0.12:8080/app', 'https://clinic.example'] })

const ownKeys = {
  tier: oneOf(['legacy', 'service', 'function'])
    .optional()
    .describe('What it is: legacy is the application routes are moved away from')
    .meta({ default: 'service' }),
  url: url.optional().describe('Its address; a path is a prefix that every request to it gets'),
  urls: list(url, 'http: or https: addresses')
    .optional()
    .describe('Several addresses of the same application, instead of url'),
  tls: upstreamTlsSchema,
  protocol: protocolSchema,
  discover: discoverSchema.optional().describe('How to find out which operations it implements; default: not asked'),
  timeout: timeoutSchema,
  retry: retrySchema,
  hostHeader: textKind('preserve, upstream, or a host name', (text) => {
    if (!isHostPort(text)) throw new Refused()
    return text
  })
    .optional()
    .describe("Host field it gets: the client's (preserve), its own address (upstream), or this name")
    .meta({ default: 'preserve' }),
  rewriteLocation: flag
    .optional()
    .describe('Replace its own host in Location, Content-Location, Refresh and Link; default: true for tier legacy'),
  rewriteCookies: flag.optional().describe('Remove its own host from Set-Cookie; default: true for tier legacy'),
  ownHosts: list(
    textKind('a host name, with a port where it has one', (text) => {
      if (!isHostPort(text)) throw new Refused()
      return text.toLowerCase()
    }),
    'host names',
  )
    .optional()
    .describe('Names by which the application knows itself; default: the hosts of its addresses'),
  encodedSlash: oneOf(['keep', 'reject'])
    .optional()
    .describe('Whether a path may contain %2F or %5C; default: keep for a legacy default, else reject (400)'),
  balance: balanceSchema,
  outlier: outlierSchema,
  health: healthSchema,
  maxConnections: wholeNumber(1, 1_000_000, 'a number from 1 to 1000000')
    .optional()
    .describe('Most connections to it at once, over all of its addresses and all processes of this router'),
  maxPending: wholeNumber(0, 1_000_000, 'a number from 0 to 1000000')
    .optional()
    .describe('Most requests that wait for one of maxConnections; default: as many as these'),
}

const upstreamKeys: typeof ownKeys = {
  ...ownKeys,
  ...Object.fromEntries(
    SOURCE_SCHEMAS.flatMap(({ kind, upstream }) => (upstream === undefined ? [] : [[kind, upstream.optional()]])),
  ),
}

/** One entry of `upstreams`. */
export const upstreamSchema = map(upstreamKeys)

export const upstreamsSchema = z
  .record(z.string(), upstreamSchema, { error: 'a map of upstreams by name' })
  .optional()
  .describe('Named places that serve requests')
  .meta({ propertyNames: { pattern: NAME.source } })

/** Every upstream that can be decoded; `names` holds the broken ones too, so that references to them stay valid. */
export function decodeUpstreams(reading: Reading): {
  readonly upstreams: readonly UpstreamSpec[]
  readonly names: ReadonlySet<string>
} {
  const node = reading.nodeAt(['upstreams'])
  const upstreams: UpstreamSpec[] = []
  if (node?.kind !== 'map') {
    reading.decode(upstreamsSchema, ['upstreams'])
    return { upstreams, names: new Set() }
  }
  for (const name of node.entries.keys()) {
    if (reading.full) break
    checkName(reading, name)
    const written = reading.decode(upstreamSchema, ['upstreams', name])
    const urls = decodeUrls(reading, name, written)
    if (written !== undefined) upstreams.push(toUpstream(reading, name, written, urls))
  }
  return { upstreams, names: new Set(node.entries.keys()) }
}

function checkName(reading: Reading, name: string): void {
  const path = ['upstreams', name]
  if (name.startsWith('functions/')) {
    const message = 'names that begin with functions/ belong to the folders below functions:'
    reading.report({ code: 'reserved-name', path, message, hint: 'choose another name', atKey: true })
  } else if (!NAME.test(name)) {
    const message = 'the name of an upstream must be letters, digits and . _ - inside, at most 63'
    reading.report({ code: 'wrong-name', path, message, atKey: true })
  } else if (name in Object.prototype) {
    const message = 'plans are records by name, in which every JavaScript object has this one already'
    reading.report({ code: 'reserved-name', path, message, hint: 'choose another name', atKey: true })
  }
}

type Written = z.output<typeof upstreamSchema>

function decodeUrls(reading: Reading, name: string, written: Written | undefined): readonly UpstreamUrl[] {
  const path: Path = ['upstreams', name]
  const node = reading.nodeAt(path)
  if (node?.kind !== 'map') return []
  checkWhere(reading, path, (key) => node.entries.has(key))
  const listed = (written?.urls ?? []).map((url, index) => toUrl(reading, url, [...path, 'urls', index]))
  const urls = written?.url === undefined ? listed : [toUrl(reading, written.url, [...path, 'url'])]
  for (const [index, url] of urls.entries()) {
    const first = urls.findIndex((other) => addressOf(other) === addressOf(url))
    if (first < index) {
      const message = `is the same address as urls[${first}]`
      reading.report({ code: 'duplicate-address', path: [...path, 'urls', index], message })
    }
  }
  return urls
}

/** How an upstream's endpoints are found: one of these keys, and no other. */
const WHERE: readonly string[] = [
  'url',
  'urls',
  ...SOURCE_SCHEMAS.flatMap(({ kind, upstream }) => (upstream === undefined ? [] : [kind])),
]
const LATER_WHERE = ['dns', 'docker', 'kubernetes'].filter((key) => !WHERE.includes(key))

function checkWhere(reading: Reading, path: Path, has: (key: string) => boolean): void {
  const [first, ...others] = WHERE.filter(has)
  for (const key of others) {
    const message = `${first} and ${key} exclude each other`
    reading.report({ code: 'two-addresses', path: [...path, key], message })
  }
  if (first !== undefined || LATER_WHERE.some((key) => has(key) && laterRemedy(path, key) !== undefined)) return
  const message = 'is missing; an upstream needs an address'
  reading.report({ code: 'missing-key', path: [...path, 'url'], message, hint: 'write url: http://HOST:PORT' })
}

function toUrl(reading: Reading, url: URL, path: Path): UpstreamUrl {
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port),
    path: url.pathname.replace(/\/+$/, ''),
    at: reading.positionAt(path),
  }
}

function addressOf(url: UpstreamUrl): string {
  return `${url.host} ${url.port} ${url.path}`
}

function toUpstream(reading: Reading, name: string, written: Written, urls: readonly UpstreamUrl[]): UpstreamSpec {
  const tier = written.tier ?? 'service'
  const legacy = tier === 'legacy'
  const hostHeader = written.hostHeader ?? 'preserve'
  const circuit = toCircuit(reading, name, written)
  const tls = decodeUpstreamTls(reading, written, ['upstreams', name])
  const protocol = decodeProtocol(reading, written.protocol, tls !== undefined, ['upstreams', name])
  const addresses = written.url === undefined ? (written.urls ?? []) : [written.url]
  const found = toSource(written)
  return {
    name,
    at: reading.positionAt(['upstreams', name], true),
    tier,
    urls,
    discover: toDiscover(reading.file, written.discover),
    timeouts: { ...DEFAULT_TIMEOUTS, ...decodeTimeouts(written.timeout) },
    hostHeader: hostHeader === 'preserve' || hostHeader === 'upstream' ? hostHeader : { name: hostHeader },
    rewriteLocation: written.rewriteLocation ?? legacy,
    rewriteCookies: written.rewriteCookies ?? legacy,
    ownHosts: written.ownHosts ?? found?.ownHosts ?? [...new Set(addresses.map((url) => url.host))],
    ...(found === undefined ? {} : { source: found.source }),
    ...(written.encodedSlash && { encodedSlash: written.encodedSlash }),
    ...(written.balance === undefined ? {} : { balance: toBalance(written.balance) }),
    ...(written.outlier === undefined ? {} : { outlier: toOutlier(written.outlier) }),
    ...(written.health === undefined
      ? {}
      : { health: toHealth(reading, written.health, ['upstreams', name, 'health']) }),
    ...(circuit === undefined ? {} : { circuit }),
    ...(tls === undefined ? {} : { tls }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(written.retry === undefined ? {} : { retry: written.retry }),
  }
}

/** Who finds its endpoints, where that is not the file. */
function toSource(
  written: Readonly<Record<string, unknown>>,
): { readonly source: SourceSpec; readonly ownHosts: readonly string[] } | undefined {
  for (const { kind, upstream, ownHosts } of SOURCE_SCHEMAS) {
    const options = written[kind]
    if (upstream === undefined || options === undefined) continue
    return { source: { kind, options }, ownHosts: ownHosts?.(options) ?? [] }
  }
  return undefined
}

function toCircuit(reading: Reading, name: string, written: Written): CircuitSpec | undefined {
  const { maxConnections, maxPending = maxConnections } = written
  if (maxConnections !== undefined) return { maxConnections, maxPending: maxPending ?? 0 }
  if (maxPending === undefined) return undefined
  const path = ['upstreams', name, 'maxPending']
  const hint = 'add maxConnections: NUMBER'
  reading.report({ code: 'missing-key', path, message: 'needs maxConnections: without it nobody waits', hint })
  return undefined
}

/** `NAME`, `NAME:PORT`, `192.0.2.7:80` or `[::1]:80`. */
function isHostPort(text: string): boolean {
  return /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/.test(text)
}
