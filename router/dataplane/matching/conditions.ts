import { RE2JS } from 're2js'
import type { FieldMatch, RouteMatch } from '../../model/spec.ts'

/** What conditions may ask of a request; each is called only where a rule at the place that matched needs it. */
export type ConditionRequest = {
  /** What follows `?`, without it. */
  readonly query?: string | undefined
  /** A header field by lower-case name; repeated ones joined with `, `. */
  header?(name: string): string | undefined
}

/** One condition of a rule on a header field or a query parameter. */
export type Condition = {
  readonly part: 'header' | 'query'
  readonly field: FieldMatch
  holds(request: ConditionRequest): boolean
}

/** Conditions of a match, headers first. A regular expression must match the whole value. */
export function conditionsOf(match: RouteMatch): readonly Condition[] {
  const headers = (match.headers ?? []).map((field): Condition => {
    const accepts = acceptance(field)
    const name = field.name.toLowerCase()
    return { part: 'header', field, holds: (request) => accepts(request.header?.(name)) }
  })
  const query = (match.query ?? []).map((field): Condition => {
    const accepts = acceptance(field)
    return { part: 'query', field, holds: (request) => accepts(queryValue(request.query, field.name)) }
  })
  return [...headers, ...query]
}

/**
 * First value of a query parameter, decoded as a form is; undefined where it is absent. The first counts alone, so
 * that two routes with different values of one parameter never both match.
 */
export function queryValue(query: string | undefined, name: string): string | undefined {
  if (query === undefined || query === '') return undefined
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=')
    const written = equals < 0 ? pair : pair.slice(0, equals)
    if (formDecoded(written) === name) return equals < 0 ? '' : formDecoded(pair.slice(equals + 1))
  }
  return undefined
}

/** A regular expression in linear time that must match the whole of a text. */
export function fullRegex(source: string, fold = false): (text: string) => boolean {
  const regex = RE2JS.compile(source, fold ? RE2JS.CASE_INSENSITIVE : 0)
  return (text) => regex.testExact(text)
}

function acceptance(field: FieldMatch): (value: string | undefined) => boolean {
  if (field.kind === 'exact') return (value) => value === field.value
  if (field.kind === 'present') return (value) => (value !== undefined) === field.value
  const matches = fullRegex(field.value)
  return (value) => value !== undefined && matches(value)
}

function formDecoded(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    // Queries pass byte-exact, bad encodings too (H8); such a value is compared as it stands.
    return spaced
  }
}
