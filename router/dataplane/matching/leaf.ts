import type { PlanRule } from '../../model/plan.ts'
import type { Condition, ConditionRequest } from './conditions.ts'
import { compareDetails, compareOrigins, type RankedMatch } from './precedence.ts'

/** A rule where the matcher keeps it. */
export type Entry = {
  readonly index: number
  readonly rule: PlanRule
  readonly ranked: RankedMatch
  readonly methods: ReadonlySet<string> | undefined
  readonly conditions: readonly Condition[]
}

/**
 * Which methods a rule may have for a request. `method` is what is asked, `follows` what else serves it (GET for
 * HEAD), `explicit`: only a rule that names the method counts.
 */
export type MethodQuestion = {
  readonly method: string
  readonly follows: string | undefined
  readonly explicit: boolean
}

/** The rules of one host and path, best first. */
export class Leaf {
  readonly entries: Entry[] = []

  add(entry: Entry): void {
    const after = this.entries.findIndex((other) => compareEntries(entry, other) < 0)
    this.entries.splice(after < 0 ? this.entries.length : after, 0, entry)
  }

  /** Index of the rule that takes the request, or -1. */
  choose(question: MethodQuestion, request: ConditionRequest): number {
    const { entries } = this
    // A rule that names HEAD itself comes before those of GET that HEAD follows.
    if (question.follows !== undefined) {
      for (let at = 0; at < entries.length; at++) {
        const entry = entries[at]
        if (entry?.methods?.has(question.method) && failedCondition(entry, request) === undefined) return entry.index
      }
    }
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at]
      if (entry === undefined || !methodHolds(entry, question)) continue
      if (entry.conditions.length === 0 || failedCondition(entry, request) === undefined) return entry.index
    }
    return -1
  }

  /** Entries in the order in which `choose` would take them. */
  inOrder(question: MethodQuestion): readonly Entry[] {
    if (question.follows === undefined) return this.entries
    const names = (entry: Entry): boolean => entry.methods?.has(question.method) ?? false
    return [...this.entries.filter(names), ...this.entries.filter((entry) => !names(entry))]
  }
}

/** Whether the rule's methods answer the question. */
export function methodHolds(entry: Entry, question: MethodQuestion): boolean {
  const { methods } = entry
  if (methods === undefined) return !question.explicit
  return methods.has(question.method) || (question.follows !== undefined && methods.has(question.follows))
}

/** The first condition that does not hold. */
export function failedCondition(entry: Entry, request: ConditionRequest): Condition | undefined {
  for (let at = 0; at < entry.conditions.length; at++) {
    const condition = entry.conditions[at]
    if (condition !== undefined && !condition.holds(request)) return condition
  }
  return undefined
}

function compareEntries(a: Entry, b: Entry): number {
  return compareDetails(a.ranked, b.ranked) || compareOrigins(a.rule, b.rule)
}
