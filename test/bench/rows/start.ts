import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { median } from '../arithmetic.ts'
import { untilAnswered } from '../ask.ts'
import { pathOf, prepareRouter } from '../banyan.ts'
import { milliseconds, table } from '../report.ts'
import type { Bench, Row } from '../row.ts'

const WARM_STARTS = 5

/** From the launcher's start to the first answered request. */
export const start: Row = {
  name: 'start',
  summary: `start to first answered request: median of ${WARM_STARTS} with a warm compile cache, one with an empty one`,
  async run(bench) {
    const compileCache = join(bench.folder, 'start-cache')
    await mkdir(compileCache)
    const cold = await oneStart({ ...bench, compileCache }, 'start-cold')
    bench.say(`start with an empty compile cache: ${milliseconds(cold)}`)
    const warm: number[] = []
    for (let run = 1; run <= WARM_STARTS; run++) {
      warm.push(await oneStart({ ...bench, compileCache }, `start-warm-${run}`))
      bench.say(`start ${run} of ${WARM_STARTS}, warm: ${milliseconds(warm.at(-1) ?? 0)}`)
    }
    return table(
      ['start', 'to first answer', 'min–max'],
      [
        [
          'warm compile cache',
          milliseconds(median(warm)),
          `${Math.min(...warm).toFixed(0)}–${milliseconds(Math.max(...warm))}`,
        ],
        ['empty compile cache', milliseconds(cold), 'one run'],
      ],
    )
  },
}

/** A start with a new state folder, so nothing is left of the one before but compiled code. */
async function oneStart(bench: Bench, name: string): Promise<number> {
  const routes = { count: 200, upstreams: bench.upstreams }
  const router = await prepareRouter({ ...bench, routes, name })
  const startedAt = performance.now()
  await using child = await router.launch()
  await untilAnswered(router.url + pathOf(0), child, { signal: bench.signal, pauseMs: 2 })
  return performance.now() - startedAt
}
