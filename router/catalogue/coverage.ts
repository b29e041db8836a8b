import { canonicalPath } from '../kernel/canonical.ts'
import { parseTemplate, type Template, templateCovers } from '../kernel/template.ts'
import type { Operation, Unclaimed } from '../model/catalogue.ts'

/** Paths that were asked for and that no operation covers now, by path and method. HEAD follows GET. */
export function uncoveredPaths(
  unclaimed: readonly Unclaimed[],
  operations: readonly Operation[],
): readonly Unclaimed[] {
  const requests = unclaimed.map((entry) => ({ entry, path: literalTemplate(entry.path) }))
  const wanted = new Set(
    requests.flatMap(({ entry, path }) => (path === undefined ? [] : groupsOf(entry.method, path))),
  )
  const templates = templatesByGroup(operations, wanted)
  const isCovered = (method: string, path: Template) =>
    groupsOf(method, path).some((group) => templates.get(group)?.some((template) => templateCovers(template, path)))
  return requests
    .filter(({ entry, path }) => path === undefined || !isCovered(entry.method, path))
    .map(({ entry }) => entry)
    .sort(byPathThenMethod)
}

/**
 * Groups of operations that may cover a path: same method, same first segment or one that is no literal. A thousand
 * paths times ten thousand templates is too much to compare each with each.
 */
function groupsOf(method: string, { segments: [first] }: Template): readonly string[] {
  const literal = first?.kind === 'literal' ? first.text : ''
  const methods = method === 'HEAD' ? ['HEAD', 'GET'] : [method]
  return methods.flatMap((one) => [`${one} ${literal}`, `${one} ${ANY}`])
}

const ANY = '{}'

/** Parses the templates of the wanted groups only. */
function templatesByGroup(
  operations: readonly Operation[],
  wanted: ReadonlySet<string>,
): ReadonlyMap<string, readonly Template[]> {
  const found = new Map<string, Template[]>()
  for (const { key, method, template: text } of operations) {
    const first = key.split('/', 2)[1] ?? ''
    const group = `${method} ${/\{\}|^\*\*$/.test(first) ? ANY : first}`
    const template = wanted.has(group) ? parseTemplate(text) : undefined
    if (template === undefined || 'error' in template) continue
    const list = found.get(group)
    if (list === undefined) found.set(group, [template])
    else list.push(template)
  }
  return found
}

/** A path as the template that matches it alone: what looks like a parameter in it is text. */
function literalTemplate(path: string): Template | undefined {
  const canonical = canonicalPath(path)
  if ('error' in canonical) return undefined
  const { key } = canonical
  const slash = key.length > 1 && key.endsWith('/')
  const segments = key
    .split('/')
    .filter((text) => text !== '')
    .map((text) => ({ kind: 'literal', text }) as const)
  return { text: path, key, segments, slash }
}

function byPathThenMethod(a: Unclaimed, b: Unclaimed): number {
  if (a.path !== b.path) return a.path < b.path ? -1 : 1
  return a.method < b.method ? -1 : a.method > b.method ? 1 : 0
}
