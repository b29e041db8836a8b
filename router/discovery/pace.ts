/** A description that was read is asked for again after this time; also the longest pause between two tries. */
const INTERVAL_MS = 60_000

const FIRST_PAUSE_MS = 1_000
const SPREAD = 0.25

/** Pause before a question is asked for the first time: none, unless it was asked already and it is too early. */
export function firstDelay(notBefore: number | undefined, now: number): number {
  return Math.max(0, (notBefore ?? now) - now)
}

/** Pause before the next try: the interval after an answer, otherwise that of `retryDelay`; up to a quarter more. */
export function nextDelay(misses: number, random: () => number): number {
  return misses === 0 ? spread(INTERVAL_MS, random) : retryDelay(misses, random, INTERVAL_MS)
}

/** Pause after so many tries in vain, one or more: 1 s, 2 s, 4 s … `mostMs`; up to a quarter more. */
export function retryDelay(misses: number, random: () => number, mostMs: number): number {
  return spread(Math.min(mostMs, FIRST_PAUSE_MS * 2 ** (misses - 1)), random)
}

function spread(pause: number, random: () => number): number {
  return Math.round(pause * (1 + SPREAD * random()))
}
