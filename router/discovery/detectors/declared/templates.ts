import { ANY_METHOD, type WrittenOperation } from '../../operations.ts'
import { parameter, pathOf, replaceBraces, segmentsOf } from '../../segments.ts'

/**
 * Operations of one declared route, `METHOD PATH`: our own templates or Hono's patterns. `ALL` and `ANY` stand for
 * every method; `:id{[0-9]+}` becomes `{id}`; an optional `:a?` gives two operations; a last `*`, or a last
 * parameter whose pattern may span segments, becomes the rest. Undefined: it is no route.
 */
export function operationsOfRoute(route: string): readonly WrittenOperation[] | undefined {
  const [, method = '', path = ''] = /^\s*([A-Za-z]+|\*)\s+(\/\S*)\s*$/.exec(route) ?? []
  if (path === '') return undefined
  const methods = ['ALL', 'ANY', '*'].includes(method.toUpperCase()) ? ANY_METHOD : [method.toUpperCase()]
  return templatesOfPattern(path)?.flatMap((template) => methods.map((one) => ({ method: one, template })))
}

/** Our templates for one Hono pattern, or for a template of ours; undefined: its braces do not pair. */
export function templatesOfPattern(pattern: string): readonly string[] | undefined {
  const segments = segmentsOf(pattern)
  let paths: (readonly string[])[] = [[]]
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1
    const template = templateSegment(segment, last)
    if (template === undefined) return undefined
    const longer = paths.map((path) => [...path, template])
    // Hono takes an optional parameter at the end only; elsewhere `?` would be part of the name.
    paths = segment.startsWith(':') && segment.endsWith('?') && last ? [...paths, ...longer] : longer
  }
  return paths.map(pathOf)
}

function templateSegment(segment: string, last: boolean): string | undefined {
  if (segment === '*' && last) return '**'
  if (!segment.startsWith(':')) return replaceBraces(segment, (inside) => parameter(inside.replace(/:.*$/s, '')))
  const [, name = '', pattern = ''] = /^:([^{?]*)(?:\{(.*)\})?\??$/s.exec(segment) ?? []
  if (name === '') return undefined
  return last && SPANS_SEGMENTS.test(pattern) ? '**' : parameter(name)
}

// `.+` and `.*` take slashes too; a class such as `[^/]+` or `[0-9]+` does not.
const SPANS_SEGMENTS = /(?<!\\)\.[+*]/
