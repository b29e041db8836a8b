/** Time as a parameter, so that tests advance it by hand. */
export type Clock = {
  /** Wall time, milliseconds since the epoch: for records, never for durations. */
  now(): number
  /** Monotonic milliseconds: for durations and deadlines. */
  elapsed(): number
  /** Calls `run` once after `ms`; the returned function cancels it. Does not keep the process alive. */
  after(ms: number, run: () => void): () => void
}

/** The real clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** A clock that stands still until `advance`; due callbacks run in order of their time. */
export function manualClock(start = 0): Clock & { advance(ms: number): void } {
  let time = start
  let waiting: { at: number; run: () => void }[] = []
  return {
    now: () => time,
    elapsed: () => time,
    after(ms, run) {
      const entry = { at: time + ms, run }
      waiting.push(entry)
      return () => {
        waiting = waiting.filter((other) => other !== entry)
      }
    },
    advance(ms) {
      const end = time + ms
      for (;;) {
        const next = waiting.filter((entry) => entry.at <= end).sort((a, b) => a.at - b.at)[0]
        if (next === undefined) break
        waiting = waiting.filter((entry) => entry !== next)
        time = next.at
        next.run()
      }
      time = end
    },
  }
}
