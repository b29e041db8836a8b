import { setTimeout as sleep } from 'node:timers/promises'
import { type Spread, spreadOf } from '../arithmetic.ts'
import { ask } from '../ask.ts'
import { pathOf, type Router, startRouter } from '../banyan.ts'
import { ASKS_BACK, SEEN_PORT } from '../nginx.ts'
import { statOf } from '../processes.ts'
import { milliseconds, table } from '../report.ts'
import type { Bench, Row } from '../row.ts'

const RELOADS = 20
const ROUTES = 1000
const MOVED = 502

/** What a changed file of 1,000 routes costs the control process. */
export const reload: Row = {
  name: 'reload',
  summary: `a changed file of 1,000 routes: median of ${RELOADS} reloads`,
  async run(bench) {
    const routes = { count: ROUTES, upstreams: bench.upstreams }
    await using router = await startRouter({ ...bench, routes, name: 'reload' })
    const { control } = await router.roles()
    const reloads: Reload[] = []
    // The first ones warm the compiler of the control process, as a reload in production rarely finds it.
    for (let turn = 0; turn < RELOADS; turn++) {
      const one = await reloadOnce(router, control, turn, bench)
      reloads.push(one)
      bench.say(`reload ${turn + 1} of ${RELOADS}: ${milliseconds(one.cpu)} of CPU, ${milliseconds(one.command)}`)
    }
    const row = (name: string, of: (one: Reload) => number) => [name, ...figures(spreadOf(reloads.map(of)))]
    return table(
      [`reload of ${ROUTES} routes`, 'median', 'min–max'],
      [
        row('CPU of the control process', ({ cpu }) => cpu),
        row('`banyan reload`, its own start included', ({ command }) => command),
      ],
    )
  },
}

type Reload = { readonly cpu: number; readonly command: number }

/** Moves one route to the other upstream and back; done when requests see it and the control process rests. */
async function reloadOnce(router: Router, control: number, turn: number, bench: Bench): Promise<Reload> {
  const [first, second] = bench.upstreams
  const moves = turn % 2 === 0
  const before = cpuOf(control)
  const startedAt = performance.now()
  await router.configure({ count: ROUTES, upstreams: bench.upstreams, ...(moves && { moved: MOVED }) })
  await router.verb('reload')
  const command = performance.now() - startedAt
  await untilServedBy(moves ? second : first, router, bench)
  // The file's change is noticed as well, a moment later: what that costs is the reload's too.
  await sleep(SETTLES_MS, undefined, { signal: bench.signal })
  return { cpu: (cpuOf(control) - before) / 1000, command }
}

async function untilServedBy(port: number, router: Router, { signal }: Bench): Promise<void> {
  const deadline = performance.now() + 2_000
  for (;;) {
    const { status, headers } = await ask(router.url + pathOf(MOVED), signal, { [ASKS_BACK]: '1' })
    if (status !== 200) throw new Error(`a request during a reload was answered ${status}`)
    if (Number(headers[SEEN_PORT]) === port) return
    if (performance.now() > deadline) throw new Error('2 s after banyan reload the old table still serves')
    await sleep(5, undefined, { signal })
  }
}

function cpuOf(pid: number): number {
  const stat = statOf(pid)
  if (stat === undefined) throw new Error(`the control process ${pid} has ended`)
  return stat.cpuMicros
}

function figures({ median, min, max }: Spread): readonly string[] {
  return [milliseconds(median), `${min.toFixed(0)}–${milliseconds(max)}`]
}

const SETTLES_MS = 700
