import type { YAMLException } from 'js-yaml'

/** Maps and lists may nest so deep. */
export const MAX_DEPTH = 64

/** Something wrong with the text itself; offsets count UTF-16 units from 0. */
export type YamlProblem = {
  readonly code: string
  readonly offset: number
  readonly message: string
  readonly hint?: string
}

/** What the parser refused, in words that say what to do; positions are those of the text. */
export function syntaxProblem(error: YAMLException, text: string): YamlProblem {
  const offset = Math.min(error.mark?.position ?? 0, text.length)
  const lineEnd = text.indexOf('\n', offset)
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, lineEnd < 0 ? text.length : lineEnd)
  if (error.reason.startsWith('nesting exceeded')) {
    return { code: 'nesting', offset, message: `nests deeper than ${MAX_DEPTH} levels` }
  }
  const problem = { code: 'yaml-syntax', offset, message: `not valid YAML: ${error.reason}` }
  if (/[{[].*\$\{/.test(line)) return { ...problem, hint: `inside { } and [ ] write "\${NAME}" in quotes` }
  if (/[{[].*\/[^\s"',]*\{\w/.test(line))
    return { ...problem, hint: 'inside { } and [ ] write "/path/{name}" in quotes' }
  const hint = SYNTAX_HINTS.find(([reason]) => error.reason.startsWith(reason))?.[1]
  if (hint !== undefined) return { ...problem, hint }
  return problem
}

const SYNTAX_HINTS: readonly (readonly [reason: string, hint: string])[] = [
  ['tab ', 'indent with spaces'],
  ['deficient indentation', 'a [ or { above is not closed, or its lines are not indented below its key'],
  ['missed comma', 'a comma is missing, or a [ or { above is not closed'],
  ['bad indentation', 'line the keys of one map up; quote values that hold ": " or begin with a sign such as @ or %'],
  ['end of the stream', 'line the keys of one map up: this line belongs to nothing above it'],
]
