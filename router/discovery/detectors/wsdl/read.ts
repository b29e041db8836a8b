import { collectOperations } from '../../operations.ts'
import type { Reading } from '../../reading.ts'
import { NoWsdl, parseDefinitions } from './definitions.ts'

/** How the upstream is reached, for telling its own addresses from other people's. */
export type Addresses = {
  /** Path of the document on the upstream: what relative addresses are relative to. */
  readonly place: string
  /** `host:port` or host, lower case. */
  readonly hosts: readonly string[]
  /** Path that every request to the upstream gets in front: `/app`, or ''. */
  readonly prefix: string
}

/**
 * Operations of a WSDL 1.1 document: `POST` to the path of each port, with the names of its SOAP operations as
 * detail. A SOAP operation is not one of ours: all of a port share method and path, and can only move together.
 */
export function readWsdl(bytes: Uint8Array, addresses: Addresses): Reading {
  const parsed = parse(textOf(bytes))
  if ('why' in parsed) return { kind: 'unreadable', why: parsed.why }
  const { bindings, ports } = parsed
  const located = ports.flatMap(({ binding, location }) => {
    const url = URL.parse(location, `http://${PLACEHOLDER}${addresses.place}`)
    return url === null ? [] : [{ url, names: bindings.get(binding) ?? [] }]
  })
  const paths = new Map<string, Set<string>>()
  for (const { url, names } of ownOf(located, addresses.hosts)) {
    const path = behind(addresses.prefix, url.pathname)
    paths.set(path, new Set([...(paths.get(path) ?? []), ...names]))
  }
  const written = [...paths].map(([template, names]) => ({ method: 'POST', template, detail: detailOf([...names]) }))
  const { operations, skipped } = collectOperations(written)
  return { kind: 'read', operations, skipped: skipped + ports.length - located.length }
}

function parse(text: string): ReturnType<typeof parseDefinitions> | { readonly why: string } {
  if (text.trim() === '') return { why: 'is empty' }
  try {
    return parseDefinitions(text)
  } catch (error) {
    if (error instanceof NoWsdl) return { why: error.message }
    return { why: `is not well-formed XML: ${error instanceof Error ? error.message : error}` }
  }
}

/** In the encoding that its mark or its declaration names, else UTF-8. */
function textOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 200))
  const [, declared = 'utf-8'] = /^[^<]*<\?xml[^>]*encoding\s*=\s*["']([\w.-]+)["']/.exec(start) ?? []
  try {
    return new TextDecoder(declared).decode(bytes)
  } catch {
    return new TextDecoder().decode(bytes)
  }
}

const PLACEHOLDER = 'upstream.invalid'

/** Those at the upstream's own addresses; where none is, the document was written for another place: its first host's. */
function ownOf<Located extends { readonly url: URL }>(
  located: readonly Located[],
  hosts: readonly string[],
): readonly Located[] {
  const own = located.filter(({ url: { host } }) => host === PLACEHOLDER || hosts.includes(host))
  return own.length > 0 ? own : located.filter(({ url }) => url.host === located[0]?.url.host)
}

// The router puts the prefix in front of every request, so what stands behind it is what the router sees.
function behind(prefix: string, path: string): string {
  return prefix !== '' && path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path
}

const MOST_NAMES = 20

function detailOf(names: readonly string[]): string {
  if (names.length === 0) return 'SOAP; its operations are in another document'
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : ''
  return `SOAP ${names.slice(0, MOST_NAMES).join(', ')}${more}`
}
