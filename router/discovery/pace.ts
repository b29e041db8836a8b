/** A description that was read is asked for again after this time; also the longest pause between two tries. */
const INTERVAL_MS = 60_000

const FIRST_PAUSE_MS = 1_000
const SPREAD = 0.25

/** When each question was asked and is due, kept beyond whoever asks it: changing a file to and fro asks nobody twice. */
export type Paces = {
  /** Pause before `question` is asked in place of whatever was asked under this key before; with how many misses. */
  begin(key: string, question: string): { readonly delay: number; readonly misses: number }
  /** The question was asked, or is about to be; it is due again after `delay`. */
  asked(key: string, question: string, misses: number, delay: number): void
  /** Forgets what no longer delays anything. */
  tidy(): void
}

type Pace = {
  readonly question: string
  readonly misses: number
  readonly dueAt: number
  /** When the question last became another. */
  readonly changedAt: number
}

/**
 * A new question is asked at once where the one before has stood for an interval. An upstream whose addresses change
 * all the time is asked as often as one that stays where it is.
 */
export function createPaces(elapsed: () => number): Paces {
  const paces = new Map<string, Pace>()
  return {
    begin(key, question) {
      const now = elapsed()
      const known = paces.get(key) ?? { question, misses: 0, dueAt: now, changedAt: Number.NEGATIVE_INFINITY }
      const changes = known.question !== question
      const hurries = changes && now - known.changedAt >= INTERVAL_MS
      const delay = hurries ? 0 : Math.max(0, known.dueAt - now)
      paces.set(key, { ...known, question, dueAt: now + delay, changedAt: changes ? now : known.changedAt })
      return { delay, misses: known.misses }
    },
    asked(key, question, misses, delay) {
      const changedAt = paces.get(key)?.changedAt ?? Number.NEGATIVE_INFINITY
      paces.set(key, { question, misses, dueAt: elapsed() + delay, changedAt })
    },
    tidy() {
      const now = elapsed()
      for (const [key, { dueAt, changedAt }] of paces) {
        if (dueAt <= now && now - changedAt >= INTERVAL_MS) paces.delete(key)
      }
    },
  }
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
