import { compareMatches, compareOrigins, rankMatch } from '../dataplane/matching/precedence.ts'
import type { Catalogue, SourceObservation } from '../model/catalogue.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Plan, PlanRule } from '../model/plan.ts'
import type { ShiftRecord } from '../model/shift.ts'
import type { Spec } from '../model/spec.ts'
import { routeClaims, shiftClaims } from './claims.ts'
import { describeFindings } from './findings.ts'
import { nameOf, operationRules } from './operations.ts'
import { findUnreachable } from './reach.ts'
import { sightedClaims } from './sighted.ts'
import { findTies, withoutSuperseded } from './ties.ts'
import { planUpstreams, type Upstreams } from './upstreams.ts'

/** What was decided, and what is wrong with it. An error refuses the file as a whole; the plan is there all the same. */
export type Compiled = { readonly plan: Plan; readonly diagnostics: readonly Diagnostic[] }

/** What the world looks like, as far as the plan depends on it. */
export type World = { readonly catalogue: Catalogue; readonly sources: readonly SourceObservation[] }

/**
 * Decides which upstream serves which requests: pure and total. The same spec, world and shifts give the same plan,
 * whatever order they are written in.
 *
 *   upstreams → claims (routes, what sources found, shifts) → operations across upstreams → default → sorted rules
 */
export function compile(spec: Spec, world: World, shifts: readonly ShiftRecord[]): Compiled {
  const fold = spec.paths === 'insensitive'
  const upstreams = planUpstreams(spec, world.sources)
  const sighted = world.sources.flatMap(({ routes = [] }) => routes)
  const routes = routeClaims(spec, shifts, upstreams)
  const found = sightedClaims(sighted, routes.claims, { spec, upstreams })
  const asked = [...routes.claims, ...found.claims]
  const moved = shiftClaims(spec, shifts, upstreams, asked)
  const { claims, diagnostics: superseded } = withoutSuperseded([...asked, ...moved.claims])
  const operations = operationRules(world.catalogue, claims, upstreams, fold)
  const fallback = defaultRule(spec, upstreams)
  const rules = [...claims.map(({ rule }) => rule), ...operations.rules, ...fallback.rules]
  return {
    plan: { format: 1, settings: settingsOf(spec), upstreams: upstreams.planned, rules: bestFirst(rules, fold) },
    diagnostics: inFileOrder([
      ...routes.diagnostics,
      ...found.diagnostics,
      ...moved.diagnostics,
      ...findTies(claims),
      ...superseded,
      ...findUnreachable(claims),
      ...describeFindings(operations.findings, world.catalogue),
      ...brokenOwners(world.catalogue, upstreams),
      ...fallback.diagnostics,
      ...sameUpstreams(spec),
      ...world.sources.flatMap(({ problems = [] }) => problems),
    ]),
  }
}

function settingsOf(spec: Spec): Plan['settings'] {
  return {
    paths: spec.paths,
    trustedProxies: spec.trustedProxies,
    overrides: spec.overrides.from,
    lameDuckMs: spec.lameDuckMs,
    graceMs: spec.graceMs,
    debug: spec.debug,
  }
}

/** Without a default upstream there is no rule, and what nobody claims is answered with 404. */
function defaultRule(
  spec: Spec,
  upstreams: Upstreams,
): { readonly rules: readonly PlanRule[]; readonly diagnostics: readonly Diagnostic[] } {
  const upstream = spec.defaultUpstream
  if (upstream === undefined) return { rules: [], diagnostics: [] }
  const gone = upstreams.unavailable(upstream)
  const rule = { id: 'default', origin: 'default', match: { path: '/**' }, timeouts: {} } as const
  if (gone === undefined) {
    const because = `nobody else claims it, and the YAML says default: ${upstream}`
    return { rules: [{ ...rule, action: { kind: 'forward', upstream }, because }], diagnostics: [] }
  }
  const because = `nobody else claims it, and default: ${upstream} is set aside: ${gone.reason}`
  const message = `${gone.reason}; what nobody else claims is answered with 503 until it does`
  return {
    rules: [{ ...rule, action: { kind: 'unavailable', reason: gone.reason }, because }],
    diagnostics: [{ severity: 'warning', code: gone.code, message, path: 'default' }],
  }
}

function bestFirst(rules: readonly PlanRule[], fold: boolean): readonly PlanRule[] {
  const ranked = rules.flatMap((rule) => {
    const rank = rankMatch(rule.match, fold)
    return 'error' in rank ? [] : [{ rule, rank, last: Number(rule.origin === 'default') }]
  })
  ranked.sort((a, b) => a.last - b.last || compareMatches(a.rank, b.rank) || compareOrigins(a.rule, b.rule))
  return ranked.map(({ rule }) => rule)
}

/** One warning for each owner of operations that cannot serve them. */
function brokenOwners(catalogue: Catalogue, upstreams: Upstreams): readonly Diagnostic[] {
  const owned = catalogue.operations.filter(({ owner }) => owner !== undefined)
  return [...Map.groupBy(owned, ({ owner }) => owner ?? '')].flatMap(([owner, operations]): readonly Diagnostic[] => {
    const gone = upstreams.unavailable(owner)
    if (gone === undefined) return []
    const names = operations.map(nameOf).join(', ')
    const message = `${gone.reason}; where no route names them, its operations answer 503 until it does: ${names}`
    return [{ severity: 'warning', code: gone.code, message }]
  })
}

function sameUpstreams(spec: Spec): readonly Diagnostic[] {
  return spec.routes.flatMap((route, index): readonly Diagnostic[] => {
    if (route.from !== route.to) return []
    const message = `from and to are both "${route.to}"`
    const hint = 'a shift moves a route from one upstream to another'
    return [
      {
        severity: 'error',
        code: 'same-upstream',
        message,
        hint,
        at: route.positions.to ?? route.at,
        path: `routes[${index}].to`,
      },
    ]
  })
}

/** By line and column; what has no place in the file comes last. */
function inFileOrder(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const line = ({ at }: Diagnostic): number => at?.line ?? Number.POSITIVE_INFINITY
  return diagnostics.toSorted((a, b) =>
    line(a) === line(b) ? (a.at?.column ?? 0) - (b.at?.column ?? 0) : line(a) - line(b),
  )
}
