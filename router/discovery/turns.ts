/** Lets only so many tasks run at once; the rest wait in order. Tasks must not reject. */
export type Turns = {
  /** Runs the task when it is its turn. */
  take(task: () => Promise<void>): Promise<void>
  /** Resolves when nothing runs or waits. */
  idle(): Promise<void>
}

/** Turns for `most` tasks at once. */
export function openTurns(most: number): Turns {
  const waiting: (() => void)[] = []
  const running = new Set<Promise<void>>()
  let busy = 0

  return {
    async take(task) {
      const done = inTurn(task)
      running.add(done)
      await done
      running.delete(done)
    },
    async idle() {
      while (running.size > 0) await Promise.all(running)
    },
  }

  async function inTurn(task: () => Promise<void>): Promise<void> {
    if (busy >= most) await new Promise<void>((resolve) => waiting.push(resolve))
    else busy += 1
    try {
      await task()
    } finally {
      // The place is handed on, not given up: a newcomer cannot overtake who waits.
      const next = waiting.shift()
      if (next === undefined) busy -= 1
      else next()
    }
  }
}
