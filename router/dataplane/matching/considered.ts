import type { ConditionRequest } from './conditions.ts'
import { type Entry, failedCondition, type MethodQuestion, methodHolds } from './leaf.ts'

/** A rule that was looked at. The first without `lost` took the request. */
export type Considered = {
  readonly index: number
  /** Why it did not take the request; `precedence`: it would have, but a better one did. */
  readonly lost?: 'precedence' | 'host' | 'path' | 'method' | 'header' | 'query'
  /** The condition or pattern that failed, in words. */
  readonly detail?: string
}

/** Whether a rule whose host and path match takes the request, and if not, why. */
export function judge(entry: Entry, question: MethodQuestion, request: ConditionRequest): Considered {
  if (!methodHolds(entry, question)) return { index: entry.index, lost: 'method', detail: methodWords(entry) }
  const failed = failedCondition(entry, request)
  if (failed === undefined) return { index: entry.index }
  const { kind, name, value } = failed.field
  const wanted =
    kind === 'present' ? (value ? '' : ' to be absent') : kind === 'exact' ? `: ${value}` : ` to match ${value}`
  return { index: entry.index, lost: failed.part, detail: `needs ${failed.part} ${name}${wanted}` }
}

/** One line a rule: the first that takes the request stays; later ones that would have are outranked. */
export function settle(considered: readonly Considered[]): readonly Considered[] {
  const byRule = new Map<number, Considered>()
  let chosen = false
  for (const rule of considered) {
    const before = byRule.get(rule.index)
    // OPTIONS is asked twice, and only the second time do rules count that do not name it.
    if (before !== undefined && before.lost !== 'method') continue
    byRule.delete(rule.index)
    if (rule.lost !== undefined || !chosen) byRule.set(rule.index, rule)
    else byRule.set(rule.index, { index: rule.index, lost: 'precedence' })
    chosen ||= rule.lost === undefined
  }
  return [...byRule.values()]
}

function methodWords(entry: Entry): string {
  const { methods } = entry.ranked
  return methods === undefined ? 'does not name OPTIONS' : `is for ${methods.join(', ')}`
}
