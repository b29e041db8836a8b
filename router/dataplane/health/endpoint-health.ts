/** How one endpoint has done for its upstream. Outlives the snapshots that name it; times are monotonic. */
export class EndpointHealth {
  /** Failures without a success between them. */
  failures = 0
  /** It is asked again from then on. */
  ejectedUntil = Number.NEGATIVE_INFINITY
  /** When it came, or came back; it is given little at first. */
  since = Number.NEGATIVE_INFINITY
  /** Ejections with no long quiet between them: each is twice as long as the one before. */
  #ejections = 0

  ejected(now: number): boolean {
    return now < this.ejectedUntil
  }

  /** Leaves it alone for a while; returns for how long. */
  eject(now: number, baseMs: number): number {
    const quiet = now - this.ejectedUntil
    if (quiet > QUIET_MS) this.#ejections = 0
    const ms = Math.min(baseMs * 2 ** this.#ejections++, Math.max(baseMs, LONGEST_MS))
    this.failures = 0
    this.ejectedUntil = now + ms
    this.since = this.ejectedUntil
    return ms
  }

  /** It is to be asked from now on, after it was not there or not well. */
  appear(now: number): void {
    this.failures = 0
    this.since = now
  }

  /** What share of its requests it may be given, to warm up: 1 unless it came a short while ago. */
  warmth(now: number): number {
    const age = now - this.since
    return age < 0 || age >= WARM_UP_MS ? 1 : Math.max(COLDEST, age / WARM_UP_MS)
  }

  /** When it is warm. */
  get warmAt(): number {
    return this.since + WARM_UP_MS
  }
}

/** An endpoint that was well for so long begins anew. */
const QUIET_MS = 300_000
const LONGEST_MS = 300_000
/** A JVM compiles what is hot within seconds. */
const WARM_UP_MS = 10_000
const COLDEST = 0.1
