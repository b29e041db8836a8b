/** How long a slow body is watched before it is judged, and how many bytes must have come in that time. */
const WINDOW_MS = 60_000
const WINDOW_BYTES = 240 * (WINDOW_MS / 1000)

/**
 * Tells a client on a slow line from one that sends a byte now and then to keep us busy: 240 bytes a second, over a
 * minute, is less than any line still in use carries. Every minute is judged by itself, so an honest upload may take
 * as long as it takes.
 */
export class Pace {
  #since = -1
  #bytes = 0

  /** From now on it is the client that is waited for. */
  begin(): void {
    this.#since = -1
  }

  /** Notes what came at `now` (monotonic milliseconds); true where it was too little for too long. */
  isTooSlow(now: number, bytes: number): boolean {
    if (this.#since < 0) {
      this.#since = now
      this.#bytes = 0
    }
    this.#bytes += bytes
    if (now - this.#since < WINDOW_MS) return false
    if (this.#bytes < WINDOW_BYTES) return true
    this.#since = now
    this.#bytes = 0
    return false
  }
}
