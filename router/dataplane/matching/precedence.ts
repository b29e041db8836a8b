import { compareTemplates, foldTemplate, parseTemplate, type Template } from '../../kernel/template.ts'
import type { PlanRule } from '../../model/plan.ts'
import type { RouteMatch } from '../../model/spec.ts'

/** A match with what decides its precedence read once. */
export type RankedMatch = {
  /** Exact name, `*.suffix`, or undefined: any. Lower case. */
  readonly host: string | undefined
  readonly path: Template | RegexPath
  readonly methods: readonly string[] | undefined
  readonly headers: number
  readonly query: number
}

export type RegexPath = { readonly regex: string }

/** Reads a match; `fold`: case of paths does not count. A match without a path is one of every path. */
export function rankMatch(match: RouteMatch, fold: boolean): RankedMatch | { readonly error: string } {
  const template = match.pathRegex === undefined ? parseTemplate(match.path ?? '/**') : undefined
  if (template !== undefined && 'error' in template) return template
  return {
    host: match.host?.toLowerCase(),
    path: template === undefined ? { regex: match.pathRegex ?? '' } : fold ? foldTemplate(template) : template,
    methods: match.methods,
    headers: match.headers?.length ?? 0,
    query: match.query?.length ?? 0,
  }
}

/**
 * The documented precedence, best first: host exact, longer wildcard, shorter, none; then the path, a regular
 * expression after every template; then methods given; then more header matches; then more query matches.
 * 0: equal rank, which two routes that share a request must not have.
 */
export function compareMatches(a: RankedMatch, b: RankedMatch): number {
  return compareHosts(a.host, b.host) || comparePaths(a.path, b.path) || compareDetails(a, b)
}

/** Exact before longer wildcard before shorter before none. */
export function compareHosts(a: string | undefined, b: string | undefined): number {
  return hostRank(a) - hostRank(b) || wildcardLength(b) - wildcardLength(a) || compareTexts(a ?? '', b ?? '')
}

/** Templates by their own precedence, then regular expressions, longest first. */
export function comparePaths(a: Template | RegexPath, b: Template | RegexPath): number {
  if ('regex' in a) return 'regex' in b ? b.regex.length - a.regex.length || compareTexts(a.regex, b.regex) : 1
  return 'regex' in b ? -1 : compareTemplates(a, b)
}

/** What decides between rules of one host and path. */
export function compareDetails(a: RankedMatch, b: RankedMatch): number {
  const methods = Number(a.methods === undefined) - Number(b.methods === undefined)
  return methods || b.headers - a.headers || b.query - a.query
}

/** Decides between rules of equal rank, so that a plan means the same in every process: origin, then id. */
export function compareOrigins(a: PlanRule, b: PlanRule): number {
  return ORIGINS.indexOf(a.origin) - ORIGINS.indexOf(b.origin) || compareTexts(a.id, b.id)
}

/** Whether a host pattern matches a host name in lower case, without port. */
export function hostMatches(pattern: string | undefined, host: string): boolean {
  if (pattern === undefined || pattern === host) return true
  return pattern.startsWith('*.') && host.length >= pattern.length && host.endsWith(pattern.slice(1))
}

const ORIGINS: readonly PlanRule['origin'][] = ['route', 'shift', 'ingress', 'kept', 'operation', 'default']

function hostRank(host: string | undefined): number {
  return host === undefined ? 2 : host.startsWith('*.') ? 1 : 0
}

function wildcardLength(host: string | undefined): number {
  return host?.startsWith('*.') ? host.length : 0
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
