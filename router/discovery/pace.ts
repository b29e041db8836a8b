/** A description that was read is asked for again after this time; also the longest pause between two tries. */
const INTERVAL_MS = 60_000

const FIRST_PAUSE_MS = 1_000
const SPREAD = 0.25

/** Pause before a question is asked for the first time: none, unless it was asked already and it is too early. */
export function firstDelay(notBefore: number | undefined, now: number): number {
  return Math.max(0, (notBefore ?? now) - now)
}

/** Pause before the next try: the interval after an answer, otherwise 1 s, 2 s, 4 s … 60 s; up to a quarter more. */
export function nextDelay(misses: number, random: () => number): number {
  const pause = misses === 0 ? INTERVAL_MS : Math.min(INTERVAL_MS, FIRST_PAUSE_MS * 2 ** (misses - 1))
  return Math.round(pause * (1 + SPREAD * random()))
}
