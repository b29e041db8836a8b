import type { Clock } from '../kernel/clock.ts'

/** How often a function's process may be started again by itself. */
export type RestartBudget = {
  /** Books one restart: how long to wait before it, and whether the budget is used up (then it waits for its refill). */
  take(): { readonly delayMs: number; readonly exhausted: boolean }
}

const LIMIT = 5
const WINDOW_MS = 60_000
const FIRST_DELAY_MS = 250

/** Five restarts a minute: the first at once, each further one after twice the wait, the sixth when the minute is over. */
export function restartBudget(clock: Clock): RestartBudget {
  let taken: number[] = []
  return {
    take() {
      const now = clock.elapsed()
      taken = taken.filter((at) => at > now - WINDOW_MS)
      const growing = taken.length === 0 ? 0 : FIRST_DELAY_MS * 2 ** (taken.length - 1)
      const oldest = taken[taken.length - LIMIT]
      const refill = oldest === undefined ? 0 : oldest + WINDOW_MS - now
      const delayMs = Math.max(refill, Math.min(growing, FIRST_DELAY_MS * 2 ** LIMIT))
      taken.push(now + delayMs)
      return { delayMs, exhausted: refill > 0 }
    },
  }
}
