import { compareMatches, type RankedMatch, rankMatch } from '../dataplane/matching/precedence.ts'
import { inOrder, policyOf } from '../dataplane/policies/known.ts'
import { type Template, templateCovers } from '../kernel/template.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { PlanAction, PlanRule } from '../model/plan.ts'
import type { ShiftRecord } from '../model/shift.ts'
import type { RouteSpec, Spec } from '../model/spec.ts'
import { isConditional } from './overlap.ts'
import type { Upstreams } from './upstreams.ts'

/** What somebody asked for by name: a route of the YAML or of a source, or a shift made without one. It becomes one rule. */
export type Claim = {
  readonly rule: PlanRule
  readonly ranked: RankedMatch
  /** Undefined: a regular expression. */
  readonly template: Template | undefined
  /** Who must implement what a template takes: `to` of a route, the candidate of a shift; empty: it answers itself. */
  readonly to: string
  readonly capture: boolean
  /** In words: `route "GET /vets.html"`. */
  readonly subject: string
  /** The route's place in the YAML; undefined: it is not in the YAML. */
  readonly route: { readonly spec: RouteSpec; readonly index: number } | undefined
}

/** Claims and what is wrong with them in the world as it is. A path that is no template makes no claim. */
export type Made = { readonly claims: readonly Claim[]; readonly diagnostics: readonly Diagnostic[] }

/** Claims of the routes of the YAML. */
export function routeClaims(spec: Spec, shifts: readonly ShiftRecord[], upstreams: Upstreams): Made {
  const claims: Claim[] = []
  const diagnostics: Diagnostic[] = []
  const fold = spec.paths === 'insensitive'
  for (const [index, route] of spec.routes.entries()) {
    const ranked = rankMatch(route.match, fold)
    if ('error' in ranked) {
      const message = `path "${route.match.path}" ${ranked.error}`
      diagnostics.push({ severity: 'error', code: 'bad-path', message, ...placeOf(route, index, 'path') })
      continue
    }
    const live = shifts.some((record) => record.id === route.id && record.stage === 'live')
    const { action, troubles } = routeAction(route, upstreams, live)
    for (const { key, ...trouble } of troubles) diagnostics.push({ ...trouble, ...placeOf(route, index, key) })
    claims.push(routeClaim(route, index, ranked, action))
  }
  return { claims, diagnostics }
}

/** Claims of shifts that are not in the YAML. `routes`: those that they may be taken out of. */
export function shiftClaims(
  spec: Spec,
  shifts: readonly ShiftRecord[],
  upstreams: Upstreams,
  routes: readonly Claim[],
): Made {
  const claims: Claim[] = []
  const diagnostics: Diagnostic[] = []
  for (const record of shifts) {
    const ranked = rankMatch(record.match, spec.paths === 'insensitive')
    if (record.inYaml || 'error' in ranked) continue
    const { action, troubles } = shiftAction(record.id, record.incumbent, record.candidate, upstreams, isLive(record))
    for (const { key: _, ...trouble } of troubles) diagnostics.push(trouble)
    claims.push(shiftClaim(record, ranked, action, routeAround(routes, ranked, record)))
  }
  return { claims, diagnostics }
}

/** Where a key of a route stands, for a diagnostic about it. */
export function placeOf(route: RouteSpec, index: number, key: string): Pick<Diagnostic, 'at' | 'path'> {
  return { at: route.positions[key] ?? route.at, path: `routes[${index}].${key}` }
}

type Trouble = Omit<Diagnostic, 'at' | 'path'> & { readonly key: string }
type Served = { readonly action: PlanAction; readonly troubles: readonly Trouble[] }

function isLive(record: ShiftRecord): boolean {
  return record.stage === 'live'
}

function routeAction(route: RouteSpec, upstreams: Upstreams, live: boolean): Served {
  const status = answerOf(route)
  if (status !== undefined) return { action: { kind: 'answer', status }, troubles: [] }
  if (route.from !== undefined) return shiftAction(route.id, route.from, route.to, upstreams, live)
  const gone = upstreams.unavailable(route.to)
  if (gone === undefined) return { action: { kind: 'forward', upstream: route.to }, troubles: [] }
  const message = `${gone.reason}; the route answers 503 until it does`
  return {
    action: { kind: 'unavailable', reason: gone.reason },
    troubles: [{ severity: 'warning', code: gone.code, message, key: 'to' }],
  }
}

/** Status of the answer that a policy of the route gives to every request. */
function answerOf({ policies = [] }: RouteSpec): number | undefined {
  return policies.map(({ kind, options }) => policyOf(kind)?.answers?.(options)).find((status) => status !== undefined)
}

/** One side that cannot serve leaves the other, but never lets a request go to a side that its stage excludes. */
function shiftAction(shift: string, incumbent: string, candidate: string, upstreams: Upstreams, live: boolean): Served {
  const noCandidate = upstreams.unavailable(candidate)
  const noIncumbent = upstreams.unavailable(incumbent)
  const troubles: Trouble[] = []
  const warn = (code: string, key: string, message: string): void => {
    troubles.push({ severity: 'warning', code, message: `shift "${shift}": ${message}`, key })
  }
  if (noCandidate === undefined && noIncumbent === undefined) {
    return { action: { kind: 'shift', shift, incumbent, candidate }, troubles }
  }
  if (noIncumbent === undefined && noCandidate !== undefined) {
    warn(noCandidate.code, 'to', `${noCandidate.reason}; ${incumbent} serves all of it`)
    return { action: { kind: 'forward', upstream: incumbent }, troubles }
  }
  const reason = noIncumbent?.reason ?? ''
  if (noCandidate === undefined && live) {
    warn(noIncumbent?.code ?? '', 'from', `${reason}; ${candidate} serves all of it, and the way back is closed`)
    return { action: { kind: 'forward', upstream: candidate }, troubles }
  }
  warn(noIncumbent?.code ?? '', 'from', `${reason}; the route answers 503 until it does`)
  return { action: { kind: 'unavailable', reason }, troubles }
}

function routeClaim(route: RouteSpec, index: number, ranked: RankedMatch, action: PlanAction): Claim {
  const subject = `route "${route.id}"`
  const { id, match, timeouts, at, policies, retry } = route
  const rule = {
    id: `route:${id}`,
    origin: 'route',
    match,
    action,
    timeouts,
    because: '',
    at,
    ...(retry === undefined ? {} : { retry }),
  } as const
  const ordered = policies === undefined ? {} : { policies: inOrder(policies) }
  return {
    rule: { ...rule, ...ordered, because: because(subject, action, route.from, route.to) },
    ranked,
    template: 'regex' in ranked.path ? undefined : ranked.path,
    to: route.to,
    // What a route answers itself needs nobody who implements it.
    capture: route.capture || action.kind === 'answer',
    subject,
    route: { spec: route, index },
  }
}

/** The route, of the YAML or of a source, that gives all of a shift's operation to its incumbent, if one does. */
function routeAround(claims: readonly Claim[], ranked: RankedMatch, record: ShiftRecord): PlanRule | undefined {
  const { path, methods } = ranked
  if ('regex' in path) return undefined
  const around = claims.filter(({ rule, template }) => {
    if (template === undefined || isConditional(rule.match)) return false
    const allMethods = rule.match.methods === undefined || methods?.every((one) => rule.match.methods?.includes(one))
    return allMethods && templateCovers(template, path)
  })
  const [best] = around.toSorted((a, b) => compareMatches(a.ranked, b.ranked))
  return best?.to === record.incumbent ? best.rule : undefined
}

/** `around`: the route it is taken out of; what that does to its requests goes on being done. */
function shiftClaim(record: ShiftRecord, ranked: RankedMatch, action: PlanAction, around: PlanRule | undefined): Claim {
  const { at: _, ...does } = around ?? { timeouts: {} }
  const subject = `shift "${record.id}" (not in the YAML)`
  const words = because(subject, action, record.incumbent, record.candidate)
  return {
    rule: { ...does, id: `shift:${record.id}`, origin: 'shift', match: record.match, action, because: words },
    ranked,
    template: 'regex' in ranked.path ? undefined : ranked.path,
    to: record.candidate,
    capture: false,
    subject,
    route: undefined,
  }
}

function because(subject: string, action: PlanAction, from: string | undefined, to: string): string {
  if (action.kind === 'unavailable') return `${subject} is set aside: ${action.reason}`
  if (action.kind === 'answer') return `${subject} answers itself`
  if (action.kind === 'shift') return `${subject} moves it from ${action.incumbent} to ${action.candidate}`
  if (from === undefined) return `${subject} says to: ${to}`
  return `${subject} moves it from ${from} to ${to}, and only ${action.upstream} can serve it now`
}
