import { operationKey } from '../../kernel/template.ts'
import type { ObservedOperation, Operation, Seen } from '../../model/catalogue.ts'
import { createFolder } from '../folding/fold.ts'
import { addSeen } from '../folding/node.ts'
import { type Answered, countedPath, createLooks, operationMethod } from './evidence.ts'
import { knownOperations } from './known.ts'

/** A request of a recording. */
export type LearnedRequest = Answered & {
  readonly at: number | undefined
  readonly allow: readonly string[] | undefined
}

/**
 * Learns operations from recorded traffic, which passes twice: `look` at all of it first, so that answers which many
 * paths share are known, then `take` it again. Memory is bounded.
 */
export type Learner = {
  look(request: LearnedRequest): void
  take(request: LearnedRequest): void
  result(): Learnt
}

export type Learnt = {
  /** Sorted by path and method, each with the requests that it is known by. */
  readonly operations: readonly (ObservedOperation & { readonly seen: Seen })[]
  /** Requests that were evidence of these. */
  readonly evidence: number
  /** Requests that say nothing about what is implemented: 404, other errors, answers like many others. */
  readonly nothing: number
  /** Paths that were asked for too rarely to say whether they are operations or values of one. */
  readonly rare: number
  /** Requests for which there was no room. */
  readonly crowded: number
}

export type LearnerOptions = {
  /** Taken as they are: nothing is folded that belongs to one of them. */
  readonly known: readonly Operation[]
  /** Stands for times that a recording does not give. */
  readonly now: number
  /** Requests that an operation needs, unless it is known already. */
  readonly least: number
}

/** A learner that has seen nothing. */
export function createLearner({ known, now, least }: LearnerOptions): Learner {
  const looks = createLooks()
  const folder = createFolder()
  const find = knownOperations(known)
  const counted = new Map<string, ObservedOperation & { readonly seen: Seen }>()
  let evidence = 0
  let nothing = 0
  let crowded = 0

  function count(method: string, path: string, seen: Seen): void {
    const operation = find(method, path)
    if (operation === undefined) {
      if (!folder.add(method, path, seen)) crowded++
      return
    }
    const before = counted.get(operation.key)?.seen
    const { template } = operation
    counted.set(operation.key, { method, template, seen: before === undefined ? seen : addSeen(before, seen) })
  }

  function take(request: LearnedRequest): void {
    const path = countedPath(request.path)
    const method = operationMethod(request.method)
    if (path === undefined || method === undefined) return
    const at = request.at ?? now
    const seen = { count: 1, first: at, last: at, statuses: { [request.status]: 1 } }
    if (looks.isEvidence({ ...request, path })) {
      evidence++
      count(method, path, seen)
      if (evidence % SETTLE_EVERY === 0) folder.settle()
      return
    }
    nothing++
    if (request.status !== 405) return
    for (const allowed of allowedMethods(request.allow)) count(allowed, path, { ...seen, count: 0, statuses: {} })
  }

  return {
    look(request) {
      const path = countedPath(request.path)
      if (path !== undefined && operationMethod(request.method) !== undefined) looks.add({ ...request, path })
    },
    take,
    result() {
      folder.settle()
      const all = folder.operations(0)
      // What an Allow field named was not asked for, and is certain.
      const folded = all.filter(({ count }) => count === 0 || count >= least)
      const found = folded.map(({ method, template, ...seen }) => ({ method, template, seen }))
      return {
        operations: [...counted.values(), ...found].sort(byKey),
        evidence,
        nothing,
        crowded,
        rare: all.length - folded.length,
      }
    },
  }
}

const SETTLE_EVERY = 5_000

/** What a 405 says is implemented, as far as these are operations. */
export function allowedMethods(allow: readonly string[] | undefined): readonly string[] {
  const methods = (allow ?? []).flatMap((method) => operationMethod(method.trim().toUpperCase()) ?? [])
  return [...new Set(methods)].filter((method) => /^[A-Z]{3,20}$/.test(method))
}

function byKey(a: ObservedOperation, b: ObservedOperation): number {
  const [left, right] = [a, b].map(({ method, template }) =>
    operationKey(method, template).split(' ').reverse().join(' '),
  )
  return (left ?? '') < (right ?? '') ? -1 : 1
}
