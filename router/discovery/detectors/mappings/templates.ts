import { parameter, pathOf, replaceBraces, segmentsOf } from '../../segments.ts'

/**
 * Our template for one of Spring's patterns, of AntPathMatcher or PathPattern: `{petId:[0-9]+}` becomes `{petId}`,
 * `{*rest}` and a last `**` the rest, `*` stays, `*` or `?` within a segment becomes a parameter. Undefined: a
 * pattern that we cannot say, such as `**` before the end.
 */
export function templateOfPattern(pattern: string): string | undefined {
  const segments = segmentsOf(pattern)
  const written: string[] = []
  for (const [index, segment] of segments.entries()) {
    const rest = segment === '**' || /^\{\*[^}]*\}$/.test(segment)
    if (rest && index < segments.length - 1) return undefined
    const template = rest ? '**' : templateSegment(segment)
    if (template === undefined) return undefined
    written.push(template)
  }
  return pathOf(written)
}

function templateSegment(segment: string): string | undefined {
  if (segment === '*') return '*'
  const names: string[] = []
  const bare = replaceBraces(segment, (inside) => {
    names.push(inside.replace(/:.*$/s, ''))
    return MARK
  })
  if (bare === undefined) return undefined
  // The marks keep a wildcard in the segment apart from one in a parameter's pattern.
  return bare.replace(/[*?]+/g, '{any}').replaceAll(MARK, () => parameter(names.shift() ?? ''))
}

const MARK = '\u0000'
