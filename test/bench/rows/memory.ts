import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts, ROOT } from '../../estate.ts'
import { untilAnswered } from '../ask.ts'
import { pathOf, startRouter } from '../banyan.ts'
import { startChild } from '../children.ts'
import { descriptorsOf, quarters, residentMiB } from '../memory.ts'
import { type Ends, sendMixture } from '../mixture.ts'
import { table } from '../report.ts'
import type { Bench, Row } from '../row.ts'

const ROUTE = 102
const REQUESTS = 200_000
// V8 lets the heap grow until it collects the old generation for the first time, which takes about so many.
const WARM_UP = REQUESTS
const READINGS = 200
const SETTLES_MS = 1_000

/** Whether the memory of a data-plane process stays where it is while clients leave and upstreams reset. */
export const memory: Row = {
  name: 'memory',
  summary: `the memory over ${REQUESTS} requests, 10 % of them left by the client and 5 % reset by the upstream`,
  async run(bench) {
    await using ended = new AsyncDisposableStack()
    const port = await failingUpstream(bench, ended)
    const routes = { count: 200, upstreams: [port, port] as const }
    const router = ended.use(await startRouter({ ...bench, routes, name: 'memory' }))
    const [pid = 0] = (await router.roles()).dataplane
    const common = { url: router.url + pathOf(ROUTE), signal: bench.signal }
    const begin = residentMiB(pid)
    await sendMixture({ ...common, requests: WARM_UP })
    bench.say(`warmed up by ${WARM_UP} requests: ${begin.toFixed(1)} MiB, then ${residentMiB(pid).toFixed(1)} MiB`)
    await sleep(SETTLES_MS, undefined, { signal: bench.signal })
    const descriptors = descriptorsOf(pid)
    const readings: number[] = []
    const ends = await sendMixture({
      ...common,
      requests: REQUESTS,
      ended(count) {
        if (count % (REQUESTS / READINGS) !== 0) return
        readings.push(residentMiB(pid))
        if (count % (REQUESTS / 10) === 0) bench.say(`${count} requests: ${readings.at(-1)?.toFixed(1)} MiB`)
      },
    })
    await sleep(SETTLES_MS, undefined, { signal: bench.signal })
    return `${report(begin, readings, ends)} Its open descriptors: ${descriptors} before, ${descriptorsOf(pid)} after.`
  },
}

async function failingUpstream({ signal }: Bench, ended: AsyncDisposableStack): Promise<number> {
  const [port = 0] = await freePorts(1)
  const child = ended.use(await startChild(process.execPath, [join(ROOT, 'test/bench/resetting.ts'), String(port)]))
  await untilAnswered(`http://127.0.0.1:${port}/`, child, { signal })
  return port
}

function report(begin: number, readings: readonly number[], { answered, aborted, broken }: Ends): string {
  const medians = quarters(readings)
  const [, second, , last] = medians
  const grown = ((last - second) / second) * 100
  const figures = [begin, ...medians, Math.max(...readings)].map((mib) => `${mib.toFixed(1)} MiB`)
  return `${table(
    ['', 'ready', '1st quarter', '2nd', '3rd', '4th', 'highest', '4th against 2nd'],
    [['data-plane process, RSS', ...figures, `${grown < 0 ? '−' : '+'}${Math.abs(grown).toFixed(1)} %`]],
  )}

${answered} requests were answered, ${aborted} left by their client, ${broken} reset by the upstream.`
}
