import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ROOT } from '../../estate.ts'
import { spreadOf } from '../arithmetic.ts'
import { ask } from '../ask.ts'
import { startRouter } from '../banyan.ts'
import { runToEnd } from '../children.ts'
import { describedPath } from '../described.ts'
import { ASKS_BACK, SEEN_PORT } from '../nginx.ts'
import { comparison, range, table } from '../report.ts'
import { measure, type Subject } from '../rounds.ts'
import type { Bench, Row } from '../row.ts'

const FEW = 200
const MANY = 10_000
const JOINS = 21

/** The same request where 200 operations were discovered and where 10,000 were, and what joining these takes. */
export const operations: Row = {
  name: 'operations',
  summary: `the same request with ${FEW} discovered operations and with ${MANY}, and joining the catalogue of these`,
  async run(bench) {
    await using ended = new AsyncDisposableStack()
    const subjects: Subject[] = []
    for (const described of [FEW, MANY]) {
      const routes = { count: 1, upstreams: bench.upstreams, described }
      const router = ended.use(await startRouter({ ...bench, routes, name: `operations-${described}` }))
      const { dataplane } = await router.roles()
      // About the middle of each, and the same kind of pattern.
      const url = router.url + describedPath(described / 2 + 2)
      await untilOwned(url, bench)
      subjects.push({ name: `${described} operations`, url, pid: router.pid, dataplane })
    }
    const measured = comparison(await measure(subjects, bench), [`${FEW} operations`])
    return `${measured}\n\n${await joins(bench)}`
  },
}

/** The description was read, and its operations go to the upstream that has them: the default is the other one. */
async function untilOwned(url: string, { signal, upstreams: [, second] }: Bench): Promise<void> {
  const deadline = performance.now() + DISCOVERED_MS
  for (;;) {
    const { headers } = await ask(url, signal, { [ASKS_BACK]: '1' })
    if (Number(headers[SEEN_PORT]) === second) return
    if (performance.now() > deadline) throw new Error(`after 20 s ${url} still goes to the default upstream`)
    await sleep(50, undefined, { signal })
  }
}

/** In a process of its own, which has joined nothing before. */
async function joins({ signal }: Bench): Promise<string> {
  const args = [join(ROOT, 'test/bench/join.ts'), String(MANY), String(JOINS)]
  const { stdout } = await runToEnd(process.execPath, args, { signal, timeoutMs: 60_000 })
  const [cold = Number.NaN, ...warm] = JSON.parse(stdout) as readonly number[]
  return table(
    [`joining ${MANY} operations`, 'ms'],
    [
      ['the first time in a process', cold.toFixed(1)],
      [`${warm.length} times more`, range(spreadOf(warm), 1)],
    ],
  )
}

const DISCOVERED_MS = 20_000
