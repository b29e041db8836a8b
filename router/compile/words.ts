import { type RankedMatch, rankMatch } from '../dataplane/matching/precedence.ts'
import { compareSegments, type Template } from '../kernel/template.ts'
import type { PlanAction, PlanRule } from '../model/plan.ts'
import type { FieldMatch, RouteMatch } from '../model/spec.ts'

/** A match as people read it: `GET api.clinic.test/v2/** [x-beta: 1, ?format: json]`. */
export function matchWords({ host = '', path, pathRegex, methods, headers = [], query = [] }: RouteMatch): string {
  const place = host + (pathRegex === undefined ? (path ?? '/**') : `~${pathRegex}`)
  const fields = [...headers.map(fieldWords), ...query.map((field) => `?${fieldWords(field)}`)]
  const conditions = fields.length === 0 ? '' : ` [${fields.join(', ')}]`
  return `${methods === undefined ? '' : `${methods.join(',')} `}${place}${conditions}`
}

/** An action as people read it: `clinic`, `clinic → vets`, `answers 301`, `503`. */
export function actionWords(action: PlanAction): string {
  if (action.kind === 'forward') return action.upstream
  if (action.kind === 'answer') return `answers ${action.status}`
  return action.kind === 'shift' ? `${action.incumbent} → ${action.candidate}` : '503'
}

/** Why one rule was asked before another, both of which would take the request. */
export function precedenceWords(winner: PlanRule, loser: PlanRule, fold: boolean): string {
  if (loser.origin === 'default') return 'the default comes last'
  const a = rankMatch(winner.match, fold)
  const b = rankMatch(loser.match, fold)
  if ('error' in a || 'error' in b) return ''
  return hostWords(a, b) ?? pathWords(a, b) ?? detailWords(a, b) ?? `${winner.origin} comes before ${loser.origin}`
}

function fieldWords(field: FieldMatch): string {
  if (field.kind === 'present') return `${field.value ? '' : 'no '}${field.name}`
  return field.kind === 'exact' ? `${field.name}: ${field.value}` : `${field.name} ~ ${field.value}`
}

function hostWords(a: RankedMatch, b: RankedMatch): string | undefined {
  if (a.host === b.host) return undefined
  const first = a.host?.startsWith('*.') ? `host ${a.host}` : `exact host ${a.host}`
  return `${first} comes before ${b.host === undefined ? 'any host' : `host ${b.host}`}`
}

function pathWords({ path: a }: RankedMatch, { path: b }: RankedMatch): string | undefined {
  if ('regex' in b) {
    if (!('regex' in a)) return 'templates come before regular expressions'
    if (a.regex === b.regex) return undefined
    return a.regex.length > b.regex.length ? 'the longer expression comes first' : 'the alphabet decides'
  }
  if ('regex' in a || a.key === b.key) return undefined
  const index = a.segments.findIndex((segment, at) => compareSegments(segment, b.segments[at]) !== 0)
  const at = index < 0 ? a.segments.length : index
  if (compareSegments(a.segments[at], b.segments[at]) === 0) return 'a trailing slash comes before none'
  return `segment ${at + 1}: ${segmentWords(a, at)} comes before ${segmentWords(b, at)}`
}

function segmentWords(template: Template, at: number): string {
  const kind = template.segments[at]?.kind
  if (kind === undefined) return 'the end of the path'
  const written = template.text.split('/')[at + 1] ?? ''
  return kind === 'literal' ? `"${written}"` : written
}

function detailWords(a: RankedMatch, b: RankedMatch): string | undefined {
  if (a.methods !== undefined && b.methods === undefined) return 'methods given come before none'
  if (a.headers > b.headers) return `${a.headers} header matches come before ${b.headers}`
  if (a.headers === b.headers && a.query > b.query) return `${a.query} query matches come before ${b.query}`
  return a.methods === b.methods ? undefined : 'it names the method itself'
}
