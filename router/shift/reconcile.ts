import { own } from '../kernel/own.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Plan, Weight } from '../model/plan.ts'
import type { LedgerEntry, ShiftRecord } from '../model/shift.ts'
import type { RouteSpec } from '../model/spec.ts'
import type { Store } from '../model/store.ts'
import { DEFAULT_STEPS } from './movement.ts'
import { abort, describe, inProgress, percent } from './stages.ts'

/** What the YAML means for the shifts that are on record. */
export type Reconciled = {
  /** Records whose end the YAML now states (`to` alone), each with the reason for the ledger. */
  readonly finished: readonly { readonly record: ShiftRecord; readonly note: string; readonly to: string }[]
  /** Records that no route in the YAML stands for any more: they move no traffic, and that is said. */
  readonly stranded: ReadonlySet<string>
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * Holds the records against the routes. A route that now says `to` alone ends its shift; one that disappeared,
 * or that names other upstreams than the shift began with, strands it: the YAML is obeyed, never silently.
 */
export function reconcile(routes: readonly RouteSpec[], records: readonly ShiftRecord[]): Reconciled {
  const finished: { record: ShiftRecord; note: string; to: string }[] = []
  const stranded = new Set<string>()
  const diagnostics: Diagnostic[] = []
  const byId = new Map(routes.map((route) => [route.id, route]))
  for (const record of records) {
    const route = byId.get(record.id)
    // One made by `shift start --to` needs no route; it is held against the YAML once a route takes its id.
    if (!record.inYaml && route === undefined) continue
    if (route !== undefined && route.shift === undefined) {
      const says = route.to === '' ? 'that the router answers it' : `to: ${route.to} alone`
      finished.push({ record, to: route.to, note: `the YAML says ${says}` })
    } else if (route === undefined || route.from !== record.incumbent || route.to !== record.candidate) {
      stranded.add(record.id)
      if (inProgress(record)) diagnostics.push(strandedDiagnostic(record, route))
    }
  }
  return { finished, stranded, diagnostics }
}

/** Weights for the data plane: one for each record in force; a stranded one is left out, so its incumbent serves. */
export function weightsOf(records: readonly ShiftRecord[], stranded: ReadonlySet<string>): Record<string, Weight> {
  const weights: Record<string, Weight> = {}
  for (const record of records) {
    if (stranded.has(record.id)) continue
    const active = inProgress(record)
    weights[record.id] = { weight: active ? record.weight : 0, salt: record.salt, active }
  }
  return weights
}

/**
 * Records that a store has lost: it remembers nothing at all, although the last-known copy on disk has weights. They
 * are rebuilt from that copy and go on being served, under the same salts, so nobody changes sides. Their steps are those
 * of the routes.
 */
export function lostRecords(
  store: Store,
  plan: Plan | undefined,
  weights: Readonly<Record<string, Weight>>,
  routes: readonly RouteSpec[],
  now: number,
): readonly ShiftRecord[] {
  if (store.shifts().length > 0 || store.ledger().length > 0) return []
  const records: ShiftRecord[] = []
  for (const rule of plan?.rules ?? []) {
    if (rule.action.kind !== 'shift') continue
    const weight = own(weights, rule.action.shift)
    const { shift } = rule.action
    if (weight === undefined || records.some((record) => record.id === shift)) continue
    records.push({
      id: rule.action.shift,
      match: rule.match,
      incumbent: rule.action.incumbent,
      candidate: rule.action.candidate,
      inYaml: rule.origin !== 'shift',
      steps: routes.find(({ id }) => id === shift)?.shift?.steps ?? DEFAULT_STEPS,
      stage: !weight.active ? 'rolled-back' : weight.weight >= 1 ? 'live' : 'canary',
      weight: weight.weight,
      salt: weight.salt,
      version: 0,
      createdAt: now,
      changedAt: now,
    })
  }
  return records
}

/** A ledger entry before the store numbers and dates it. */
export type Change = Omit<LedgerEntry, 'seq' | 'at'>

/** Aborts of shifts that, when the router ended, no data-plane process served any more: only the record is missing. */
export function takenBack(
  records: readonly ShiftRecord[],
  lastKnown: Readonly<Record<string, Weight>>,
  now: number,
): readonly Change[] {
  return records.flatMap((before): readonly Change[] => {
    const last = lastKnown[before.id]
    if (!inProgress(before) || last === undefined || last.active || last.salt !== before.salt) return []
    const move = abort(before, now)
    if (move.kind !== 'moved') return []
    const note = 'in force when the router ended, recorded at its next start'
    return [{ who: 'system', shift: before.id, action: 'abort', before, after: move.after, undoes: undefined, note }]
  })
}

function strandedDiagnostic(record: ShiftRecord, route: RouteSpec | undefined): Diagnostic {
  const was = `shift "${record.id}" is ${describe(record)}, from ${record.incumbent} to ${record.candidate}`
  const back = `${percent(1 - record.weight)} → 100 %`
  return route === undefined
    ? {
        severity: 'warning',
        code: 'shift-without-route',
        message: `${was}, but no route has that id any more: it moves no traffic`,
        hint: `restore the route or give it id: ${JSON.stringify(record.id)}; or end it: banyan shift abort "${record.id}"`,
      }
    : {
        severity: 'warning',
        code: 'shift-changed-upstreams',
        message: `${was}, but the route now says from: ${route.from} to: ${route.to}: ${route.from} serves it (${back})`,
        hint: `abort the old shift, then start the new one: banyan shift abort "${record.id}"`,
        at: route.at,
      }
}
