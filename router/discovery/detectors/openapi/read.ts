import { own } from '../../../kernel/own.ts'
import type { Contract } from '../../../model/contract.ts'
import { arrayOf, isObject, type JsonObject, objectOf, textOf } from '../../json.ts'
import { collectOperations, type WrittenOperation } from '../../operations.ts'
import type { Reading } from '../../reading.ts'
import { contractOf } from './contract.ts'
import { resolve } from './references.ts'
import { type Addresses, documentBases, serverBases } from './servers.ts'
import { createShapes, type Shapes } from './shape.ts'
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
  const bases = documentBases(document, addresses)
  const walk: Walk = { document, addresses, bases, shapes: createShapes(document), written: [], skipped: 0, parts: 0 }
  for (const [path, item] of Object.entries(objectOf(paths))) walkPath(walk, path, item)
  const { operations, skipped } = collectOperations(walk.written)
  return { kind: 'read', operations, skipped: skipped + walk.skipped }
}

type Walk = {
  readonly document: JsonObject
  readonly addresses: Addresses
  readonly bases: readonly string[]
  readonly shapes: Shapes
  readonly written: WrittenOperation[]
  skipped: number
  /** Of all contracts so far. */
  parts: number
}

// `query` is of 3.2; `trace` is no operation that a router moves.
const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'query']

function walkPath(walk: Walk, path: string, item: unknown): void {
  if (path.startsWith('x-')) return
  const resolved = resolve(walk.document, item)
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
    const contract = promised(walk, operation, resolved)
    const said = contract === undefined ? {} : { contract }
    walk.written.push(...bases.map((base) => ({ method, template: joinPath(base, template), ...said })))
  }
}

/** Parts of contracts that one description may have; what references multiply beyond is known by its path alone. */
const MAX_PARTS = 500_000

function promised(walk: Walk, operation: JsonObject, item: JsonObject): Contract | undefined {
  if (walk.parts > MAX_PARTS) return undefined
  const contract = contractOf(operation, item, walk.document, walk.shapes)
  if (contract === undefined) return undefined
  const { parameters, body, responses } = contract
  const media = [body?.media ?? {}, ...Object.values(responses)].map((types) => Object.keys(types).length)
  walk.parts += Object.keys(parameters).length + media.reduce((sum, count) => sum + count + 1, 0)
  return contract
}

function joinPath(base: string, template: string): string {
  const normal = base === '' ? '' : (templateOfPath(base) ?? base)
  return template === '/' ? normal || '/' : `${normal}${template}`
}

/** RFC 9727 and 9264: where the descriptions of a catalogue's APIs are. */
function linksOf(catalogue: JsonObject): readonly string[] {
  const entries = arrayOf(own(catalogue, 'linkset')).map(objectOf)
  const links = entries.flatMap((entry) =>
    arrayOf(own(entry, 'service-desc')).map((link) => own(objectOf(link), 'href')),
  )
  return links.map(textOf).filter((href) => href !== '')
}
