import { own } from '../../../kernel/own.ts'
import { arrayOf, isObject, type JsonObject, objectOf, textOf } from '../../json.ts'

/** How an upstream is reached, for telling its own servers from other people's. */
export type Addresses = {
  /** Path of the description on the upstream: what relative servers are relative to. */
  readonly place: string
  /** `host:port` or host, lower case. */
  readonly hosts: readonly string[]
  /** Path that every request to the upstream gets in front: `/app`, or ''. */
  readonly prefix: string
}

/** Base paths of a whole document, '' for the root: `basePath` of 2.0, `servers` of 3.x. */
export function documentBases(document: JsonObject, addresses: Addresses): readonly string[] {
  const basePath = own(document, 'basePath')
  if (typeof basePath === 'string') return [baseOf(basePath, addresses)]
  return serverBases(own(document, 'servers'), addresses) ?? [baseOf('', addresses)]
}

/**
 * Base paths of a `servers` list; undefined: there is none. Where the list names the upstream itself (by address,
 * or by a relative URL) only those count; otherwise the first stands for all: the others are other environments.
 */
export function serverBases(servers: unknown, addresses: Addresses): readonly string[] | undefined {
  const urls = arrayOf(servers).flatMap((server) => {
    const url = isObject(server) ? urlOf(server, addresses.place) : undefined
    return url === undefined ? [] : [url]
  })
  const ownUrls = urls.filter(({ host }) => host === PLACEHOLDER || addresses.hosts.includes(host))
  const counted = ownUrls.length > 0 ? ownUrls : urls.slice(0, 1)
  if (counted.length === 0) return undefined
  return [...new Set(counted.map(({ pathname }) => baseOf(pathname, addresses)))]
}

const PLACEHOLDER = 'upstream.invalid'

function urlOf(server: JsonObject, place: string): URL | undefined {
  const variables = objectOf(own(server, 'variables'))
  const text = textOf(own(server, 'url')).replace(/\{([^}]*)\}/g, (_, name: string) => {
    const value = own(objectOf(own(variables, name)), 'default')
    return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  })
  if (text === '') return undefined
  return URL.canParse(text, `http://${PLACEHOLDER}${place}`)
    ? new URL(text, `http://${PLACEHOLDER}${place}`)
    : undefined
}

// The router puts the prefix in front of every request, so what stands behind it is what the router sees.
function baseOf(pathname: string, { prefix }: Addresses): string {
  const base = `/${pathname}`.replace(/^\/+/, '/').replace(/\/+$/, '')
  if (prefix === '') return base
  return base === prefix || base.startsWith(`${prefix}/`) ? base.slice(prefix.length) : base
}
