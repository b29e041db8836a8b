import { lookup, Resolver } from 'node:dns/promises'
import type { ObservedEndpoint } from '../../../model/catalogue.ts'
import { isMetadataAddress, METADATA } from '../../forbidden.ts'
import type { DnsOptions } from './options.ts'

/**
 * What a name came to. `none`: the name server knows for sure that there is nothing. `failed`: nobody could say.
 * `words` tells it to people.
 */
export type Answer = { readonly words: string } & (
  | { readonly kind: 'found'; readonly endpoints: readonly ObservedEndpoint[]; readonly ttlMs: number }
  | { readonly kind: 'none' }
  | { readonly kind: 'failed' }
)

/** Looks names up. */
export type Names = {
  /** Never rejects. */
  ask(question: DnsOptions): Promise<Answer>
  /** Ends what is in flight. */
  close(): void
}

/**
 * Asks these name servers, or those of the machine where there are none. Only the latter are joined by what the
 * machine knows besides: its hosts file, search domains, single-label names.
 */
export function openNames(servers: readonly string[]): Names {
  let resolver = open(servers)
  return {
    async ask(question) {
      const answer = await ask(question, { resolver, system: servers.length === 0 })
      // The machine's name servers may have become others.
      if (answer.kind === 'failed' && servers.length === 0) resolver = open(servers)
      return answer
    },
    close: () => resolver.cancel(),
  }
}

type Who = { readonly resolver: Resolver; readonly system: boolean }

function open(servers: readonly string[]): Resolver {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 })
  if (servers.length > 0) resolver.setServers(servers)
  return resolver
}

async function ask({ name, port }: DnsOptions, who: Who): Promise<Answer> {
  if (port === undefined) return askService(name, who)
  const hosts = await addressesOf(name, who)
  if (hosts.kind !== 'found') return hosts
  const { words, ttlMs, addresses } = hosts
  return { kind: 'found', words, ttlMs, endpoints: addresses.map((host) => endpointOf(host, port, name)) }
}

function endpointOf(host: string, port: number, name: string): ObservedEndpoint {
  return { host, port, path: '', authority: port === 80 ? name : `${name}:${port}` }
}

/** Of SRV records those of the best priority count; weights do not, requests are spread by `balance`. */
async function askService(name: string, who: Who): Promise<Answer> {
  const records = await who.resolver.resolveSrv(name).catch(codeOf)
  if (typeof records === 'string') return missing(records, 'SRV')
  const best = Math.min(...records.map(({ priority }) => priority))
  // RFC 2782: a lone dot says that the service is not available here.
  const targets = records.filter((one) => one.priority === best && one.name !== '' && one.name !== '.')
  const asked = await Promise.all(
    targets.slice(0, MAX_TARGETS).map(async (target) => ({ target, hosts: await addressesOf(target.name, who) })),
  )
  const failed = asked.find(({ hosts }) => hosts.kind === 'failed')
  if (failed !== undefined) return { kind: 'failed', words: `SRV ${failed.target.name}: ${failed.hosts.words}` }
  const endpoints = asked.flatMap(({ target, hosts }) =>
    hosts.kind === 'found' ? hosts.addresses.map((host) => endpointOf(host, target.port, target.name)) : [],
  )
  if (endpoints.length === 0) return { kind: 'none', words: `SRV: ${targets.length} targets, none has an address` }
  // The time to live of the SRV records themselves is not to be had.
  const ttls = asked.flatMap(({ hosts }) => (hosts.kind === 'found' ? [hosts.ttlMs] : []))
  const ttlMs = Math.min(SERVICE_TTL_MS, ...ttls)
  return { kind: 'found', endpoints, ttlMs, words: `SRV: ${targets.length} targets; ${listed(endpoints, ttlMs)}` }
}

const MAX_TARGETS = 256
const SERVICE_TTL_MS = 30_000

type Hosts = { readonly words: string } & (
  | { readonly kind: 'found'; readonly addresses: readonly string[]; readonly ttlMs: number }
  | { readonly kind: 'none' | 'failed' }
)

/** IPv4 addresses where the name has any, else IPv6: many machines have no way to the latter. */
async function addressesOf(name: string, who: Who): Promise<Hosts> {
  if (who.system && !name.includes('.')) return askSystem(name)
  const [four, six] = await Promise.all([
    who.resolver.resolve4(name, { ttl: true }).catch(codeOf),
    who.resolver.resolve6(name, { ttl: true }).catch(codeOf),
  ])
  if (typeof four !== 'string') return found('A', four)
  const answer = missing(four, 'A')
  if (answer.kind === 'none' && typeof six !== 'string') return found('AAAA', six)
  const second = typeof six === 'string' ? missing(six, 'AAAA') : answer
  // Behind "there is no A record" the other question may still have failed.
  const worse = four === 'ENODATA' && second.kind === 'failed' ? second : answer
  if (!who.system) return worse
  const known = await askSystem(name)
  return known.kind === 'found' ? known : worse
}

/** What the machine itself makes of a name; it tells no time to live. */
async function askSystem(name: string): Promise<Hosts> {
  const known = await lookup(name, { all: true }).catch(codeOf)
  if (typeof known === 'string') return missing(known, 'address')
  const four = known.filter(({ family }) => family === 4)
  const addresses = (four.length > 0 ? four : known).map(({ address }) => ({ address, ttl: SYSTEM_TTL_S }))
  return found('the machine', addresses)
}

const SYSTEM_TTL_S = 10

function found(what: string, records: readonly { readonly address: string; readonly ttl: number }[]): Hosts {
  const usable = records.filter(({ address }) => !isMetadataAddress(address))
  const left = records.filter((record) => !usable.includes(record)).map(({ address }) => address)
  const note = left.length === 0 ? '' : `; ${left.join(', ')} left out: ${METADATA}`
  if (usable.length === 0) return { kind: 'none', words: `${what}: no address that may be used${note}` }
  // Each once and in order, so that a name server that turns its list round changes nothing.
  const addresses = [...new Set(usable.map(({ address }) => address))].sort()
  const ttlMs = Math.min(...usable.map(({ ttl }) => ttl)) * 1_000
  const shown = addresses.map((host) => ({ host, port: undefined }))
  return { kind: 'found', addresses, ttlMs, words: `${what}: ${listed(shown, ttlMs)}${note}` }
}

function listed(all: readonly { readonly host: string; readonly port: number | undefined }[], ttlMs: number): string {
  const names = all.slice(0, SHOWN).map(({ host, port }) => (port === undefined ? host : `${host}:${port}`))
  const more = all.length > SHOWN ? ` and ${all.length - SHOWN} more` : ''
  return `${names.join(', ')}${more}, good for ${Math.round(ttlMs / 1_000)} s`
}

const SHOWN = 8

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

function missing(code: string, what: string): { readonly kind: 'none' | 'failed'; readonly words: string } {
  const none = NONE[code]
  if (none !== undefined) return { kind: 'none', words: none.replace('RECORD', what) }
  return { kind: 'failed', words: FAILED[code] ?? code }
}

const NONE: Readonly<Record<string, string>> = {
  ENOTFOUND: 'NXDOMAIN: there is no such name',
  ENODATA: 'the name is there, but has no RECORD record',
}

const FAILED: Readonly<Record<string, string>> = {
  ESERVFAIL: 'SERVFAIL: the name server could not find out',
  EREFUSED: 'REFUSED: the name server does not answer us',
  ETIMEOUT: 'no answer from the name server in time',
  ECONNREFUSED: 'no name server listens there',
  EAI_AGAIN: 'no name server answered',
  ECANCELLED: 'given up',
}
