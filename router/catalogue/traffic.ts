import type { Clock } from '../kernel/clock.ts'
import type { Unclaimed } from '../model/catalogue.ts'
import type { TrafficCounts } from '../model/link.ts'

/** Requests since `since`, by rule, upstream and outcome. */
export type TrafficTotals = {
  /** Wall time in ms. */
  readonly since: number
  readonly requests: TrafficCounts['requests']
}

/** What has passed through, summed over every data-plane process. */
export type Traffic = {
  /** Adds one message of one process. */
  add(counts: TrafficCounts): void
  totals(): TrafficTotals
  /** Paths that matched nothing and went to the default, the latest `limit` of them. */
  unclaimed(): readonly Unclaimed[]
}

/** An empty account that begins now. */
export function createTraffic({ clock, limit = 1_000 }: { clock: Clock; limit?: number }): Traffic {
  const since = clock.now()
  const requests = new Map<string, TrafficCounts['requests'][number]>()
  // In the order of their last request: the first is the one to forget.
  const unclaimed = new Map<string, Unclaimed>()

  return {
    add(counts) {
      for (const count of counts.requests) {
        const key = JSON.stringify([count.rule, count.upstream, count.outcome])
        requests.set(key, { ...count, count: (requests.get(key)?.count ?? 0) + count.count })
      }
      for (const { method, path, upstream, status, count: more } of counts.unclaimed.filter(({ routed }) => !routed)) {
        const key = JSON.stringify([method, path, upstream])
        const count = (unclaimed.get(key)?.count ?? 0) + more
        unclaimed.delete(key)
        unclaimed.set(key, { method, path, upstream, status, count, lastAt: clock.now() })
      }
      for (const key of unclaimed.keys()) {
        if (unclaimed.size <= limit) break
        unclaimed.delete(key)
      }
    },
    totals: () => ({ since, requests: [...requests.values()] }),
    unclaimed: () => [...unclaimed.values()],
  }
}
