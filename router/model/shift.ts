import type { RouteMatch } from './spec.ts'

/** Where a shift stands. Weight is 0 in `waiting` and `rolled-back`, 1 in `live`. */
export type Stage = 'waiting' | 'canary' | 'live' | 'rolled-back'

/** One shift as the state store keeps it: how far, never what was written. */
export type ShiftRecord = {
  /** The route's id. */
  readonly id: string
  /** Match of the route it moves, as it was when the shift was created. */
  readonly match: RouteMatch
  readonly incumbent: string
  readonly candidate: string
  /** True where a route in the YAML asks for it; false for one made by `shift start --to`. */
  readonly inYaml: boolean
  readonly steps: readonly number[]
  readonly stage: Stage
  /** Fraction of keys that go to the candidate. */
  readonly weight: number
  /** Hex, 16 random bytes; decides together with the key who goes where. Belongs to the record. */
  readonly salt: string
  /** Rises by one with every change: compare-and-set. */
  readonly version: number
  readonly createdAt: number
  readonly changedAt: number
}

/** One change of state. `before` null: created; `after` null: removed (an undone creation). */
export type LedgerEntry = {
  /** Gap-free, from 1. */
  readonly seq: number
  readonly at: number
  /** Token name, `local` for loopback without tokens, or `system`. */
  readonly who: string
  readonly shift: string
  readonly action: 'create' | 'start' | 'promote' | 'abort' | 'retry' | 'undo' | 'remove'
  readonly before: ShiftRecord | null
  readonly after: ShiftRecord | null
  /** `seq` of the entry this one takes back. */
  readonly undoes: number | undefined
  readonly note: string | undefined
}
