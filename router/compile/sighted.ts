import { compareMatches, type RankedMatch, rankMatch } from '../dataplane/matching/precedence.ts'
import { inOrder } from '../dataplane/policies/known.ts'
import { templatesOverlap } from '../kernel/template.ts'
import type { SightedRoute } from '../model/catalogue.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { PlanAction } from '../model/plan.ts'
import type { Spec } from '../model/spec.ts'
import { type Claim, placeOf } from './claims.ts'
import { canBothHold } from './overlap.ts'
import { areTied, comparableKey } from './ties.ts'
import type { Upstreams } from './upstreams.ts'

/**
 * Routes that sources found, as claims. None of them takes a request from a route of the YAML unsaid: one for just what
 * a route matches is dropped, one that is more specific takes what is its own, with a warning that names both.
 */
export function sightedClaims(
  routes: readonly SightedRoute[],
  written: readonly Claim[],
  { spec, upstreams }: { readonly spec: Spec; readonly upstreams: Upstreams },
): { readonly claims: readonly Claim[]; readonly diagnostics: readonly Diagnostic[] } {
  const claims: Claim[] = []
  const diagnostics: Diagnostic[] = []
  const taken = Map.groupBy(written, comparableKey)
  for (const route of routes) {
    const ranked = rankMatch(route.match, spec.paths === 'insensitive')
    if ('error' in ranked) continue
    if (route.fallback && spec.defaultUpstream !== undefined) {
      diagnostics.push(superseded(route.found, `default: ${spec.defaultUpstream} of the YAML`))
      continue
    }
    const claim = claimOf(route, ranked, upstreams)
    const same = taken.get(comparableKey(claim)) ?? []
    const first = same.find((other) => areTied(other, claim))
    if (first !== undefined) {
      diagnostics.push(superseded(route.found, nameOf(first)))
      continue
    }
    if (claim.rule.action.kind === 'unavailable') diagnostics.push(setAside(route, claim.rule.action.reason))
    diagnostics.push(...goesBefore(claim, written))
    taken.set(comparableKey(claim), [...same, claim])
    claims.push(claim)
  }
  return { claims, diagnostics }
}

function claimOf(route: SightedRoute, ranked: RankedMatch, upstreams: Upstreams): Claim {
  const reason = route.failure ?? upstreams.unavailable(route.to)?.reason
  const action: PlanAction =
    reason === undefined ? { kind: 'forward', upstream: route.to } : { kind: 'unavailable', reason }
  const because = reason === undefined ? `says: ${route.to}` : `is set aside: ${reason}`
  return {
    rule: {
      id: `ingress:${route.id}`,
      origin: 'ingress',
      match: route.match,
      action,
      timeouts: {},
      ...(route.policies.length === 0 ? {} : { policies: inOrder(route.policies) }),
      because: `${route.found} ${because}`,
    },
    ranked,
    template: 'regex' in ranked.path ? undefined : ranked.path,
    to: route.to,
    capture: false,
    subject: route.found,
    route: undefined,
  }
}

/** `route "GET /vets" (routes[2], line 20)`, or where a source found it. */
function nameOf({ subject, route }: Claim): string {
  return route === undefined ? subject : `${subject} (routes[${route.index}], line ${route.spec.at.line})`
}

function superseded(found: string, by: string): Diagnostic {
  const message = `${found} matches what ${by} matches: it has no effect`
  return { severity: 'warning', code: 'ingress-superseded', message, hint: 'remove one of the two' }
}

function setAside({ found }: SightedRoute, reason: string): Diagnostic {
  const message = `${found}: ${reason}; its requests are answered with 503`
  return { severity: 'warning', code: 'ingress-set-aside', message }
}

/** A warning at each route of the YAML that loses requests to it. */
function goesBefore(claim: Claim, written: readonly Claim[]): readonly Diagnostic[] {
  return written.flatMap((other): readonly Diagnostic[] => {
    if (other.route === undefined || !sharesRequests(claim, other)) return []
    if (compareMatches(claim.ranked, other.ranked) >= 0) return []
    const message = `${claim.subject} is more specific than ${other.subject} and takes its requests to ${claim.to}`
    const hint = 'nothing to do if that is right; else write a route for them, or remove the rule of the Ingress'
    const place = placeOf(other.route.spec, other.route.index, 'path')
    return [{ severity: 'warning', code: 'ingress-before-route', message, hint, ...place }]
  })
}

/** Whether some request satisfies both, as far as can be told: of regular expressions it is not. */
function sharesRequests(a: Claim, b: Claim): boolean {
  if (!canBothHold(a.rule.match, b.rule.match)) return false
  return a.template === undefined || b.template === undefined || templatesOverlap(a.template, b.template)
}
