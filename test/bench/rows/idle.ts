import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathOf, type Router, startRouter } from '../banyan.ts'
import { residentMiB } from '../memory.ts'
import { BODY } from '../nginx.ts'
import { table } from '../report.ts'
import type { Bench, Row } from '../row.ts'
import { connectionsOf } from '../sockets.ts'
import { drive } from '../wrk.ts'

const CONNECTIONS = 2_000
const AT_ONCE = 50
const ROUTE = 102

/** What connections cost that stay open after a request. */
export const idle: Row = {
  name: 'idle',
  summary: `the memory of ${CONNECTIONS} connections that stay open after one request`,
  async run(bench) {
    const routes = { count: 200, upstreams: bench.upstreams }
    await using router = await startRouter({ ...bench, routes, name: 'idle' })
    const [pid = 0] = (await router.roles()).dataplane
    // A process that has served nothing yet still grows for reasons of its own.
    await drive({ url: router.url + pathOf(ROUTE), seconds: bench.warmUpSeconds, signal: bench.signal })
    await sleep(SETTLES_MS, undefined, { signal: bench.signal })
    const before = residentMiB(pid)
    using opened = new DisposableStack()
    for (let count = 0; count < CONNECTIONS; count += AT_ONCE) {
      const some = Array.from({ length: AT_ONCE }, () => openOne(router, opened, bench))
      await Promise.all(some)
    }
    await sleep(SETTLES_MS, undefined, { signal: bench.signal })
    const after = residentMiB(pid)
    const open = connectionsOf(pid, Number(new URL(router.url).port))
    if (open !== CONNECTIONS) throw new Error(`of ${CONNECTIONS} idle connections, ${open} are open`)
    bench.say(`${before.toFixed(1)} MiB, then ${after.toFixed(1)} MiB`)
    const figures = [before, after, after - before].map((mib) => `${mib.toFixed(1)} MiB`)
    return table(
      [`${CONNECTIONS} idle connections`, 'before', 'after', 'added'],
      [['data-plane process, RSS', ...figures]],
    )
  },
}

/** One connection, after one request has been answered on it. */
async function openOne({ url }: Router, opened: DisposableStack, { signal }: Bench): Promise<void> {
  const { hostname, port, host } = new URL(url)
  const socket: Socket = connect(Number(port), hostname)
  opened.defer(() => socket.destroy())
  // One that breaks later is missing when they are counted.
  socket.on('error', () => undefined)
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWERS_MS)])
  await once(socket, 'connect', { signal: limit })
  socket.write(`GET ${pathOf(ROUTE)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  let answer = ''
  while (!answer.endsWith(BODY)) answer += String((await once(socket, 'data', { signal: limit }))[0])
  if (!answer.startsWith('HTTP/1.1 200 ')) throw new Error(`a connection to be kept was answered ${answer}`)
}

const ANSWERS_MS = 5_000
const SETTLES_MS = 1_000
