import type { TrafficCounts } from '../model/link.ts'

/** What this process has counted: since it started, and since control last heard of it. */
export type Traffic = {
  /** Adds what was counted since the last call. */
  collect(counts: TrafficCounts): void
  /** Everything not yet handed out. */
  takeUnsent(): TrafficCounts
  /** Since the start of the process. */
  totals(): TrafficCounts['requests']
}

type Request = TrafficCounts['requests'][number]
type Unclaimed = TrafficCounts['unclaimed'][number]

export function createTraffic(): Traffic {
  const totals = new Map<string, Request>()
  let requests = new Map<string, Request>()
  let unclaimed = new Map<string, Unclaimed>()
  return {
    collect(counts) {
      for (const one of counts.requests) {
        const key = JSON.stringify([one.rule, one.upstream, one.outcome])
        add(totals, key, one)
        add(requests, key, one)
      }
      for (const one of counts.unclaimed) {
        const key = JSON.stringify([one.method, one.path, one.upstream, one.status])
        // Paths are the clients' choice: while control is away they must not fill the memory.
        if (unclaimed.has(key) || unclaimed.size < MOST_UNCLAIMED) add(unclaimed, key, one)
      }
    },
    takeUnsent() {
      const unsent = { requests: [...requests.values()], unclaimed: [...unclaimed.values()] }
      requests = new Map()
      unclaimed = new Map()
      return unsent
    },
    totals: () => [...totals.values()],
  }
}

const MOST_UNCLAIMED = 1_000

function add<T extends { readonly count: number }>(sums: Map<string, T>, key: string, one: T): void {
  const before = sums.get(key)
  sums.set(key, before === undefined ? one : { ...before, count: before.count + one.count })
}
