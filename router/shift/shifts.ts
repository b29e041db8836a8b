import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Weight } from '../model/plan.ts'
import type { LedgerEntry, ShiftRecord } from '../model/shift.ts'
import type { RouteSpec } from '../model/spec.ts'
import type { Store } from '../model/store.ts'
import type { Movement } from './movement.ts'
import {
  alreadyStarted,
  conflict,
  lostMessage,
  notByUndo,
  type Outcome,
  refused,
  strandedMessage,
  unknownShift,
  unrecordedMessage,
} from './outcome.ts'
import { type Change, type Reconciled, reconcile, takenBack, weightsOf } from './reconcile.ts'
import { abort, begin, describe, type Move, percent, promote, retry } from './stages.ts'

/**
 * The shifts in force. Raising a weight: written down, then applied. Lowering one: applied (every data-plane
 * process has acknowledged), then written down, so that taking traffic back never waits for a disk.
 */
export type Shifts = {
  records(): readonly ShiftRecord[]
  find(id: string): ShiftRecord | undefined
  weights(): Readonly<Record<string, Weight>>
  /** What the store lost or could not keep, in words. */
  notices(): readonly string[]
  /** Shifts that the routes have left behind: they move no traffic, and that must not be silent. */
  diagnostics(): readonly Diagnostic[]
  /** Takes in a new list of routes; ended shifts are written down. Call before compiling; publishes nothing. */
  accept(routes: readonly RouteSpec[]): void
  start(movement: Movement, who: string): Promise<Outcome>
  promote(id: string, weight: number | undefined, who: string): Promise<Outcome>
  abort(id: string, who: string): Promise<Outcome>
  retry(id: string, who: string): Promise<Outcome>
  undo(who: string): Promise<Outcome>
  ledger(id?: string): readonly LedgerEntry[]
}

export type ShiftsOptions = {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** 32 hex digits from a cryptographic source. */
  readonly salt: () => string
  /** Compiles and publishes with `weights()` as they are now; resolves when every process obeys. */
  readonly publish: () => Promise<void>
  /** Records that the last-known copy on disk holds although the store has none: served, moves up blocked. */
  readonly lost?: readonly ShiftRecord[]
  /** Weights last known, by shift: what was taken back there stays so, although the store has no word of it. */
  readonly lastKnown?: Readonly<Record<string, Weight>>
  /** A shift was ended by the YAML: the operation belongs to `upstream` from now on. */
  readonly onFinished?: (record: ShiftRecord, upstream: string) => void
  /** `notices()` may say something else now. */
  readonly noticesChanged?: () => void
}

export function createShifts(options: ShiftsOptions): Shifts {
  const { store, clock, log } = options
  const lost = new Map((options.lost ?? []).map((record) => [record.id, record]))
  /** Applied and not yet written down: what a shift is, or null where it is gone. */
  const ahead = new Map<string, ShiftRecord | null>()
  /** Of those, what the store could not keep; tried again until it can. */
  const unrecorded = new Map<string, { readonly change: Change; readonly reason: string }>()
  /** Entries that are being undone and whose undoing is not written down yet. */
  const undoing = new Set<number>()
  let routes: readonly RouteSpec[] = []
  let reconciled: Reconciled = { finished: [], stranded: new Set(), diagnostics: [] }
  let queue: Promise<unknown> = Promise.resolve()
  for (const change of takenBack(store.shifts(), options.lastKnown ?? {}, clock.now())) {
    ahead.set(change.shift, change.after)
    unrecorded.set(change.shift, { change, reason: 'the router ended before it was' })
  }

  const records = (): readonly ShiftRecord[] => {
    const known = new Map([...lost.values(), ...store.shifts()].map((record) => [record.id, record]))
    for (const [id, record] of ahead) {
      if (record === null) known.delete(id)
      else known.set(id, record)
    }
    return [...known.values()]
  }
  const find = (id: string) => records().find((record) => record.id === id)

  /** One action at a time, in the order they were asked for. */
  function inTurn<T>(action: () => Promise<T>): Promise<T> {
    const turn = queue.then(action, action)
    queue = turn.catch(() => undefined)
    return turn
  }

  function write(change: Change): Outcome | undefined {
    const { shift, action, who } = change
    const expected = lost.has(shift) ? 0 : (change.before?.version ?? 0)
    const result = store.change(expected, { ...change, at: clock.now() })
    if (result.kind === 'conflict') return conflict(shift, result.current)
    lost.delete(shift)
    reconciled = reconcile(routes, records())
    log.info(`shift "${shift}": ${action}`, { shift, who, seq: result.entry.seq, weight: change.after?.weight ?? 0 })
    return undefined
  }

  /** Persist, then apply. */
  async function raise(change: Change, message: string): Promise<Outcome> {
    if (lost.size > 0) return refused(lostMessage([...lost.keys()], store))
    recordAgain()
    const waits = unrecorded.get(change.shift)
    if (waits !== undefined) return refused(unrecordedMessage(waits.change, waits.reason))
    try {
      const trouble = write(change)
      if (trouble !== undefined) return trouble
    } catch (error) {
      return refused(`shift "${change.shift}" stays as it is: ${messageOf(error)}`)
    }
    await options.publish()
    return { kind: 'done', message, shift: change.after ?? undefined }
  }

  /** Apply, then persist. What cannot be written stays in force, and the answer says so. */
  async function lower(change: Change, message: string): Promise<Outcome> {
    ahead.set(change.shift, change.after)
    unrecorded.delete(change.shift)
    await options.publish()
    return inTurn(async () => record(change, message))
  }

  /** Writes down what is in force already. */
  function record(change: Change, message: string): Outcome {
    try {
      const before = store.shifts().find(({ id }) => id === change.shift) ?? change.before
      const after = change.after && { ...change.after, version: (before?.version ?? 0) + 1 }
      const wasLost = lost.has(change.shift)
      const trouble = write({ ...change, before, after })
      if (trouble !== undefined) return trouble
      // Another one may have overtaken this one meanwhile, and is not written down yet.
      if (ahead.get(change.shift) === change.after) ahead.delete(change.shift)
      if (wasLost) options.noticesChanged?.()
      return { kind: 'done', message, shift: after ?? undefined }
    } catch (error) {
      const reason = messageOf(error)
      log.error(`shift "${change.shift}": ${change.action} is in force but could not be recorded`, { reason })
      if (ahead.get(change.shift) === change.after) keepTrying(change, reason)
      return {
        kind: 'done',
        message: `${message}; in force, but not recorded: ${reason}`,
        shift: change.after ?? undefined,
      }
    }
  }

  function keepTrying(change: Change, reason: string): void {
    unrecorded.set(change.shift, { change, reason })
    // The first that waits has set the clock for all.
    if (unrecorded.size === 1) clock.after(RETRY_MS, () => void inTurn(async () => recordAgain()))
    options.noticesChanged?.()
  }

  function recordAgain(): void {
    if (unrecorded.size === 0) return
    const waiting = [...unrecorded.values()]
    unrecorded.clear()
    for (const { change } of waiting) record(change, '')
    if (unrecorded.size === 0) options.noticesChanged?.()
  }

  function moveUp(id: string, action: 'promote' | 'retry', who: string, to: (record: ShiftRecord) => Move) {
    return inTurn(async (): Promise<Outcome> => {
      const record = find(id)
      if (record === undefined) return unknownShift(id, records())
      if (reconciled.stranded.has(id)) return refused(strandedMessage(record))
      const move = to(record)
      if (move.kind !== 'moved') return move.kind === 'refused' ? move : { ...move, shift: record }
      const { after } = move
      return raise(
        { who, shift: id, action, before: record, after, undoes: undefined, note: undefined },
        `shift "${id}" is ${describe(after)}: ${after.candidate} gets ${percent(after.weight)}`,
      )
    })
  }

  return {
    records,
    find,
    weights: () => weightsOf(records(), reconciled.stranded),
    notices: () => [
      ...(lost.size > 0 ? [lostMessage([...lost.keys()], store)] : []),
      ...[...unrecorded.values()].map(({ change, reason }) => unrecordedMessage(change, reason)),
    ],
    diagnostics: () => reconciled.diagnostics,
    ledger: (id) => store.ledger(id),

    accept(next) {
      routes = next
      recordAgain()
      reconciled = reconcile(routes, records())
      const { finished } = reconciled
      for (const { record, note, to } of finished) {
        if (lost.has(record.id) || ahead.has(record.id)) continue
        try {
          write({
            who: 'system',
            shift: record.id,
            action: 'remove',
            before: record,
            after: null,
            undoes: undefined,
            note,
          })
          options.onFinished?.(record, to)
        } catch (error) {
          log.warn(`shift "${record.id}" has ended, but that could not be recorded`, { reason: messageOf(error) })
        }
      }
    },

    start: (movement, who) =>
      inTurn(async () => {
        const existing = find(movement.id)
        if (existing !== undefined) return alreadyStarted(existing)
        const after = begin(movement, options.salt(), clock.now())
        return raise(
          { who, shift: after.id, action: 'start', before: null, after, undoes: undefined, note: undefined },
          `shift "${after.id}" has started: ${after.candidate} gets ${percent(after.weight)}, ${after.incumbent} the rest`,
        )
      }),

    promote: (id, weight, who) => moveUp(id, 'promote', who, (record) => promote(record, weight, clock.now())),
    retry: (id, who) => moveUp(id, 'retry', who, (record) => retry(record, clock.now())),

    // Not in turn: taking traffic back overtakes whatever waits.
    async abort(id, who) {
      const record = find(id)
      if (record === undefined) {
        return { kind: 'unchanged', message: `no shift "${id}" is in progress, nothing to abort`, shift: undefined }
      }
      const move = abort(record, clock.now())
      // Where somebody else's abort is on its way: this one too is over only when every process obeys.
      if (move.kind === 'unchanged' && ahead.has(id)) await options.publish()
      if (move.kind !== 'moved') return move.kind === 'refused' ? move : { ...move, shift: record }
      return lower(
        { who, shift: id, action: 'abort', before: record, after: move.after, undoes: undefined, note: undefined },
        `shift "${id}" is rolled back: ${record.incumbent} serves 100 %`,
      )
    },

    async undo(who) {
      const waiting = [...unrecorded.values()].map(({ change }) => change.undoes)
      const entry = newestNotUndone(store.ledger(), new Set([...undoing, ...waiting]))
      if (entry === undefined) return refused('nothing to undo: the ledger has no entry that was not undone already')
      if (entry.action === 'remove') return refused(notByUndo(entry))
      undoing.add(entry.seq)
      try {
        return await takeBack(entry, who)
      } finally {
        undoing.delete(entry.seq)
      }
    },
  }

  function takeBack(entry: LedgerEntry, who: string): Promise<Outcome> {
    const now = find(entry.shift)
    const after = entry.before && { ...entry.before, version: (now?.version ?? 0) + 1, changedAt: clock.now() }
    const before = now ?? null
    const change: Change = {
      who,
      shift: entry.shift,
      action: 'undo',
      before,
      after,
      undoes: entry.seq,
      note: undefined,
    }
    const message = `entry ${entry.seq} (${entry.action} of "${entry.shift}") is undone: the shift is ${
      after ? describe(after) : 'as if never started'
    }`
    const falls = (after?.weight ?? 0) <= (now?.weight ?? 0)
    return falls ? lower(change, message) : inTurn(() => raise(change, message))
  }
}

const RETRY_MS = 10_000

function newestNotUndone(
  ledger: readonly LedgerEntry[],
  undoing: ReadonlySet<number | undefined>,
): LedgerEntry | undefined {
  const undone = new Set([...ledger.map((entry) => entry.undoes), ...undoing])
  return ledger.findLast((entry) => entry.action !== 'undo' && !undone.has(entry.seq))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
