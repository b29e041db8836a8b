/** Retries may be so much of the requests of the last seconds, and a few always. */
const SHARE = 0.2
const ALWAYS = 10
const SECONDS = 10

/**
 * How many retries an upstream may get from this process: a fifth of its requests in the last ten seconds, at least
 * ten. An upstream that fails altogether is then asked a fifth more, not twice as much, just when it is weakest.
 */
export class RetryBudget {
  readonly #requests = new Uint32Array(SECONDS)
  readonly #retries = new Uint32Array(SECONDS)
  #second = 0

  /** A request that may be retried begins. Times are monotonic milliseconds. */
  count(now: number): void {
    this.#turn(now)
    const at = this.#second % SECONDS
    this.#requests[at] = (this.#requests[at] ?? 0) + 1
  }

  /** Takes one retry; false: there is none left. */
  take(now: number): boolean {
    this.#turn(now)
    if (sum(this.#retries) >= Math.max(ALWAYS, SHARE * sum(this.#requests))) return false
    const at = this.#second % SECONDS
    this.#retries[at] = (this.#retries[at] ?? 0) + 1
    return true
  }

  /** Forgets the seconds that have gone out of sight. */
  #turn(now: number): void {
    const second = Math.floor(now / 1000)
    if (second === this.#second) return
    for (let passed = Math.max(this.#second + 1, second - SECONDS + 1); passed <= second; passed++) {
      this.#requests[passed % SECONDS] = 0
      this.#retries[passed % SECONDS] = 0
    }
    this.#second = second
  }
}

function sum(counts: Uint32Array): number {
  let total = 0
  for (const count of counts) total += count
  return total
}
