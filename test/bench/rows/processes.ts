import { setTimeout as sleep } from 'node:timers/promises'
import { spreadOf } from '../arithmetic.ts'
import { pathOf, type Router, startRouter } from '../banyan.ts'
import { comparison, range } from '../report.ts'
import { measure, type Subject } from '../rounds.ts'
import type { Bench, Row } from '../row.ts'
import { connectionsOf } from '../sockets.ts'
import { drive } from '../wrk.ts'

const ROUTE = 102

/** Two data-plane processes beside one, and how they share the connections. */
export const processes: Row = {
  name: 'processes',
  summary: 'two data-plane processes beside one, and how they share 64 connections',
  async run(bench) {
    await using ended = new AsyncDisposableStack()
    const start = async (count: number) => {
      const routes = { count: 200, upstreams: bench.upstreams, processes: count }
      return ended.use(await startRouter({ ...bench, routes, name: `processes-${count}` }))
    }
    const [one, two] = [await start(1), await start(2)]
    const measured = await measure([await subjectOf('1 process', one), await subjectOf('2 processes', two)], bench)
    const shares = await sharesOf(two, bench)
    return `${comparison(measured, ['1 process'])}

Of 64 new connections, the busier of the two held ${range(spreadOf(shares), 0)} %, over ${bench.rounds} rounds.`
  },
}

async function subjectOf(name: string, router: Router): Promise<Subject> {
  const { dataplane } = await router.roles()
  return { name, url: router.url + pathOf(ROUTE), pid: router.pid, dataplane }
}

/** The busier process's part of the connections, in per cent, for as many rounds of new ones. */
async function sharesOf(router: Router, { rounds, signal, say }: Bench): Promise<readonly number[]> {
  const { dataplane } = await router.roles()
  const port = Number(new URL(router.url).port)
  const shares: number[] = []
  for (let round = 1; round <= rounds; round++) {
    const load = drive({ url: router.url + pathOf(ROUTE), seconds: 1, signal })
    const counted = sleep(CONNECTED_MS, undefined, { signal }).then(() =>
      dataplane.map((pid) => connectionsOf(pid, port)),
    )
    const [counts] = await Promise.all([counted, load])
    const all = counts.reduce((sum, count) => sum + count, 0)
    if (all !== 64) throw new Error(`of 64 open connections, the data-plane processes hold ${counts.join(' + ')}`)
    shares.push((Math.max(...counts) / all) * 100)
    say(`connections, round ${round} of ${rounds}: ${counts.join(' + ')}`)
  }
  return shares
}

const CONNECTED_MS = 500
