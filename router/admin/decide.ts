import { createMatcher } from '../dataplane/match.ts'
import type { Plan } from '../model/plan.ts'
import type { Decision } from './operations.ts'

/**
 * Who decides on an operation under a plan: the data plane's own match, asked with a path that the template matches
 * and that no literal or partial segment does. Conditions on host, headers and query count as not met.
 */
export type Decider = (method: string, template: string) => Decision | undefined

/** The decider of a plan, built once: a matcher for ten thousand rules is not free. */
export function deciderOf(plan: Plan): Decider {
  const decide = deciders.get(plan) ?? createDecider(plan)
  deciders.set(plan, decide)
  return decide
}

const deciders = new WeakMap<Plan, Decider>()

function createDecider(plan: Plan): Decider {
  const matcher = createMatcher(plan.rules, { paths: plan.settings.paths })
  return (method, template) => {
    const index = matcher.match({ host: '', method, key: samplePath(template, plan.settings.paths === 'insensitive') })
    const rule = index === undefined ? undefined : plan.rules[index]
    if (rule === undefined) return undefined
    const { action } = rule
    if (action.kind === 'forward') return { rule: rule.id, upstream: action.upstream, shift: undefined }
    if (action.kind === 'shift') return { rule: rule.id, upstream: action.incumbent, shift: action.shift }
    return { rule: rule.id, upstream: undefined, shift: undefined }
  }
}

/** `/owners/{ownerId}/pets/**` → `/owners/~0/pets/~0`. */
function samplePath(template: string, fold: boolean): string {
  const path = template.replace(/\*\*|\*|\{[^}]*\}/g, '~0')
  return fold ? path.toLowerCase() : path
}
