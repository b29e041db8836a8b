/** How much of what costs the peer nothing it may send at once, and what it is given back each second. */
const BUDGET = 2000
const BACK_A_SECOND = 100

/**
 * A budget for what makes work without being work: pings, settings, empty frames, streams that are cancelled before
 * they are answered, windows opened by a byte (CVE-2019-9511 to 9518, CVE-2023-44487). Whoever also does real work
 * earns it back; a flood does not, and its connection ends.
 */
export class Calm {
  #left = BUDGET
  #since: number
  readonly #now: () => number

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number) {
    this.#now = now
    this.#since = now()
  }

  /** Takes `cost`; false where there is not so much left. */
  spend(cost: number): boolean {
    this.#left -= cost
    if (this.#left >= 0) return true
    const now = this.#now()
    const back = ((now - this.#since) / 1000) * BACK_A_SECOND
    this.#since = now
    this.#left = Math.min(BUDGET, this.#left + back)
    return this.#left >= 0
  }

  /** Real work was done. */
  earn(amount: number): void {
    this.#left = Math.min(BUDGET, this.#left + amount)
  }
}

/** What things cost, and what they bring. */
export const COST = { control: 1, empty: 2, reset: 10, refused: 10 } as const
export const GAIN = { stream: 20, data: 2 } as const
