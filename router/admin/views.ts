import type { Attempt, Observation, Sighting } from '../model/catalogue.ts'
import type { LedgerEntry, ShiftRecord } from '../model/shift.ts'
import type { Tier } from '../model/spec.ts'
import { describe } from '../shift/stages.ts'
import { adviceFor } from './advice.ts'
import type { Control, EndpointState, Traffic } from './control.ts'
import { deciderOf } from './decide.ts'
import { type OperationView, viewOperations } from './operations.ts'

/** One entry of `GET /api/upstreams`. */
export type UpstreamView = {
  readonly name: string
  readonly tier: Tier
  /** Kind of the source that found it: `static` is the YAML. */
  readonly source: string
  /** Where the source found it, in words; null: where the YAML says. */
  readonly found: string | null
  /** What the source tried last and how old its word is; null: there is nobody to ask. */
  readonly sighting: SightingView | null
  readonly endpoints: readonly string[]
  /** How they are; `draining` ones are no longer configured and finish their requests. */
  readonly health: readonly EndpointState[]
  /** Why it cannot serve; null: nothing is known against it. */
  readonly failure: string | null
  /** Why a newer version of it does not serve; null: the newest does, or nothing serves. */
  readonly refused: string | null
  /** What runs there: a function's bundle hash; null where unknown. */
  readonly revision: string | null
  /** How many operations it implements. */
  readonly operations: number
  readonly detection: readonly {
    readonly detector: string
    readonly state: Observation['state']
    readonly operations: number
    readonly at: number
    readonly next_at: number | null
    readonly attempts: readonly Attempt[]
  }[]
  /** What to do about it, one sentence each; empty: all is well. */
  readonly advice: readonly string[]
}

export type SightingView = Omit<Sighting, 'at' | 'nextAt'> & {
  readonly at: number | null
  readonly next_at: number | null
}

/** One source that has somebody to ask as a whole, such as an engine. */
export type SourceView = { readonly source: string; readonly sighting: SightingView }

/** One entry of `GET /api/shifts`: the record, and what its arms have answered. */
export type ShiftView = Omit<ShiftRecord, 'inYaml' | 'salt'> & {
  readonly in_yaml: boolean
  /** In words: `canary at 25 %`. */
  readonly standing: string
  readonly requests: readonly { readonly upstream: string; readonly count: number; readonly errors: number }[]
}

/** The catalogue as people read it. */
export function viewListOfOperations(control: Control): readonly OperationView[] {
  const plan = control.published()?.plan
  const tiers = tiersOf(control)
  return viewOperations({
    catalogue: control.catalogue(),
    shifts: control.shifts.records(),
    tierOf: (upstream) => tiers.get(upstream),
    decide: plan === undefined ? () => undefined : deciderOf(plan),
    requests: requestsByRule(control.traffic()),
  })
}

/** Every upstream that exists, with what discovery tried. */
export function viewUpstreams(control: Control): readonly UpstreamView[] {
  const implemented = new Map<string, number>()
  for (const { implementations } of control.catalogue().operations) {
    for (const { upstream, evidence } of implementations) {
      if (evidence.length > 0) implemented.set(upstream, (implemented.get(upstream) ?? 0) + 1)
    }
  }
  const states = control.endpointStates()
  const observed = Map.groupBy(control.observations(), ({ upstream }) => upstream)
  return control
    .sources()
    .flatMap(({ source, upstreams }) => upstreams.map((upstream) => ({ source, upstream })))
    .map(({ source, upstream }) => ({
      name: upstream.name,
      tier: upstream.tier,
      source,
      found: upstream.found ?? null,
      sighting: upstream.sighting === undefined ? null : viewSighting(upstream.sighting),
      endpoints: upstream.endpoints.map(({ host, port, path }) => `${host}:${port}${path}`),
      health: states[upstream.name] ?? [],
      failure: upstream.failure ?? null,
      refused: upstream.refused ?? null,
      revision: upstream.revision ?? null,
      operations: implemented.get(upstream.name) ?? 0,
      detection: (observed.get(upstream.name) ?? []).map(({ detector, state, operations, at, nextAt, attempts }) => {
        return { detector, state, operations: operations.length, at, next_at: nextAt ?? null, attempts }
      }),
      advice: adviceFor(source, upstream, observed.get(upstream.name) ?? []),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Every source that has somebody to ask as a whole. */
export function viewSources(control: Control): readonly SourceView[] {
  return control
    .sources()
    .flatMap(({ source, sighting }) => (sighting === undefined ? [] : [{ source, sighting: viewSighting(sighting) }]))
}

function viewSighting({ state, attempts, at, nextAt }: Sighting): SightingView {
  return { state, attempts, at: at ?? null, next_at: nextAt ?? null }
}

/** A shift as people read it: without its salt, which says nothing to them. */
export function viewShift(record: ShiftRecord, control: Control): ShiftView {
  const { inYaml, salt: _, ...shown } = record
  const rules = control.published()?.plan.rules ?? []
  const own = new Set(
    rules.filter(({ action }) => action.kind === 'shift' && action.shift === record.id).map(({ id }) => id),
  )
  const requests = control.traffic().requests.filter((count) => own.has(count.rule))
  return {
    ...shown,
    in_yaml: inYaml || control.spec().routes.some((route) => route.id === record.id),
    standing: describe(record),
    requests: [record.incumbent, record.candidate].map((upstream) => {
      const arm = requests.filter((count) => count.upstream === upstream)
      const errors = arm.filter(({ outcome }) => outcome === '5xx' || outcome.startsWith('error:'))
      return { upstream, count: sum(arm), errors: sum(errors) }
    }),
  }
}

/** A ledger entry as people read it: without the salts, as `viewShift` shows a record. */
export function viewEntry(entry: LedgerEntry) {
  return { ...entry, before: withoutSalt(entry.before), after: withoutSalt(entry.after) }
}

/** Requests by rule, over all upstreams and outcomes. */
function requestsByRule(traffic: Traffic): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { rule, count } of traffic.requests) counts.set(rule, (counts.get(rule) ?? 0) + count)
  return counts
}

/** Tier of every upstream that exists. */
function tiersOf(control: Control): ReadonlyMap<string, Tier> {
  return new Map(control.sources().flatMap((source) => source.upstreams.map(({ name, tier }) => [name, tier])))
}

function withoutSalt(record: ShiftRecord | null) {
  if (record === null) return null
  const { salt: _, ...shown } = record
  return shown
}

function sum(counts: readonly { readonly count: number }[]): number {
  return counts.reduce((total, { count }) => total + count, 0)
}
