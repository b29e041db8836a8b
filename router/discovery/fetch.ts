import { lookup } from 'node:dns'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { type RequestOptions as HttpsOptions, request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { Clock } from '../kernel/clock.ts'
import { secureOptions } from '../kernel/tls/identity.ts'
import type { UpstreamTls } from '../model/spec.ts'
import { isMetadataAddress, isMetadataName, METADATA } from './forbidden.ts'

/** One question to one address. `path` is the whole target; nothing in the answer leads anywhere else. */
export type DescriptionRequest = {
  readonly host: string
  readonly port: number
  readonly secure: boolean
  /** How it is spoken to by TLS; absent: as every client would. */
  readonly tls?: UpstreamTls
  readonly path: string
  /** Value of Host; absent: the address. */
  readonly authority?: string | undefined
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
  /** How names become addresses; absent: as the machine does it. */
  readonly resolve?: LookupFunction
}): FetchDescription {
  const { clock, limits = FETCH_LIMITS } = options
  const parts: Parts = { ...options, limits, lookup: checkedLookup(options.resolve ?? lookup) }
  return async (request) => {
    const host = request.host.replace(/^\[|\]$/g, '')
    if (isMetadataAddress(host) || isMetadataName(host)) return { kind: 'refused', why: METADATA }
    const late = new AbortController()
    const cancel = clock.after(limits.timeoutMs, () => late.abort(tooLate(limits.timeoutMs)))
    try {
      return await ask({ ...request, host, signal: AbortSignal.any([request.signal, late.signal]) }, parts)
    } finally {
      cancel()
    }
  }
}

/**
 * Looks a name up and refuses it where any of its addresses is one that is never asked. Whoever connects does so to
 * exactly what was checked: a name may change its mind in between.
 */
export function checkedLookup(resolve: LookupFunction = lookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, options, (error, address, family) => {
      const addresses = typeof address === 'string' ? [address] : (address ?? []).map((one) => one.address)
      if (error === null && addresses.some(isMetadataAddress)) callback(new Refused(METADATA), '', 0)
      else callback(error, address, family)
    })
  }
}

type Parts = {
  readonly version: string
  readonly clock: Clock
  readonly limits: typeof FETCH_LIMITS
  readonly lookup: LookupFunction
}

function tooLate(ms: number): Error {
  return new Error(`no answer within ${ms / 1000} s`)
}

class Refused extends Error {}

async function ask(request: DescriptionRequest, parts: Parts): Promise<DescriptionAnswer> {
  const { clock, limits } = parts
  const started = clock.elapsed()
  try {
    const tls = request.tls === undefined ? {} : await secureOptions(request.host, request.tls)
    const response = await headOf(request, parts, tls)
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

function headOf(
  request: DescriptionRequest,
  { version, lookup: checked }: Parts,
  tls: HttpsOptions,
): Promise<IncomingMessage> {
  const { host, port, secure, path, authority, etag, modified, signal } = request
  const options: HttpsOptions = {
    ...tls,
    host,
    port,
    path,
    signal,
    agent: false,
    lookup: checked,
    headers: {
      'user-agent': `Banyan/${version} (+discovery)`,
      accept: 'application/json, application/yaml;q=0.9, */*;q=0.5',
      // A small compressed answer could become a huge document.
      'accept-encoding': 'identity',
      connection: 'close',
      ...(authority !== undefined && { host: authority }),
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
  // Its message is OpenSSL's, over several lines; the reason is the part that says something.
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) {
    const said = /:SSL routines:[^:]*:([^:]+):/.exec(cause.message)?.[1] ?? 'handshake failed'
    return said === 'wrong version number' ? 'it does not speak TLS; an http: address may be meant' : `TLS: ${said}`
  }
  if (code.startsWith('HPE_')) return 'the answer is not HTTP/1.1'
  return WORDS[code] ?? cause.message
}

const UNKNOWN_AUTHORITY = 'its certificate is of an authority that is not known; name that in tls.ca'

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection closed without a whole answer',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ENOTFOUND: 'name not found',
  EAI_AGAIN: 'name not resolved for now',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
}
