import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathOf, startRouter } from '../banyan.ts'
import { call, startCallee } from '../call.ts'
import { quarters, residentMiB } from '../memory.ts'
import { table } from '../report.ts'
import type { Row } from '../row.ts'

const ROUTE = 102
const STREAMS = 100_000
const CANCELLED = 0.1
const AT_ONCE = 50
const READINGS = 200
const SETTLES_MS = 1_000

/** Whether memory stays where it is while calls come and go, some of them cancelled, on one connection. */
export const streams: Row = {
  name: 'streams',
  summary: `the memory over ${STREAMS} gRPC calls on one connection, 10 % of them cancelled`,
  async run(bench) {
    await using ended = new AsyncDisposableStack()
    const { port: callee } = ended.use(await startCallee(bench.signal))
    const routes = { count: 200, upstreams: [callee, callee] as const, posted: ROUTE, h2c: true }
    const router = ended.use(await startRouter({ ...bench, routes, name: 'streams' }))
    const [pid = 0] = (await router.roles()).dataplane
    const begin = residentMiB(pid)
    const session = connect(router.url)
    session.on('error', () => {})
    ended.defer(() => session.destroy())
    // V8 lets the heap grow until it collects the old generation for the first time.
    await many(session, STREAMS / 2, bench.signal, () => {})
    bench.say(`warmed up by ${STREAMS / 2} calls: ${begin.toFixed(1)} MiB, then ${residentMiB(pid).toFixed(1)} MiB`)
    const readings: number[] = []
    const { answered, cancelled } = await many(session, STREAMS, bench.signal, (count) => {
      if (count % (STREAMS / READINGS) === 0) readings.push(residentMiB(pid))
    })
    await sleep(SETTLES_MS, undefined, { signal: bench.signal })
    return `${report(begin, readings)}\n\n${answered} calls were answered, ${cancelled} cancelled.`
  },
}

/** Makes calls, so many at once, and cancels every tenth as soon as it is sent. */
async function many(session: ClientHttp2Session, total: number, signal: AbortSignal, ended: (count: number) => void) {
  let begun = 0
  let count = 0
  const counts = { answered: 0, cancelled: 0 }
  const one = async (): Promise<void> => {
    while (begun < total) {
      const turn = begun++
      if (turn % (1 / CANCELLED) === 0) {
        await cancel(session)
        counts.cancelled++
      } else {
        const { status, grpcStatus } = await call(session, pathOf(ROUTE), signal)
        if (status !== 200 || grpcStatus !== '0') throw new Error(`a call was answered ${status}, ${grpcStatus}`)
        counts.answered++
      }
      ended(++count)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
  return counts
}

function cancel(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': pathOf(ROUTE),
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    stream.on('error', () => {})
    stream.on('close', () => resolve())
    stream.write(Buffer.from([0, 0, 0, 0, 0]))
    setImmediate(() => stream.close(constants.NGHTTP2_CANCEL))
  })
}

function report(begin: number, readings: readonly number[]): string {
  const medians = quarters(readings)
  const [, second, , last] = medians
  const grown = ((last - second) / second) * 100
  const figures = [begin, ...medians, Math.max(...readings)].map((mib) => `${mib.toFixed(1)} MiB`)
  return table(
    ['', 'ready', '1st quarter', '2nd', '3rd', '4th', 'highest', '4th against 2nd'],
    [['data-plane process, RSS', ...figures, `${grown < 0 ? '−' : '+'}${Math.abs(grown).toFixed(1)} %`]],
  )
}
