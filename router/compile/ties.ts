import { compareHosts, compareMatches } from '../dataplane/matching/precedence.ts'
import { compareSegments, type Segment, segmentKey, type Template, templatesOverlap } from '../kernel/template.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import { type Claim, placeOf } from './claims.ts'
import { canBothHold } from './overlap.ts'

/**
 * Errors for routes of equal rank that some request satisfies both: nothing but their order in the file could
 * decide, and that never matters. Shifts that are not in the YAML give way to routes instead.
 */
export function findTies(claims: readonly Claim[]): readonly Diagnostic[] {
  const groups = Map.groupBy(claims, comparableKey)
  const diagnostics: Diagnostic[] = []
  for (const group of groups.values()) {
    for (const [index, later] of group.entries()) {
      const earlier = group.slice(0, index).find((other) => other.route !== undefined && areTied(other, later))
      if (earlier?.route !== undefined && later.route !== undefined) {
        diagnostics.push(tie({ ...earlier, route: earlier.route }, { ...later, route: later.route }))
      }
    }
  }
  return diagnostics
}

/**
 * Claims without the shifts whose place a route has taken since, and a warning for each of those. A shift that is not in
 * the YAML names its method, which no rule of an Ingress does: of these two the shift is more specific, never tied.
 */
export function withoutSuperseded(claims: readonly Claim[]): {
  readonly claims: readonly Claim[]
  readonly diagnostics: readonly Diagnostic[]
} {
  const diagnostics: Diagnostic[] = []
  const groups = Map.groupBy(claims, comparableKey)
  const inForce = claims.filter((claim) => {
    if (claim.rule.origin !== 'shift') return true
    const route = groups.get(comparableKey(claim))?.find((other) => other.route !== undefined && areTied(other, claim))
    if (route === undefined) return true
    diagnostics.push({
      severity: 'warning',
      code: 'shift-superseded',
      message: `${claim.subject} matches what ${route.subject} matches: the route decides`,
      hint: 'end the shift with banyan shift abort, or remove the route',
    })
    return false
  })
  return { claims: inForce, diagnostics }
}

/** Claims whose keys differ are never tied; the other way round is for `areTied` to say. */
export function comparableKey({ ranked }: Claim): string {
  const { host = '', path } = ranked
  if ('regex' in path) return `${host} ~${path.regex}`
  const keys: string[] = []
  for (const segment of path.segments) {
    keys.push(segment.kind === 'partial' ? partialRank(segment.pieces) : segmentKey(segment))
    // Behind two partial segments of equal rank nothing decides any more.
    if (segment.kind === 'partial') return `${host} ${keys.join('/')}`
  }
  return `${host} ${keys.join('/')} ${path.slash}`
}

function partialRank(pieces: readonly string[]): string {
  return `{} ${pieces.join('').length} ${pieces.length}`
}

/** Whether two claims with one key have equal rank and share a request. */
export function areTied(a: Claim, b: Claim): boolean {
  if (compareHosts(a.ranked.host, b.ranked.host) !== 0 || !canBothHold(a.rule.match, b.rule.match)) return false
  const left = a.ranked.path
  const right = b.ranked.path
  const samePath = 'regex' in left || 'regex' in right || pathsTied(left, right)
  if (!samePath) return false
  return compareMatches({ ...a.ranked, path: TOP }, { ...b.ranked, path: TOP }) === 0
}

const TOP = { regex: '' }

/** Whether the first segment in which two templates differ is a pair that only the alphabet decides. */
function pathsTied(a: Template, b: Template): boolean {
  if (!templatesOverlap(a, b)) return false
  for (const [index, left] of a.segments.entries()) {
    const right: Segment | undefined = b.segments[index]
    if (compareSegments(left, right) === 0) continue
    if (left.kind !== 'partial' || right?.kind !== 'partial') return false
    return partialRank(left.pieces) === partialRank(right.pieces)
  }
  return a.segments.length === b.segments.length && a.slash === b.slash
}

type RouteClaim = Claim & { readonly route: NonNullable<Claim['route']> }

function tie(earlier: RouteClaim, later: RouteClaim): Diagnostic {
  const key = later.rule.match.pathRegex === undefined ? 'path' : 'pathRegex'
  const { spec, index } = earlier.route
  const other = `${earlier.subject} (routes[${index}], line ${(spec.positions[key] ?? spec.at).line})`
  const same = sameMatch(earlier, later)
  return {
    severity: 'error',
    code: same ? 'duplicate-route' : 'tied-routes',
    message: same
      ? `${later.subject} matches exactly what ${other} matches`
      : `${later.subject} and ${other} have equal rank, and some request satisfies both`,
    hint: same
      ? 'remove one of them, or give one a host, methods, headers or query that the other has not'
      : 'make one more specific: a literal segment, more literal characters, or one more header or query match',
    ...placeOf(later.route.spec, later.route.index, key),
  }
}

function sameMatch(a: Claim, b: Claim): boolean {
  const conditions = ({ rule: { match } }: Claim) =>
    JSON.stringify([match.methods ?? null, match.headers ?? null, match.query ?? null])
  const path = ({ ranked }: Claim) => ('regex' in ranked.path ? `~${ranked.path.regex}` : ranked.path.key)
  return path(a) === path(b) && conditions(a) === conditions(b)
}
