import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { Compiled, compile } from '../../../router/compile/compile.ts'
import { createMatcher } from '../../../router/dataplane/match.ts'
import type { Diagnostic } from '../../../router/model/diagnostic.ts'
import type { PlanAction, PlanRule } from '../../../router/model/plan.ts'
import { catalogueOf, matchText, shiftsOf, sourcesOf, specOf, type World } from './build.ts'

/** One golden file: a world, what is asked of the plan, and what came out of compile. */
export type Golden = {
  readonly about: string
  readonly input: World
  /** Requests: `GET api.test/owners/new x-beta=1`. */
  readonly asks?: readonly string[]
  readonly expected: Outcome
}

export type Outcome = {
  readonly rules: readonly Record<string, unknown>[]
  readonly diagnostics: readonly string[]
  /** Who answers each request, by the data plane's own matcher, and by which rule. */
  readonly answers: Readonly<Record<string, string>>
}

const FOLDER = join(import.meta.dirname, '../../golden')

/** Names of all golden files. */
export function goldenFiles(): readonly string[] {
  return readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'))
}

/** Where a golden file is. */
export function goldenPath(name: string): string {
  return join(FOLDER, name)
}

export function readGolden(name: string): Golden {
  return parse(readFileSync(goldenPath(name), 'utf8'))
}

/** Compiles a golden file's world and says what came out in the file's own words. */
export function outcomeOf(golden: Golden, compileWorld: typeof compile): Outcome {
  const { input } = golden
  const world = { catalogue: catalogueOf(input), sources: sourcesOf(input) }
  const compiled = compileWorld(specOf(input), world, shiftsOf(input))
  return {
    rules: compiled.plan.rules.map(ruleWords),
    diagnostics: compiled.diagnostics.map(diagnosticWords),
    answers: answersOf(golden.asks ?? [], compiled),
  }
}

function ruleWords({ id, match, action, timeouts, because, policies }: PlanRule): Record<string, unknown> {
  const total = timeouts.total === undefined ? {} : { timeout: timeouts.total }
  const acting = policies?.map(({ kind, options }) => `${kind} ${JSON.stringify(options)}`)
  const policed = acting === undefined ? {} : { policies: acting }
  return { match: matchText(match), does: actionWords(action), id, ...total, ...policed, because }
}

function actionWords(action: PlanAction): string {
  if (action.kind === 'forward') return action.upstream
  if (action.kind === 'answer') return `${action.status}, answered here`
  return action.kind === 'shift' ? `${action.incumbent} => ${action.candidate}` : `503, ${action.reason}`
}

function diagnosticWords({ severity, code, message, hint, at, path }: Diagnostic): string {
  const place = [path, at && `line ${at.line}`].filter((part) => part !== undefined).join(', ')
  return `${severity} ${code} (${place}): ${message}${hint === undefined ? '' : ` | ${hint}`}`
}

function answersOf(asks: readonly string[], { plan }: Compiled): Record<string, string> {
  const matcher = createMatcher(plan.rules, plan.settings)
  return Object.fromEntries(
    asks.map((ask) => {
      const [method = '', target = '', ...fields] = ask.split(' ')
      const [place = '', query] = target.split('?')
      const start = place.indexOf('/')
      const headers = new Map(fields.map((field) => [field.split('=')[0] ?? '', field.split('=')[1] ?? '']))
      const header = (name: string) => headers.get(name)
      const index = matcher.match({ method, host: place.slice(0, start), key: place.slice(start), query, header })
      const rule = index === undefined ? undefined : plan.rules[index]
      return [ask, rule === undefined ? '404' : `${actionWords(rule.action)} by ${rule.id}`]
    }),
  )
}
