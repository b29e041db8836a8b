import { arrayOf, isObject, type JsonObject, objectOf, own, textOf } from '../../json.ts'
import { collectOperations, type WrittenOperation } from '../../operations.ts'
import type { Reading } from '../../reading.ts'
import { type Addresses, documentBases, serverBases } from './servers.ts'
import { templateOfPath } from './template.ts'

/**
 * Operations of a description: Swagger 2.0, OpenAPI 3.x of any minor version, with or without `info`. Only `paths`
 * are walked; nothing is validated and no reference leaves the document. An RFC 9727 catalogue gives its links.
 */
export function readOpenapi(document: unknown, addresses: Addresses): Reading {
  if (!isObject(document)) return { kind: 'unreadable', why: 'is no OpenAPI document', strange: true }
  if (Array.isArray(own(document, 'linkset'))) return { kind: 'links', links: linksOf(document) }
  const paths = own(document, 'paths')
  const version = own(document, 'openapi') ?? own(document, 'swagger')
  if (version === undefined && !isObject(paths)) {
    return { kind: 'unreadable', why: 'is no OpenAPI document: it has neither "openapi" nor "paths"', strange: true }
  }
  const walk: Walk = { document, addresses, bases: documentBases(document, addresses), written: [], skipped: 0 }
  for (const [path, item] of Object.entries(objectOf(paths))) walkPath(walk, path, item)
  const { operations, skipped } = collectOperations(walk.written)
  return { kind: 'read', operations, skipped: skipped + walk.skipped }
}

type Walk = {
  readonly document: JsonObject
  readonly addresses: Addresses
  readonly bases: readonly string[]
  readonly written: WrittenOperation[]
  skipped: number
}

// `query` is of 3.2; `trace` is no operation that a router moves.
const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'query']

function walkPath(walk: Walk, path: string, item: unknown): void {
  if (path.startsWith('x-')) return
  const resolved = resolveItem(walk.document, item, 0)
  const template = templateOfPath(path)
  if (resolved === undefined || template === undefined) {
    walk.skipped += 1
    return
  }
  const itemBases = serverBases(own(resolved, 'servers'), walk.addresses) ?? walk.bases
  const methods: (readonly [string, unknown])[] = METHODS.map((method) => [method, own(resolved, method)])
  const additional = Object.entries(objectOf(own(resolved, 'additionalOperations')))
  for (const [method, operation] of [...methods, ...additional]) {
    if (!isObject(operation)) continue
    const bases = serverBases(own(operation, 'servers'), walk.addresses) ?? itemBases
    walk.written.push(...bases.map((base) => ({ method, template: joinPath(base, template) })))
  }
}

function joinPath(base: string, template: string): string {
  const normal = base === '' ? '' : (templateOfPath(base) ?? base)
  return template === '/' ? normal || '/' : `${normal}${template}`
}

const MAX_REFERENCES = 8

/** A path item, with a local `$ref` followed; what stands beside the reference wins. Undefined: not to be had here. */
function resolveItem(document: JsonObject, item: unknown, depth: number): JsonObject | undefined {
  if (!isObject(item)) return undefined
  const reference = own(item, '$ref')
  if (typeof reference !== 'string') return item
  if (!reference.startsWith('#/') || depth >= MAX_REFERENCES) return undefined
  const referred = resolveItem(document, pointer(document, reference.slice(2)), depth + 1)
  const { $ref: _, ...beside } = item
  return referred === undefined ? undefined : { ...referred, ...beside }
}

function pointer(document: JsonObject, path: string): unknown {
  let value: unknown = document
  for (const part of path.split('/')) {
    const key = decodePart(part)
    value = isObject(value) && key !== undefined ? own(value, key) : undefined
  }
  return value
}

function decodePart(part: string): string | undefined {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    return undefined
  }
}

/** RFC 9727 and 9264: where the descriptions of a catalogue's APIs are. */
function linksOf(catalogue: JsonObject): readonly string[] {
  const entries = arrayOf(own(catalogue, 'linkset')).map(objectOf)
  const links = entries.flatMap((entry) =>
    arrayOf(own(entry, 'service-desc')).map((link) => own(objectOf(link), 'href')),
  )
  return links.map(textOf).filter((href) => href !== '')
}
