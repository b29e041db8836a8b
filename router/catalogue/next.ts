import type { Drift } from './drift.ts'
import type { Left, LeftOperation } from './left.ts'

/** An operation that could move now, and why it is easier than others. */
export type NextOperation = {
  readonly key: string
  readonly method: string
  readonly template: string
  readonly upstream: string
  readonly candidate: string
  readonly requests: number
  /** In words, what speaks for it and what to look at first. */
  readonly reason: string
}

const MOST = 3

/**
 * The operations that are the easiest to move from legacy now: another upstream implements them; it is best where the
 * two promise the same, where a request changes nothing, where requests come that show whether it works, and where few
 * would notice if it does not. Pure.
 */
export function nextOperations(left: Left, drift: Drift, moving: ReadonlySet<string>): readonly NextOperation[] {
  const ranked = left.operations
    .filter(({ key }) => !moving.has(key))
    .flatMap((operation) => operation.candidates.map(({ upstream }) => rank(operation, upstream, drift)))
  ranked.sort((a, b) => compareRanks(a.ranks, b.ranks))
  const best = new Map<string, NextOperation>()
  for (const { next } of ranked) if (!best.has(next.key)) best.set(next.key, next)
  return [...best.values()].slice(0, MOST)
}

type Ranked = { readonly ranks: readonly number[]; readonly next: NextOperation }

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

function rank(operation: LeftOperation, candidate: string, drift: Drift): Ranked {
  const { key, method, template, upstream, requests, share } = operation
  const isPair = (pair: Drift['operations'][number] | Drift['uncompared'][number]) =>
    pair.method === method && pair.path === template && pair.candidate === candidate
  const breaking = drift.operations.find(isPair)?.differences.filter(({ breaks }) => breaks).length ?? 0
  const isCompared = !drift.uncompared.some(isPair)
  const promise = breaking > 0 ? 2 : isCompared ? 0 : 1
  const safe = SAFE.has(method)
  const reason = [
    `${candidate} implements it too`,
    safe ? `${method} changes nothing` : `${method} changes something: what each side writes must be seen by the other`,
    requests > 0
      ? `${requests} requests (${(share * 100).toFixed(1)} % of all) would show whether it works`
      : 'nobody has asked for it yet, so nothing would show whether it works',
    PROMISES[promise]?.(breaking) ?? '',
  ].join('; ')
  const ranks = [promise === 2 ? 1 : 0, safe ? 0 : 1, requests > 0 ? 0 : 1, promise, share]
  return { ranks, next: { key, method, template, upstream, candidate, requests, reason } }
}

const PROMISES: readonly ((breaking: number) => string)[] = [
  () => 'their descriptions promise the same',
  () => 'their descriptions cannot be compared',
  (breaking) => `${breaking} differences would break clients, see banyan drift`,
]

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
