import type { LeftDay } from '../admin/control.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { TrafficCounts } from '../model/link.ts'
import type { Tier } from '../model/spec.ts'
import type { DayOfTier, HistoryStore, WatchedOperation, WatchRecord } from '../model/store.ts'

/** What was asked for by day, and when each operation was last asked for, kept over restarts. */
export type History = {
  /** Adds what one data-plane process counted. */
  count(requests: TrafficCounts['requests']): void
  /** The days so far, today as it is now. */
  days(): readonly DayOfTier[]
  /** How long everything has been watched, as it is now. */
  watched(): WatchRecord
  /** Keeps what has not been kept yet. */
  close(): void
}

/** An operation as it is served now. */
export type ServedOperation = {
  readonly key: string
  readonly rule: string | undefined
  readonly tier: Tier | undefined
}

export type HistoryOptions = {
  readonly store: HistoryStore
  readonly clock: Clock
  readonly log: Log
  readonly tierOf: (upstream: string) => Tier | undefined
  readonly operations: () => readonly ServedOperation[]
}

const KEEP_MS = 10_000

/** Begins to watch. The caller closes it. */
export function createHistory({ store, clock, log, tierOf, operations }: HistoryOptions): History {
  const kept = store.watched()
  const watched = new Map(kept.operations)
  const days = new Map(store.days().map((day) => [`${day.day} ${day.tier}`, day]))
  const started = clock.elapsed()
  const unkept = new Map<string, WatchedOperation>()
  const unkeptDays = new Map<string, DayOfTier>()
  let asked = new Set<string>()
  let closed = false
  let told = false
  clock.after(KEEP_MS, keepAgain)

  function watchedMs(): number {
    return Math.trunc(kept.watchedMs + clock.elapsed() - started)
  }

  function dayOf(tier: Tier): DayOfTier {
    const day = new Date(clock.now()).toISOString().slice(0, 10)
    return days.get(`${day} ${tier}`) ?? { day, tier, requests: 0, operations: 0 }
  }

  function put(day: DayOfTier): void {
    days.set(`${day.day} ${day.tier}`, day)
    unkeptDays.set(`${day.day} ${day.tier}`, day)
  }

  /** Notes which operations are there and which were asked for. */
  function settle(): void {
    const served = operations()
    const now = watchedMs()
    for (const { key, rule } of served) {
      const before = watched.get(key)
      const isAsked = rule !== undefined && asked.has(rule)
      if (before !== undefined && !isAsked) continue
      const last = isAsked ? { asked: now, askedAt: clock.now() } : { asked: undefined, askedAt: undefined }
      const changed = { since: before?.since ?? now, ...last }
      watched.set(key, changed)
      unkept.set(key, changed)
    }
    asked = new Set()
    for (const tier of TIERS) put({ ...dayOf(tier), operations: served.filter((one) => one.tier === tier).length })
  }

  function keep(): void {
    settle()
    try {
      store.write({ watchedMs: watchedMs(), days: [...unkeptDays.values()], operations: unkept })
      unkept.clear()
      unkeptDays.clear()
      told = false
    } catch (error) {
      if (!told) log.warn('requests by day could not be kept; a restart would count less', { error })
      told = true
    }
  }

  function keepAgain(): void {
    if (closed) return
    keep()
    clock.after(KEEP_MS, keepAgain)
  }

  return {
    count(requests) {
      for (const { rule, upstream, count } of requests) {
        asked.add(rule)
        const tier = tierOf(upstream)
        if (tier === undefined) continue
        const today = dayOf(tier)
        put({ ...today, requests: today.requests + count })
      }
    },
    days() {
      return [...days.values()].sort((a, b) => (a.day === b.day ? 0 : a.day < b.day ? -1 : 1))
    },
    watched() {
      settle()
      return { watchedMs: watchedMs(), operations: watched }
    },
    close() {
      closed = true
      keep()
    },
  }
}

/** Days with the share of each tier. */
export function leftByDay(days: readonly DayOfTier[]): readonly LeftDay[] {
  return [...Map.groupBy(days, ({ day }) => day)].map(([day, tiers]) => {
    const total = tiers.reduce((sum, { requests }) => sum + requests, 0)
    return {
      day,
      tiers: TIERS.map((tier) => {
        const { requests = 0, operations = 0 } = tiers.find((one) => one.tier === tier) ?? {}
        return { tier, requests, share: total === 0 ? 0 : requests / total, operations }
      }),
    }
  })
}

const TIERS: readonly Tier[] = ['legacy', 'service', 'function']
