import { addSeen } from '../catalogue/folding/node.ts'
import { operationKey } from '../kernel/template.ts'
import type { Observation, ObservedOperation } from '../model/catalogue.ts'

/** What is known of upstreams by the requests they answered: from recordings and from live traffic. */
export type Learned = {
  /** One complete word a detector and upstream, as other detectors give. */
  observations(): readonly Observation[]
  /** Adds to what one detector has learned of an upstream; `source` says from what. */
  add(word: LearnedWord): void
  /** Replaces it. */
  replace(word: LearnedWord): void
}

export type LearnedWord = {
  readonly upstream: string
  readonly detector: string
  readonly operations: readonly ObservedOperation[]
  readonly source: string
  /** What it came to, in words. */
  readonly outcome: string
  readonly at: number
}

/** Detectors that are told instead of asking. */
export const LEARNING_DETECTORS: readonly string[] = ['har', 'log', 'traffic']

const MOST_ATTEMPTS = 5

/** Begins with what was known before a restart. */
export function createLearned(remembered: readonly Observation[]): Learned {
  const words = new Map<string, Observation>()
  for (const one of remembered) if (LEARNING_DETECTORS.includes(one.detector)) words.set(keyOf(one), one)

  function put(word: LearnedWord, operations: readonly ObservedOperation[]): void {
    const { upstream, detector, source, outcome, at } = word
    const before = words.get(keyOf(word))?.attempts.filter(({ what }) => what !== source) ?? []
    words.set(keyOf(word), {
      upstream,
      detector,
      state: operations.length > 0 ? 'answered' : 'none',
      operations,
      confidence: 'observed',
      source,
      attempts: [...before, { what: source, outcome, at }].slice(-MOST_ATTEMPTS),
      at,
      nextAt: undefined,
    })
  }

  return {
    observations: () => [...words.values()],
    add(word) {
      const known = words.get(keyOf(word))?.operations ?? []
      put(word, mergeOperations(known, word.operations))
    },
    replace: (word) => put(word, word.operations),
  }
}

function keyOf({ upstream, detector }: { readonly upstream: string; readonly detector: string }): string {
  return JSON.stringify([upstream, detector])
}

/** A recording that is learned twice is counted once. */
function mergeOperations(
  known: readonly ObservedOperation[],
  added: readonly ObservedOperation[],
): ObservedOperation[] {
  const merged = new Map(known.map((one) => [operationKey(one.method, one.template), one]))
  for (const one of added) {
    const key = operationKey(one.method, one.template)
    const before = merged.get(key)?.seen
    const { seen } = one
    const same = before !== undefined && seen !== undefined && JSON.stringify(before) === JSON.stringify(seen)
    merged.set(key, before === undefined || seen === undefined || same ? one : { ...one, seen: addSeen(before, seen) })
  }
  return [...merged.values()]
}
