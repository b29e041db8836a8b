import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { quietOperations } from '../../../router/catalogue/quiet.ts'
import { createHistory } from '../../../router/control/history.ts'
import { manualClock } from '../../../router/kernel/clock.ts'
import { silentLog } from '../../../router/kernel/log.ts'
import { openStore } from '../../../router/state/index.ts'

const DAY = 86_400_000
const FEED = { key: 'GET /feed', method: 'GET', template: '/feed', upstream: 'clinic' }

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-history-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** The router, once for each run: so many days, and on which of them the operation is asked for. */
function watch(runs: readonly { readonly days: number; readonly asked: readonly number[]; readonly pause?: number }[]) {
  // Nothing is kept but at the end of each run: every ten seconds of a month would take its time.
  const clock = { ...manualClock(Date.parse('2026-01-01T12:00:00Z')), after: () => () => {} }
  for (const { days, asked, pause = 0 } of runs) {
    const { store } = openStore({ kind: 'sqlite', folder, path: join(folder, 'state.db') }, { clock, log: silentLog })
    const operations = () => [{ key: FEED.key, rule: 'operation:GET /feed', tier: 'legacy' as const }]
    const history = createHistory({ store: store.history, clock, log: silentLog, tierOf: () => 'legacy', operations })
    history.watched()
    for (let day = 0; day < days; day++) {
      if (asked.includes(day)) {
        history.count([{ rule: 'operation:GET /feed', upstream: 'clinic', outcome: '2xx', count: 2 }])
        history.watched()
      }
      clock.advance(DAY)
    }
    history.close()
    store.close()
    clock.advance(pause * DAY)
  }
  const { store } = openStore({ kind: 'sqlite', folder, path: join(folder, 'state.db') }, { clock, log: silentLog })
  const result = { record: store.history.watched(), days: store.history.days() }
  store.close()
  return result
}

describe('an operation that nobody asks for', () => {
  it.each([
    { why: 'never, over the whole window', runs: [{ days: 30, asked: [] }], dead: true },
    { why: 'never, a day too short', runs: [{ days: 29, asked: [] }], dead: false },
    { why: 'at the beginning only', runs: [{ days: 31, asked: [0] }], dead: true },
    { why: 'yesterday', runs: [{ days: 60, asked: [59] }], dead: false },
    {
      why: 'for a long time, in most of which the router did not run',
      runs: [
        { days: 10, asked: [], pause: 100 },
        { days: 10, asked: [] },
      ],
      dead: false,
    },
    {
      why: 'in two runs that make a window together',
      runs: [
        { days: 15, asked: [], pause: 3 },
        { days: 15, asked: [] },
      ],
      dead: true,
    },
  ])(
    'is dead or not: $why',
    ({ runs, dead }) => {
      const quiet = quietOperations([FEED], watch(runs).record, 30 * DAY)
      expect(quiet.dead.map(({ key }) => key)).toEqual(dead ? [FEED.key] : [])
    },
    20_000,
  )
})

it('requests are summed by day, over restarts', () => {
  const { days } = watch([
    { days: 1, asked: [0] },
    { days: 1, asked: [0] },
  ])
  expect(days.filter(({ requests }) => requests > 0)).toEqual([
    { day: '2026-01-01', tier: 'legacy', requests: 2, operations: 1 },
    { day: '2026-01-02', tier: 'legacy', requests: 2, operations: 1 },
  ])
})
