import { hostOf } from '../dataplane/http1/authority.ts'
import { type Considered, createMatcher, type MatchRequest } from '../dataplane/match.ts'
import { policyOf } from '../dataplane/policies/known.ts'
import { keepsEncodedSlash } from '../dataplane/refusal.ts'
import { canonicalPath } from '../kernel/canonical.ts'
import { keyFraction } from '../kernel/hash.ts'
import { own } from '../kernel/own.ts'
import type { Position } from '../model/diagnostic.ts'
import type { Live, Plan, PlanRule } from '../model/plan.ts'
import { actionWords, matchWords, precedenceWords } from './words.ts'

/** A request to explain. `url` is a path with query, or absolute; `key` is a visitor's, for shifts in progress. */
export type ExplainRequest = {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [string, string])[]
  readonly key?: string | undefined
}

/** Why a request goes where it goes; plain JSON. */
export type Explanation = {
  /** `path` is forwarded, `key` is matched; both are missing where the path is refused. */
  readonly request: { readonly method: string; readonly host: string; readonly path?: string; readonly key?: string }
  readonly outcome: 'forwarded' | 'unavailable' | 'not-found' | 'refused' | 'answered'
  /** Status of the answer that the router gives itself; missing where it forwards. */
  readonly status?: number
  /** The upstream that answers; undefined: none, or it depends on the visitor's key (`shift`). */
  readonly upstream?: string
  readonly why: string
  readonly rule?: ExplainedRule
  readonly shift?: ExplainedShift
  /** What is done to the request on its way, in order. */
  readonly policies: readonly string[]
  /** Rules that would have taken the request, best first, and why they came later. */
  readonly beat: readonly Runner[]
  /** Rules for such a path that did not match, and why. */
  readonly unmatched: readonly Runner[]
}

export type ExplainedRule = {
  readonly id: string
  readonly origin: PlanRule['origin']
  readonly match: string
  readonly action: string
  readonly because: string
  readonly at?: Position
}

export type Runner = ExplainedRule & { readonly lost: string }

export type ExplainedShift = {
  readonly id: string
  readonly incumbent: string
  readonly candidate: string
  /** Share of keys that go to the candidate. */
  readonly weight: number
  readonly active: boolean
  /** In words: how a key decides. */
  readonly decides: string
  /** Where the given key falls in [0, 1): below the weight is the candidate's. */
  readonly fraction?: number
}

/** Explains a request by the data plane's own match. Builds a matcher: some milliseconds for a large plan. */
export function explain(plan: Plan, live: Live, request: ExplainRequest): Explanation {
  const fold = plan.settings.paths === 'insensitive'
  const asked = readRequest(request)
  const { host, method } = asked
  const own = (outcome: 'refused' | 'answered', status: number, because: string): Explanation => {
    const why = `${because}: answered with ${status}, nothing is sent upstream`
    return { request: { method, host }, outcome, status, why, policies: [], beat: [], unmatched: [] }
  }
  if (NEVER_FORWARDED.has(method)) return own('refused', 405, `${method} is never forwarded`)
  if (method === 'OPTIONS' && asked.path === '*') return own('answered', 204, 'the router itself is asked')
  const canonical = canonicalPath(asked.path, fold)
  if ('error' in canonical) return own('refused', 400, `the path ${canonical.error}`)
  const seen = { method, host, path: canonical.path, key: canonical.key }
  const matchRequest = { ...asked, key: canonical.key }
  const matcher = createMatcher(plan.rules, plan.settings)
  const chosen = matcher.match(matchRequest)
  const winner = chosen === undefined ? undefined : plan.rules[chosen]
  const runners = runnersOf(plan, matcher.trace(matchRequest), winner, fold)
  if (winner === undefined) {
    const why = 'no rule takes it, and there is no default upstream: answered with 404'
    return { request: seen, outcome: 'not-found', status: 404, why, policies: [], ...runners }
  }
  const answer = served(plan, live, winner, request)
  const refused = canonical.encodedSlash === true ? slashRefused(plan, winner, answer) : undefined
  return { request: seen, rule: explainedRule(winner), ...(refused ?? answer), ...runners }
}

/** An explanation for people. */
export function formatExplanation(explanation: Explanation): string {
  const { request, upstream, rule, shift, status, why, policies, beat, unmatched } = explanation
  const target = upstream ?? status ?? `${shift?.incumbent} or ${shift?.candidate}`
  const facts = [
    ['because', why],
    ...(rule === undefined
      ? []
      : [
          ['rule', rule.id],
          ['matches', rule.match],
        ]),
    ...(rule?.at === undefined ? [] : [['written', `${rule.at.file}:${rule.at.line}:${rule.at.column}`]]),
    ...(shift === undefined ? [] : [['shift', shift.decides]]),
    ...(request.path === undefined || request.path === request.key ? [] : [['matched as', request.key ?? '']]),
    ...policies.map((policy, index) => [index === 0 ? 'then' : '', policy]),
  ]
  return [
    `${request.method} ${request.host}${request.path ?? ''}  →  ${target}`,
    ...facts.map(([name = '', value = '']) => `  ${name.padEnd(11)} ${value}`),
    ...section('it beat', beat),
    ...section('these did not match', unmatched),
  ].join('\n')
}

/** CONNECT would make a tunnel, TRACE would show a client what is between it and the server (RFC 9110 §9.3.8). */
const NEVER_FORWARDED: ReadonlySet<string> = new Set(['CONNECT', 'TRACE'])

type Asked = Omit<MatchRequest, 'key'> & { readonly path: string }

function readRequest({ method, url, headers }: ExplainRequest): Asked {
  const [, authority, rest = ''] = /^(?:https?:\/\/([^/?#]*))?([^#]*)/i.exec(url) ?? []
  const mark = rest.indexOf('?')
  // OPTIONS of an authority alone is `OPTIONS *` (RFC 9112 §3.2.4).
  const none = method === 'OPTIONS' && rest === '' ? '*' : '/'
  const path = mark < 0 ? rest : rest.slice(0, mark)
  const header = (name: string): string | undefined => {
    const values = headers.filter(([field]) => field.toLowerCase() === name).map(([, value]) => value)
    return values.length === 0 ? undefined : values.join(', ')
  }
  return {
    method,
    host: hostOf(authority ?? header('host') ?? ''),
    path: path === '' ? none : path,
    query: mark < 0 ? undefined : rest.slice(mark + 1),
    header,
  }
}

function runnersOf(
  plan: Plan,
  considered: readonly Considered[],
  winner: PlanRule | undefined,
  fold: boolean,
): Pick<Explanation, 'beat' | 'unmatched'> {
  const beat: Runner[] = []
  const unmatched: Runner[] = []
  for (const { index, lost, detail = '' } of considered) {
    const rule = plan.rules[index]
    if (rule === undefined || winner === undefined || rule === winner) continue
    if (lost === 'precedence') beat.push({ ...explainedRule(rule), lost: precedenceWords(winner, rule, fold) })
    else unmatched.push({ ...explainedRule(rule), lost: detail })
  }
  return { beat, unmatched }
}

function explainedRule({ id, origin, match, action, because, at }: PlanRule): ExplainedRule {
  const words = { match: matchWords(match), action: actionWords(action) }
  return { id, origin, ...words, because, ...(at === undefined ? {} : { at }) }
}

type Served = Pick<Explanation, 'outcome' | 'why' | 'policies' | 'status'> & {
  upstream?: string
  shift?: ExplainedShift
}

function served(plan: Plan, live: Live, rule: PlanRule, request: ExplainRequest): Served {
  const { action } = rule
  if (action.kind === 'unavailable') {
    return { outcome: 'unavailable', status: 503, why: `${rule.because}: answered with 503`, policies: [] }
  }
  if (action.kind === 'answer') {
    const why = `${rule.because}: answered with ${action.status}, nothing is sent upstream`
    return { outcome: 'answered', status: action.status, why, policies: routePolicies(rule) }
  }
  if (action.kind === 'forward') {
    return forwarded(plan, live, rule, action.upstream)
  }
  const weighed = own(live.weights, action.shift)
  const { weight, salt, active } = weighed ?? { weight: 0, salt: '', active: false }
  const fraction = request.key === undefined ? undefined : keyFraction(salt, request.key)
  const share = active ? weight : 0
  const byKey = fraction === undefined ? undefined : fraction < share ? action.candidate : action.incumbent
  const upstream = share <= 0 ? action.incumbent : share >= 1 ? action.candidate : byKey
  const shift: ExplainedShift = {
    id: action.shift,
    incumbent: action.incumbent,
    candidate: action.candidate,
    weight,
    active,
    decides: `${shiftWords(action, share)}${overrideWords(plan, request)}`,
    ...(fraction === undefined ? {} : { fraction }),
  }
  if (upstream !== undefined) return { ...forwarded(plan, live, rule, upstream), shift }
  return { outcome: 'forwarded', why: rule.because, policies: policiesOf(plan, rule, action.incumbent), shift }
}

/** The refusal of a path with an encoded slash, where nobody it may go to keeps one. */
function slashRefused(plan: Plan, { action, origin }: PlanRule, answer: Served): Served | undefined {
  const arms = action.kind === 'shift' ? [action.incumbent, action.candidate] : []
  const names = action.kind === 'forward' ? [action.upstream] : answer.upstream === undefined ? arms : [answer.upstream]
  const upstreams = plan.upstreams.filter(({ name }) => names.includes(name))
  if (names.length === 0 || upstreams.some((one) => keepsEncodedSlash(one, origin === 'default'))) return undefined
  const why = `the path contains an encoded slash, and ${names.join(' and ')} say encodedSlash: reject: answered with 400`
  return { outcome: 'refused', status: 400, why, policies: [] }
}

function forwarded(plan: Plan, live: Live, rule: PlanRule, upstream: string): Served {
  const endpoints = plan.upstreams.find(({ name }) => name === upstream)?.endpoints ?? []
  const somewhere = endpoints.some((one) => one.kind === 'address' || (live.addresses[one.symbol] ?? []).length > 0)
  if (!somewhere) {
    const why = `${rule.because}; but ${upstream} has no endpoint now: answered with 503`
    return { outcome: 'unavailable', status: 503, why, policies: [] }
  }
  return { outcome: 'forwarded', upstream, why: rule.because, policies: policiesOf(plan, rule, upstream) }
}

function shiftWords(action: { incumbent: string; candidate: string }, share: number): string {
  if (share <= 0) return `not under way: ${action.incumbent} serves all of it`
  if (share >= 1) return `complete: ${action.candidate} serves all of it`
  const percent = `${Math.round(share * 10_000) / 100} %`
  return `${percent} of visitors go to ${action.candidate}: those whose key's hash with the shift's salt is below ${share}`
}

function overrideWords(plan: Plan, { headers }: ExplainRequest): string {
  const arm = headers.find(([name]) => name.toLowerCase() === 'x-banyan-arm')?.[1]
  if (arm === undefined) return ''
  const who = plan.settings.overrides.join(', ')
  return who === ''
    ? '; x-banyan-arm is ignored, as overrides: is empty'
    : `; x-banyan-arm: ${arm} decides if it comes from ${who}`
}

function policiesOf(plan: Plan, rule: PlanRule, name: string): readonly string[] {
  const upstream = plan.upstreams.find((candidate) => candidate.name === name)
  if (upstream === undefined) return []
  const { connect, firstByte, idle, total } = { ...upstream.timeouts, ...rule.timeouts }
  const retry = rule.retry ?? upstream.retry
  const whole = total === undefined ? '' : `, total ${total}`
  const { hostHeader } = upstream
  const host = typeof hostHeader === 'object' ? hostHeader.name : hostHeader
  return [
    ...routePolicies(rule),
    `timeouts in ms: connect ${connect}, first byte ${firstByte}, idle ${idle}${whole}`,
    ...(retry === undefined ? [] : [`tried up to ${retry.attempts} times where that does no harm`]),
    ...(host === 'preserve' ? [] : [`Host: ${host === 'upstream' ? "the upstream's own" : host}`]),
    ...(upstream.rewriteLocation ? ['Location, Content-Location, Refresh and Link are rewritten'] : []),
    ...(upstream.rewriteCookies ? ['Set-Cookie is rewritten'] : []),
  ]
}

/** The policies of the route, in the order in which they act. */
function routePolicies({ policies = [] }: PlanRule): readonly string[] {
  return policies.map(({ kind, options }) => `${kind}: ${policyOf(kind)?.words(options) ?? ''}`)
}

function section(title: string, runners: readonly Runner[]): readonly string[] {
  if (runners.length === 0) return []
  const shown = runners.slice(0, 20)
  const width = Math.max(...shown.map(({ match }) => match.length))
  const lines = shown.map(({ match, action, lost, id }) => `    ${match.padEnd(width)}  ${action}  (${id}): ${lost}`)
  const more = runners.length > shown.length ? [`    and ${runners.length - shown.length} more`] : []
  return [`  ${title}:`, ...lines, ...more]
}
