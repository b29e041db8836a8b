import { compareMatches, type RankedMatch } from '../dataplane/matching/precedence.ts'
import {
  compareTemplates,
  foldTemplate,
  parseTemplate,
  type Template,
  templateCovers,
  templatesOverlap,
} from '../kernel/template.ts'
import type { Catalogue, CatalogueOperation } from '../model/catalogue.ts'
import type { PlanAction, PlanRule } from '../model/plan.ts'
import type { RouteMatch } from '../model/spec.ts'
import type { Claim } from './claims.ts'
import { canBothHold, conditionsImply, intersectTemplates, isConditional } from './overlap.ts'
import type { Upstreams } from './upstreams.ts'

/**
 * Precedence across upstreams: which operations of the catalogue a claim takes, and which stay with their owner.
 *
 * A claim that names an operation exactly takes it. One that merely covers it takes it where its upstream implements
 * it or nobody does. Where plain precedence would decide otherwise, a rule says so: `kept` for an operation that a
 * claim would win, `route:ID:OPERATION` for one that it would lose.
 */
export function operationRules(
  catalogue: Catalogue,
  claims: readonly Claim[],
  upstreams: Upstreams,
  fold: boolean,
): { readonly rules: readonly PlanRule[]; readonly findings: readonly Finding[] } {
  const sorted = claims.filter((claim) => claim.template !== undefined).toSorted(compareClaims)
  const subjects = subjectsOf(catalogue, fold)
  const owned = subjects.map((subject) => settle(subject, sorted, upstreams))
  const kept = owned.flatMap((each) => each.kept.filter((keep) => !isRefined(keep, subjects)))
  const taken = owned.flatMap((each) => each.taken.filter((take) => take.needed || isBlocked(take, kept)))
  const rules = [...owned.flatMap((each) => each.rules), ...kept, ...taken].map(({ rule }) => rule)
  return { rules, findings: [...owned.flatMap((each) => each.findings), ...kept.map(({ found }) => found)] }
}

/** What became of one operation under one claim, for warnings. */
export type Finding = {
  readonly kind: 'kept' | 'observed' | 'captured' | 'not-implemented'
  readonly claim: Claim
  readonly operation: CatalogueOperation
  /** Who serves it, or would without the claim. */
  readonly owner: string
}

type Ranked = { readonly rule: PlanRule; readonly ranked: RankedMatch; readonly template: Template }
type Take = Ranked & { readonly claim: Claim; readonly needed: boolean }

type Keep = Ranked & { readonly subject: Subject; readonly found: Finding }

type Owned = {
  readonly rules: Ranked[]
  readonly kept: Keep[]
  readonly taken: Take[]
  readonly findings: Finding[]
}

/** How a claim stands to an operation, methods counted. `narrower`: it is about a part of the operation's paths. */
type Relation = 'apart' | 'exact' | 'covers' | 'narrower' | 'overlaps'

type Subject = {
  readonly operation: CatalogueOperation
  readonly owner: string
  readonly template: Template
  readonly fold: boolean
}

function subjectsOf(catalogue: Catalogue, fold: boolean): readonly Subject[] {
  return catalogue.operations.flatMap((operation): readonly Subject[] => {
    const template = parseTemplate(operation.template)
    if (operation.owner === undefined || 'error' in template) return []
    return [{ operation, owner: operation.owner, template: fold ? foldTemplate(template) : template, fold }]
  })
}

function settle(subject: Subject, claims: readonly Claim[], upstreams: Upstreams): Owned {
  const result: Owned = { rules: [], kept: [], taken: [], findings: [] }
  const plain = ownerRule(subject, upstreams)
  const related = claims.filter((claim) => relationOf(claim, subject) !== 'apart')
  const base = settleUnconditional(subject, related, plain, result)
  for (const claim of related) {
    const relation = relationOf(claim, subject)
    if (relation === 'narrower' || claim === base.claim || isSuperseded(claim, subject, related)) continue
    if (relation === 'exact') noteExact(claim, subject, result)
    else if (takes(claim, subject)) takeConditionally(claim, relation, subject, plain, result)
    else keep(claim, relation, subject, plain, base.served, result)
  }
  return result
}

/** Who serves the operation for requests without any condition: the best claim about all of it, else its owner. */
function settleUnconditional(
  subject: Subject,
  related: readonly Claim[],
  plain: Ranked,
  result: Owned,
): { readonly claim: Claim | undefined; readonly served: PlanRule } {
  const isWhole = (claim: Claim): boolean => ['exact', 'covers'].includes(relationOf(claim, subject))
  const claim = related.find((candidate) => !isConditional(candidate.rule.match) && isWhole(candidate))
  if (claim !== undefined && relationOf(claim, subject) === 'exact') {
    noteExact(claim, subject, result)
    return { claim, served: claim.rule }
  }
  if (claim !== undefined && takes(claim, subject)) {
    noteTaken(claim, subject, result)
    result.taken.push(taken(claim, subject, subject.operation.template, !claim.capture))
    return { claim, served: claim.rule }
  }
  if (claim === undefined) {
    result.rules.push(plain)
    return { claim, served: plain.rule }
  }
  result.findings.push(finding('kept', claim, subject))
  const rule = { ...plain.rule, because: keptBecause(claim, subject, subject.owner) }
  result.rules.push({ ...plain, rule })
  return { claim, served: rule }
}

/** A claim with conditions of its own takes the operation where they hold. */
function takeConditionally(claim: Claim, relation: Relation, subject: Subject, plain: Ranked, result: Owned): void {
  // Of an operation that it does not cover, a claim has what precedence gives it.
  if (relation !== 'covers') return
  noteTaken(claim, subject, result)
  const loses = compareMatches(plain.ranked, claim.ranked) < 0
  result.taken.push(taken(claim, subject, subject.operation.template, loses))
}

function keep(
  claim: Claim,
  relation: Relation,
  subject: Subject,
  plain: Ranked,
  served: PlanRule,
  result: Owned,
): void {
  const { operation, template } = subject
  const found = finding('kept', claim, subject)
  if (claim.template === undefined || compareMatches(plain.ranked, claim.ranked) < 0) {
    result.findings.push(found)
    return
  }
  const path = relation === 'covers' ? operation.template : intersectTemplates(claim.template, template)
  if (path === undefined) return
  const who = keeper(served.action) ?? subject.owner
  const because = keptBecause(claim, subject, who)
  const { at: _, ...does } = served
  const rule: PlanRule = {
    ...does,
    id: `kept:${claim.route?.spec.id ?? claim.rule.id}:${operation.key}`,
    origin: 'kept',
    match: matchWithin(claim, subject, path),
    because,
    ...(claim.route === undefined ? {} : { at: claim.route.spec.at }),
  }
  result.kept.push({ ...rankedRule(rule, claim, subject, path), subject, found })
}

function keeper(action: PlanAction): string | undefined {
  if (action.kind === 'answer') return 'the router itself'
  return action.kind === 'forward' ? action.upstream : undefined
}

function keptBecause(claim: Claim, { operation }: Subject, who: string): string {
  return `${claim.subject} covers ${nameOf(operation)}, which ${claim.to} is not known to implement: it stays with ${who}`
}

/** The operation's own rule: no claim names it, its owner serves it. */
function ownerRule(subject: Subject, upstreams: Upstreams): Ranked {
  const { operation, owner, template } = subject
  const gone = upstreams.unavailable(owner)
  const action: PlanAction =
    gone === undefined ? { kind: 'forward', upstream: owner } : { kind: 'unavailable', reason: gone.reason }
  const others = operation.implementations.map(({ upstream }) => upstream).filter((name) => name !== owner)
  const also =
    others.length === 0 ? '' : `; ${others.join(', ')} ${others.length === 1 ? 'implements' : 'implement'} it too`
  const because = `no route names ${nameOf(operation)}: ${owner} owns it${also}`
  const match: RouteMatch = { path: operation.template, methods: [operation.method] }
  const id = `operation:${operation.key}`
  const rule: PlanRule = { id, origin: 'operation', match, action, timeouts: {}, because }
  return { rule, template, ranked: { host: undefined, path: template, methods: match.methods, headers: 0, query: 0 } }
}

function taken(claim: Claim, subject: Subject, path: string, needed: boolean): Take {
  const { operation } = subject
  const why = claim.capture
    ? 'and captures it'
    : implementsIt(claim, subject)
      ? `which ${claim.to} implements`
      : OBSERVED
  const rule: PlanRule = {
    ...claim.rule,
    id: `${claim.rule.id}:${operation.key}`,
    match: matchWithin(claim, subject, path),
    because: `${claim.rule.because}; it covers ${nameOf(operation)}, ${why}`,
  }
  return { ...rankedRule(rule, claim, subject, path), claim, needed }
}

const OBSERVED = 'which no other upstream declares'

/** The operation, under the claim's conditions. */
function matchWithin(claim: Claim, { operation }: Subject, path: string): RouteMatch {
  const { host, headers, query } = claim.rule.match
  return {
    ...(host === undefined ? {} : { host }),
    path,
    methods: [operation.method],
    ...(headers === undefined ? {} : { headers }),
    ...(query === undefined ? {} : { query }),
  }
}

function rankedRule(rule: PlanRule, claim: Claim, { template, fold }: Subject, path: string): Ranked {
  const parsed = path === template.text ? template : parseTemplate(path)
  const own = 'error' in parsed ? template : fold ? foldTemplate(parsed) : parsed
  return { rule, template: own, ranked: { ...claim.ranked, path: own, methods: rule.match.methods } }
}

function relationOf(claim: Claim, { operation, template }: Subject): Relation {
  const { methods } = claim.rule.match
  if (claim.template === undefined || (methods !== undefined && !methods.includes(operation.method))) return 'apart'
  // A route without methods is like a prefix: across methods.
  if (claim.template.key === template.key) return methods === undefined ? 'covers' : 'exact'
  if (!templatesOverlap(claim.template, template)) return 'apart'
  if (templateCovers(claim.template, template)) return 'covers'
  return templateCovers(template, claim.template) ? 'narrower' : 'overlaps'
}

/** Whether a better claim is about all of the operation wherever this one's conditions hold. */
function isSuperseded(claim: Claim, subject: Subject, related: readonly Claim[]): boolean {
  const better = related.slice(0, related.indexOf(claim))
  return better.some((other) => {
    const relation = relationOf(other, subject)
    return (relation === 'exact' || relation === 'covers') && conditionsImply(claim.rule.match, other.rule.match)
  })
}

/** Whether a claim that covers an operation takes it. */
function takes(claim: Claim, subject: Subject): boolean {
  return claim.capture || implementsIt(claim, subject) || strongOthers(claim, subject).length === 0
}

function implementsIt(claim: Claim, { operation, owner }: Subject): boolean {
  return owner === claim.to || operation.implementations.some(({ upstream }) => upstream === claim.to)
}

/** Other implementers by declaration or description; one that is only remembered was one before the restart. */
function strongOthers(claim: Claim, { operation }: Subject): readonly string[] {
  const strong = operation.implementations.filter(
    ({ upstream, evidence }) =>
      upstream !== claim.to && (evidence.length === 0 || evidence.some(({ confidence }) => confidence !== 'observed')),
  )
  return strong.map(({ upstream }) => upstream)
}

function finding(kind: Finding['kind'], claim: Claim, { operation, owner }: Subject): Finding {
  return { kind, claim, operation, owner }
}

function noteExact(claim: Claim, subject: Subject, result: Owned): void {
  if (!implementsIt(claim, subject)) result.findings.push(finding('not-implemented', claim, subject))
}

function noteTaken(claim: Claim, subject: Subject, result: Owned): void {
  if (implementsIt(claim, subject)) return
  if (strongOthers(claim, subject).length > 0) result.findings.push(finding('captured', claim, subject))
  else if (subject.operation.implementations.length > 0) result.findings.push(finding('observed', claim, subject))
}

/** Whether the paths that a rule keeps are those of another, more specific operation, which is settled by itself. */
function isRefined({ template, subject }: Keep, subjects: readonly Subject[]): boolean {
  if (template === subject.template) return false
  return subjects.some(
    (other) =>
      other.operation.method === subject.operation.method &&
      compareTemplates(other.template, subject.template) < 0 &&
      templateCovers(other.template, template),
  )
}

/** Whether a rule that keeps a wider operation would win what a claim takes. */
function isBlocked(take: Take, kept: readonly Ranked[]): boolean {
  return kept.some(
    (other) =>
      canBothHold(take.rule.match, other.rule.match) &&
      compareMatches(other.ranked, take.claim.ranked) < 0 &&
      compareMatches(take.ranked, other.ranked) < 0 &&
      templatesOverlap(take.template, other.template),
  )
}

/** An operation as people read it. */
export function nameOf({ method, template }: Pick<CatalogueOperation, 'method' | 'template'>): string {
  return `${method} ${template}`
}

function compareClaims(a: Claim, b: Claim): number {
  return compareMatches(a.ranked, b.ranked) || (a.rule.id < b.rule.id ? -1 : 1)
}
