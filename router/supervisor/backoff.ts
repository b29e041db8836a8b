/** How long to wait before a child that ended is started again. */
export type Backoff = {
  /** Milliseconds, given how long the child lived. */
  next(livedMs: number): number
}

/** At once the first time; then, while children die young, growing from 100 ms to 5 s. */
export function createBackoff(): Backoff {
  let wait = 0
  return {
    next(livedMs) {
      if (livedMs >= OLD_ENOUGH_MS) wait = 0
      const now = wait
      wait = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, wait * 2))
      return now
    },
  }
}

const SHORTEST_MS = 100
const LONGEST_MS = 5_000
const OLD_ENOUGH_MS = 10_000
