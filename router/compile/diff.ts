import { stableHash } from '../kernel/hash.ts'
import type { Plan, PlanRule } from '../model/plan.ts'

/** One line of `banyan plan`. */
export type PlanChange = {
  readonly change: 'added' | 'removed' | 'changed'
  readonly subject: 'rule' | 'upstream' | 'settings'
  readonly name: string
  /** What it was and what it becomes, in words: `clinic → vets`. */
  readonly detail: string
}

/** What differs between the plan that runs and one that would: by rule, upstream and setting, sorted by name. */
export function diffPlans(before: Plan | undefined, after: Plan): readonly PlanChange[] {
  const changes = [
    ...compare('rule', byName(before?.rules ?? [], 'id'), byName(after.rules, 'id'), describeRule),
    ...compare('upstream', byName(before?.upstreams ?? [], 'name'), byName(after.upstreams, 'name'), (upstream) =>
      upstream.endpoints.map((e) => (e.kind === 'address' ? `${e.host}:${e.port}${e.path}` : e.symbol)).join(', '),
    ),
  ]
  if (before !== undefined && stableHash(before.settings) !== stableHash(after.settings)) {
    changes.push({ change: 'changed', subject: 'settings', name: 'settings', detail: settingsDetail(before, after) })
  }
  return changes
}

function compare<T>(
  subject: 'rule' | 'upstream',
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
  describe: (value: T) => string,
): PlanChange[] {
  const changes: PlanChange[] = []
  for (const name of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const was = before.get(name)
    const becomes = after.get(name)
    if (was === undefined && becomes !== undefined) {
      changes.push({ change: 'added', subject, name, detail: describe(becomes) })
    } else if (was !== undefined && becomes === undefined) {
      changes.push({ change: 'removed', subject, name, detail: describe(was) })
    } else if (
      was !== undefined &&
      becomes !== undefined &&
      stableHash(unplaced(was)) !== stableHash(unplaced(becomes))
    ) {
      const [from, to] = [describe(was), describe(becomes)]
      changes.push({ change: 'changed', subject, name, detail: from === to ? 'options differ' : `${from} → ${to}` })
    }
  }
  return changes
}

/** A rule that only moved to another line, or is only explained in other words, has not changed. */
function unplaced(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'at' && key !== 'because'))
}

function describeRule({ action }: PlanRule): string {
  if (action.kind === 'forward') return action.upstream
  if (action.kind === 'shift') return `${action.incumbent} ⇢ ${action.candidate} (shift)`
  return action.kind === 'answer' ? `answers ${action.status}` : `unavailable: ${action.reason}`
}

function settingsDetail(before: Plan, after: Plan): string {
  const is = new Map(Object.entries(after.settings))
  const changed = Object.entries(before.settings).filter(
    ([key, value]) => stableHash(value) !== stableHash(is.get(key)),
  )
  return changed.map(([key, value]) => `${key}: ${JSON.stringify(value)} → ${JSON.stringify(is.get(key))}`).join(', ')
}

function byName<K extends string, T extends Readonly<Record<K, string>>>(values: readonly T[], key: K): Map<string, T> {
  return new Map(values.map((value) => [value[key], value]))
}
