import type { Seen } from '../../model/catalogue.ts'
import { valuesAmong } from './alike.ts'
import { absorb, childrenOf, emptyNode, type Node, note, sizeOf } from './node.ts'
import { type SegmentKind, segmentKind } from './segment-kind.ts'

/** An operation as requests show it: `GET /owners/{}`. */
export type FoldedOperation = Seen & { readonly method: string; readonly template: string }

/**
 * Makes operations of requests: identifiers in their paths become `{}`. Identifiers that look like some are not kept
 * at all; words are kept until it is clear whether they are names or values, within `limit` segments.
 */
export type Folder = {
  /** Counts requests for a canonical path; false: there was no room for it. */
  add(method: string, path: string, seen: Seen): boolean
  /** Looks again at which words are values; costs time by the number of segments kept. */
  settle(): void
  /** What was asked for at least so often, as it was last settled, by path and method. */
  operations(least?: number): readonly FoldedOperation[]
}

/** Segments kept by default: some 20 MB at the most. */
export const MOST_SEGMENTS = 50_000

/** What was asked for less often may be a value that nobody will ask for again. */
export const LEAST_SEEN = 3

/** An empty folder. Pure; nothing to close. */
export function createFolder({ limit = MOST_SEGMENTS }: { readonly limit?: number } = {}): Folder {
  const root = emptyNode(true)
  let size = 1

  function add(method: string, path: string, seen: Seen): boolean {
    const segments = segmentsOf(path)
    if (segments === undefined) return false
    if (size + segments.length > limit) settleAll()
    const full = size + segments.length > limit
    if (full && !isThere(root, segments)) return false
    let node = root
    node.count += seen.count
    for (const segment of segments) {
      node = childFor(node, segment) ?? addTo(node, segment)
      node.count += seen.count
    }
    note(node, method, seen)
    return true
  }

  function addTo(node: Node, segment: string): Node {
    const kind = kindOf(segment)
    const added = emptyNode(kind === 'word')
    size++
    if (kind === 'identifier') node.value = added
    else node.literals.set(segment, added)
    return added
  }

  function settleAll(): void {
    settleNode(root)
    size = sizeOf(root)
  }

  function operations(least = LEAST_SEEN): readonly FoldedOperation[] {
    return operationsBelow(root, '')
      .filter(({ count }) => count >= least)
      .sort(byTemplate)
  }

  return { add, settle: settleAll, operations }
}

/** A path with `{}` for every identifier that looks like one: `/owners/17/edit` is `/owners/{}/edit`. */
export function shapeOfPath(path: string): string {
  return `/${(segmentsOf(path) ?? []).map((segment) => (kindOf(segment) === 'identifier' ? '{}' : segment)).join('/')}`
}

const MOST_DEPTH = 24

/** Undefined: not worth keeping. A trailing slash does not count. */
function segmentsOf(path: string): readonly string[] | undefined {
  const segments = path.split('/').filter((segment) => segment !== '')
  return segments.length > MOST_DEPTH ? undefined : segments
}

function kindOf(segment: string): SegmentKind {
  return segment === '{}' ? 'identifier' : segmentKind(segment)
}

function childFor(node: Node, segment: string): Node | undefined {
  return node.literals.get(segment) ?? (kindOf(segment) === 'identifier' ? node.value : undefined)
}

function isThere(root: Node, segments: readonly string[]): boolean {
  let node: Node | undefined = root
  for (const segment of segments) node = node === undefined ? undefined : childFor(node, segment)
  return node !== undefined
}

/** From the top down: what is below many values is looked at as one. */
function settleNode(node: Node): void {
  const values = valuesAmong(node)
  for (const text of values) {
    const child = node.literals.get(text)
    if (child === undefined) continue
    node.literals.delete(text)
    if (node.value === undefined) node.value = child
    else absorb(node.value, child)
  }
  node.words ||= values.length > 0
  node.values += values.length
  for (const child of childrenOf(node)) settleNode(child)
}

function operationsBelow(node: Node, path: string): FoldedOperation[] {
  const own = [...node.seen].map(([method, seen]) => ({ method, template: path === '' ? '/' : path, ...seen }))
  const below = [...node.literals].flatMap(([text, child]) => operationsBelow(child, `${path}/${text}`))
  return [...own, ...below, ...(node.value === undefined ? [] : operationsBelow(node.value, `${path}/{}`))]
}

function byTemplate(a: FoldedOperation, b: FoldedOperation): number {
  if (a.template !== b.template) return a.template < b.template ? -1 : 1
  return a.method < b.method ? -1 : a.method > b.method ? 1 : 0
}
