import { lookup } from 'node:dns'
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import type { Clock } from '../kernel/clock.ts'

/** One question to one address. `path` is the whole target; nothing in the answer leads anywhere else. */
export type DescriptionRequest = {
  readonly host: string
  readonly port: number
  readonly secure: boolean
  readonly path: string
  /** Validators of what is known already. */
  readonly etag?: string | undefined
  readonly modified?: string | undefined
  readonly signal: AbortSignal
}

/** `unreachable`: nobody answered; `refused`: an answer or an address that is not taken. `why` as words for people. */
export type DescriptionAnswer =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly etag: string | undefined
      readonly modified: string | undefined
      readonly location: string | undefined
      /** Empty but for a 200. */
      readonly body: Uint8Array<ArrayBuffer>
      readonly ms: number
    }
  | { readonly kind: 'unreachable'; readonly why: string }
  | { readonly kind: 'refused'; readonly why: string }

/** Asks for a description. Never rejects. */
export type FetchDescription = (request: DescriptionRequest) => Promise<DescriptionAnswer>

/** Size and time that one answer may take. */
export const FETCH_LIMITS = { maxBytes: 32 * 1024 * 1024, timeoutMs: 5_000 }

/**
 * A fetcher that asks one address at a time, names itself, follows no redirect, opens no compressed answer, and
 * never connects to where a cloud machine keeps its own credentials, whatever a name resolves to.
 */
export function descriptionFetcher(options: {
  /** The router's version, for `User-Agent`. */
  readonly version: string
  readonly clock: Clock
  readonly limits?: typeof FETCH_LIMITS
}): FetchDescription {
  const { version, clock, limits = FETCH_LIMITS } = options
  return (request) => {
    const host = request.host.replace(/^\[|\]$/g, '')
    if (isIP(host) !== 0 && isMetadata(host)) return Promise.resolve({ kind: 'refused', why: METADATA })
    const signal = AbortSignal.any([request.signal, deadline(clock, limits.timeoutMs)])
    return ask({ ...request, host, signal }, version, clock, limits)
  }
}

/** Why an address is not connected to. */
const METADATA = "is a cloud machine's metadata address, which is never asked"

const METADATA_ADDRESSES = new BlockList()
// AWS, Azure, Google, Oracle; AWS containers; Alibaba; AWS over IPv6.
for (const address of ['169.254.169.254', '169.254.170.2', '169.254.170.23', '100.100.100.200']) {
  METADATA_ADDRESSES.addAddress(address, 'ipv4')
}
for (const address of ['fd00:ec2::254', 'fd00:ec2::23']) METADATA_ADDRESSES.addAddress(address, 'ipv6')

function isMetadata(address: string): boolean {
  return METADATA_ADDRESSES.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

function deadline(clock: Clock, ms: number): AbortSignal {
  const controller = new AbortController()
  clock.after(ms, () => controller.abort(new TooLate(`no answer within ${ms / 1000} s`)))
  return controller.signal
}

class TooLate extends Error {}
class Refused extends Error {}

async function ask(
  request: DescriptionRequest,
  version: string,
  clock: Clock,
  limits: typeof FETCH_LIMITS,
): Promise<DescriptionAnswer> {
  const started = clock.elapsed()
  try {
    const response = await headOf(request, version)
    const { statusCode: status = 0, headers } = response
    const body = status === 200 ? await bodyOf(response, limits.maxBytes) : new Uint8Array()
    response.destroy()
    const ms = Math.round(clock.elapsed() - started)
    const { etag, 'last-modified': modified, location } = headers
    return { kind: 'answered', status, etag, modified, location, body, ms }
  } catch (error) {
    return { kind: error instanceof Refused ? 'refused' : 'unreachable', why: reason(error, request.signal) }
  }
}

function headOf(request: DescriptionRequest, version: string): Promise<IncomingMessage> {
  const { host, port, secure, path, etag, modified, signal } = request
  const options: RequestOptions = {
    host,
    port,
    path,
    signal,
    agent: false,
    lookup: lookupUnlessMetadata,
    headers: {
      'user-agent': `Banyan/${version} (+discovery)`,
      accept: 'application/json, application/yaml;q=0.9, */*;q=0.5',
      // A small compressed answer could become a huge document.
      'accept-encoding': 'identity',
      connection: 'close',
      ...(etag !== undefined && { 'if-none-match': etag }),
      ...(modified !== undefined && { 'if-modified-since': modified }),
    },
  }
  return new Promise((resolve, reject) => {
    const outgoing = secure ? httpsRequest(options) : httpRequest(options)
    outgoing.once('response', resolve)
    outgoing.on('error', reject)
    outgoing.end()
  })
}

// Checked on what the name resolves to at this moment, and connected to exactly that: a name may change its mind.
const lookupUnlessMetadata: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, options, (error, address, family) => {
    const addresses = typeof address === 'string' ? [address] : (address ?? []).map((one) => one.address)
    if (error === null && addresses.some(isMetadata)) callback(new Refused(METADATA), '', 0)
    else callback(error, address, family)
  })
}

async function bodyOf(response: IncomingMessage, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const coding = response.headers['content-encoding'] ?? 'identity'
  if (coding !== 'identity') throw new Refused(`200, but encoded as ${coding} although identity was asked for`)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue
    size += chunk.length
    if (size > maxBytes) throw new Refused(`200, but larger than ${maxBytes / 1024 / 1024} MiB`)
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

function reason(error: unknown, signal: AbortSignal): string {
  const cause: unknown = signal.aborted ? signal.reason : error
  if (!(cause instanceof Error)) return String(cause)
  const code = 'code' in cause ? String(cause.code) : ''
  return WORDS[code] ?? cause.message
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection closed without a whole answer',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ENOTFOUND: 'name not found',
  EAI_AGAIN: 'name not resolved for now',
}
