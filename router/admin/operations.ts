import type { Catalogue, Confidence } from '../model/catalogue.ts'
import type { ShiftRecord } from '../model/shift.ts'
import type { Tier } from '../model/spec.ts'
import { describe } from '../shift/stages.ts'

/** One line of `banyan operations`, and one entry of `GET /api/operations`. */
export type OperationView = {
  readonly method: string
  readonly path: string
  /** Who serves it when no route names it; null: nobody implements it. */
  readonly owner: string | null
  /** Who answers it now, whatever rule decides; null: nobody. For a shift in progress, the incumbent. */
  readonly served_by: string | null
  readonly tier: Tier | null
  /** Id of the rule that decides. */
  readonly rule: string | null
  readonly implementers: readonly { readonly upstream: string; readonly evidence: readonly EvidenceView[] }[]
  readonly shift: {
    readonly id: string
    readonly candidate: string
    readonly stage: string
    readonly weight: number
  } | null
  readonly requests: number
  /** What else there is to say: `requested, 404 from clinic`. */
  readonly note: string | null
}

type EvidenceView = {
  readonly detector: string
  readonly confidence: Confidence
  readonly source: string
  /** What else it said: `SOAP GetVets, AddVet`; null: nothing. */
  readonly detail: string | null
}

/** Who decides on an operation now: the rule, and the upstream that answers. */
export type Decision = {
  readonly rule: string
  readonly upstream: string | undefined
  readonly shift: string | undefined
}

export type OperationsWorld = {
  readonly catalogue: Catalogue
  readonly shifts: readonly ShiftRecord[]
  readonly tierOf: (upstream: string) => Tier | undefined
  readonly decide: (method: string, template: string) => Decision | undefined
  /** Requests by rule id. */
  readonly requests: ReadonlyMap<string, number>
}

/** Every operation known, and every path that was asked for although nobody implements it, by path and method. */
export function viewOperations(world: OperationsWorld): readonly OperationView[] {
  const known = world.catalogue.operations.map((operation) => {
    const decision = world.decide(operation.method, operation.template)
    const shift = world.shifts.find((record) => record.id === decision?.shift)
    return {
      method: operation.method,
      path: operation.template,
      owner: operation.owner ?? null,
      served_by: servedBy(decision, shift) ?? null,
      tier: tierOf(world, servedBy(decision, shift)),
      rule: decision?.rule ?? null,
      implementers: operation.implementations.map(({ upstream, evidence }) => ({
        upstream,
        evidence: evidence.map(({ detector, confidence, source, detail = null }) => ({
          detector,
          confidence,
          source,
          detail,
        })),
      })),
      shift: shift ? { id: shift.id, candidate: shift.candidate, stage: describe(shift), weight: shift.weight } : null,
      requests: world.requests.get(decision?.rule ?? '') ?? 0,
      note: null,
    }
  })
  const unclaimed = world.catalogue.unclaimed.map((entry) => ({
    method: entry.method,
    path: entry.path,
    owner: null,
    served_by: entry.upstream,
    tier: tierOf(world, entry.upstream),
    rule: 'default',
    implementers: [],
    shift: null,
    requests: entry.count,
    note: `requested, ${entry.status} from ${entry.upstream}`,
  }))
  return [...known, ...unclaimed].sort(byPathThenMethod)
}

/** A live shift is the candidate's; one in progress still the incumbent's, with the shift shown beside. */
function servedBy(decision: Decision | undefined, shift: ShiftRecord | undefined): string | undefined {
  return shift?.stage === 'live' ? shift.candidate : decision?.upstream
}

function tierOf(world: OperationsWorld, upstream: string | undefined): Tier | null {
  return (upstream === undefined ? undefined : world.tierOf(upstream)) ?? null
}

function byPathThenMethod(a: OperationView, b: OperationView): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : a.method < b.method ? -1 : a.method > b.method ? 1 : 0
}
