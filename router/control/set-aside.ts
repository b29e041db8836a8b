import { basename } from 'node:path'
import type { SourceObservation } from '../model/catalogue.ts'
import type { Plan, PlanRule } from '../model/plan.ts'

/**
 * Why rules are answered with 503, one sentence for each reason with the rules it concerns. Rules for functions are
 * left out until the functions folder has been read: at a start they are on their way.
 */
export function setAside({ rules }: Plan, sources: readonly SourceObservation[]): readonly string[] {
  const functionsKnown = sources.some(({ source }) => source === 'functions')
  const reasons = new Map<string, string[]>()
  for (const rule of rules) {
    if (rule.action.kind !== 'unavailable') continue
    const { reason } = rule.action
    if (!functionsKnown && reason.startsWith('functions/')) continue
    const concerned = reasons.get(reason)
    if (concerned === undefined) reasons.set(reason, [nameOf(rule)])
    else concerned.push(nameOf(rule))
  }
  return [...reasons].map(([reason, names]) => {
    const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''
    return `${reason}; answered with 503: ${names.slice(0, SHOWN).join(', ')}${more}`
  })
}

const SHOWN = 5

function nameOf({ id, at }: PlanRule): string {
  return at === undefined ? id : `${id} (${basename(at.file)}:${at.line}:${at.column})`
}
