import type { DatabaseSync } from 'node:sqlite'
import type { Tier } from '../../model/spec.ts'
import type { HistoryStore } from '../../model/store.ts'

/** Runs one write as a transaction. */
export type Write = <Result>(write: () => Result) => Result

/** The part of a store that holds requests by day, over an open database whose schema is the newest. */
export function historyOver(database: DatabaseSync, write: Write): HistoryStore {
  const allDays = database.prepare('SELECT day, tier, requests, operations FROM day ORDER BY day, tier')
  const putDay = database.prepare('INSERT OR REPLACE INTO day VALUES (?, ?, ?, ?)')
  const allWatched = database.prepare('SELECT operation, since, asked, asked_at FROM watched')
  const putWatched = database.prepare('INSERT OR REPLACE INTO watched VALUES (?, ?, ?, ?)')
  const watchedMs = database.prepare('SELECT ms FROM watch')
  const putWatchedMs = database.prepare('INSERT OR REPLACE INTO watch VALUES (1, ?)')

  return {
    days: () =>
      allDays.all().map(({ day, tier, requests, operations }) => ({
        day: String(day),
        tier: String(tier) as Tier,
        requests: Number(requests),
        operations: Number(operations),
      })),
    watched: () => ({
      watchedMs: Number(watchedMs.get()?.ms ?? 0),
      operations: new Map(
        allWatched
          .all()
          .map(({ operation, since, asked, asked_at: askedAt }) => [
            String(operation),
            { since: Number(since), asked: numberOf(asked), askedAt: numberOf(askedAt) },
          ]),
      ),
    }),
    write: (change) =>
      write(() => {
        putWatchedMs.run(Math.trunc(change.watchedMs))
        for (const { day, tier, requests, operations } of change.days) putDay.run(day, tier, requests, operations)
        for (const [operation, watched] of change.operations) {
          putWatched.run(operation, watched.since, watched.asked ?? null, watched.askedAt ?? null)
        }
      }),
  }
}

function numberOf(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Number(value)
}
