import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ROOT } from '../../estate.ts'
import { quantile, ratioOf, spreadOf } from '../arithmetic.ts'
import { pathOf, startRouter } from '../banyan.ts'
import { startChild } from '../children.ts'
import { type Silent, startSilent } from '../hanging.ts'
import { latencies } from '../latency.ts'
import { range, table } from '../report.ts'
import type { Bench, Row } from '../row.ts'

const ROUTE = 102
const HANGING = 98
const PER_SECOND = 500
const CLIENTS = 200
const PATIENCE_MS = 2_000

/** What the users of other routes notice while one upstream takes requests and answers none. */
export const hang: Row = {
  name: 'hang',
  summary: 'the p99 of a route while the upstream of another one hangs, and without',
  async run(bench) {
    await using ended = new AsyncDisposableStack()
    const silent = ended.use(await startSilent())
    const routes = { count: 200, upstreams: [bench.upstreams[0], silent.port] as const, moved: HANGING }
    const router = ended.use(await startRouter({ ...bench, routes, name: 'hang' }))
    const load = { ...bench, url: router.url + pathOf(ROUTE), perSecond: PER_SECOND }
    await latencies({ ...load, seconds: bench.warmUpSeconds })
    const [alone, beside]: [number[], number[]] = [[], []]
    for (let round = 1; round <= bench.rounds; round++) {
      alone.push(quantile(await latencies(load), P99))
      beside.push(await whileHanging(router.url + pathOf(HANGING), silent, bench, () => latencies(load)))
      const figures = `p99 ${alone.at(-1)?.toFixed(2)} ms, ${beside.at(-1)?.toFixed(2)} ms while the other hangs`
      bench.say(`round ${round} of ${bench.rounds}: ${figures}`)
    }
    const figures = [range(spreadOf(alone), 2), range(spreadOf(beside), 2), range(ratioOf(beside, alone), 2)]
    return table(['', 'p99 in ms', 'while the other hangs', 'ratio'], [['a plain GET', ...figures]])
  },
}

const P99 = 0.99
const STARTS_MS = 500

/** The p99 of what is measured while the clients of the other route wait in vain. */
async function whileHanging(
  url: string,
  silent: Silent,
  { signal }: Bench,
  measured: () => Promise<readonly number[]>,
): Promise<number> {
  const args = [join(ROOT, 'test/bench/impatient.ts'), url, String(CLIENTS), String(PATIENCE_MS)]
  await using clients = await startChild(process.execPath, args)
  await sleep(PATIENCE_MS + STARTS_MS, undefined, { signal })
  const found = await measured()
  if (silent.held() < CLIENTS / 2) throw new Error(`only ${silent.held()} requests hang, of ${CLIENTS} clients`)
  if (clients.output() !== '') throw new Error(`clients of the hanging upstream were told:\n${clients.output()}`)
  return quantile(found, P99)
}
