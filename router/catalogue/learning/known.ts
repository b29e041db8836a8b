import { parseTemplate, piecesMatch, type Segment } from '../../kernel/template.ts'
import type { Operation } from '../../model/catalogue.ts'

/** Which operation that is known already a request belongs to; undefined: to none. */
export type KnownOperations = (method: string, path: string) => Operation | undefined

/** Looks requests up among operations: best match first, as the router itself matches. Pure. */
export function knownOperations(operations: readonly Operation[]): KnownOperations {
  const root = emptyBranch()
  for (const operation of operations) {
    const template = parseTemplate(operation.template)
    if (!('error' in template)) plant(root, template.segments, operation)
  }
  return (method, path) => find(root, path.split('/').filter(Boolean), 0, method)
}

type Branch = {
  readonly literals: Map<string, Branch>
  readonly partials: { readonly pieces: readonly string[]; readonly branch: Branch }[]
  value: Branch | undefined
  readonly here: Map<string, Operation>
  readonly rest: Map<string, Operation>
}

function emptyBranch(): Branch {
  return { literals: new Map(), partials: [], value: undefined, here: new Map(), rest: new Map() }
}

function plant(root: Branch, segments: readonly Segment[], operation: Operation): void {
  let branch = root
  for (const segment of segments) {
    if (segment.kind === 'rest') {
      branch.rest.set(operation.method, operation)
      return
    }
    branch = below(branch, segment)
  }
  branch.here.set(operation.method, operation)
}

function below(branch: Branch, segment: Exclude<Segment, { kind: 'rest' }>): Branch {
  if (segment.kind === 'param') {
    branch.value ??= emptyBranch()
    return branch.value
  }
  if (segment.kind === 'literal') {
    const known = branch.literals.get(segment.text) ?? emptyBranch()
    branch.literals.set(segment.text, known)
    return known
  }
  const added = { pieces: segment.pieces, branch: emptyBranch() }
  branch.partials.push(added)
  return added.branch
}

function find(branch: Branch, path: readonly string[], index: number, method: string): Operation | undefined {
  const text = path[index]
  if (text === undefined) return branch.here.get(method) ?? branch.rest.get(method)
  const literal = branch.literals.get(text)
  const partials = branch.partials.filter(({ pieces }) => piecesMatch(pieces, text, 0, text.length))
  for (const next of [literal, ...partials.map((one) => one.branch), branch.value]) {
    const found = next === undefined ? undefined : find(next, path, index + 1, method)
    if (found !== undefined) return found
  }
  return branch.rest.get(method)
}
