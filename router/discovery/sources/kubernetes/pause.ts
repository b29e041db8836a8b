import type { Clock } from '../../../kernel/clock.ts'

const FIRST_MS = 500
const LONGEST_MS = 30_000

/** Pause after so many tries in vain: 0.5 s, 1 s, 2 s … 30 s, a quarter more or less. */
export function pauseAfter(misses: number, random: () => number): number {
  return Math.round(Math.min(LONGEST_MS, FIRST_MS * 2 ** misses) * (0.75 + 0.5 * random()))
}

/** Resolves after `ms`, or at once when `signal` is aborted. */
export function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  if (ms <= 0) return Promise.resolve()
  return new Promise((done) => {
    const cancel = clock.after(ms, finish)
    signal.addEventListener('abort', finish, { once: true })
    if (signal.aborted) finish()
    function finish(): void {
      cancel()
      signal.removeEventListener('abort', finish)
      done()
    }
  })
}

/**
 * Runs at once, and where it is asked for again within `ms`, once more when they are over: a cluster in which much
 * happens is not gone through for every event.
 */
export function atMostEvery(ms: number, clock: Clock, run: () => void): () => void {
  let next = Number.NEGATIVE_INFINITY
  let waiting = false
  const go = (): void => {
    waiting = false
    next = clock.elapsed() + ms
    run()
  }
  return () => {
    const wait = next - clock.elapsed()
    if (waiting) return
    if (wait <= 0) return go()
    waiting = true
    clock.after(wait, go)
  }
}
