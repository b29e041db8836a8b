import type { Balanced, Balancer } from './index.ts'

/** One after the other; each process has a turn of its own. */
export const roundRobin: Balancer = {
  kind: 'round-robin',
  scattered: true,
  create() {
    let turn = -1
    return {
      pick<E extends Balanced>(among: readonly E[], _request: unknown, random: () => number): E | undefined {
        // Processes and reloads begin anywhere: else the first endpoint would be asked first by all of them.
        turn = turn < 0 ? Math.floor(random() * among.length) : turn + 1
        return among[turn % among.length]
      },
    }
  },
}
