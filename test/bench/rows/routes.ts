import { pathOf, startRouter } from '../banyan.ts'
import { comparison } from '../report.ts'
import { measure, type Subject } from '../rounds.ts'
import type { Row } from '../row.ts'

/** The same request with a table of 200 routes and with one of 1,000. */
export const routes: Row = {
  name: 'routes',
  summary: 'the same request with 200 routes and with 1,000',
  async run(bench) {
    await using ended = new AsyncDisposableStack()
    const subjects: Subject[] = []
    for (const count of [200, 1000]) {
      const options = { ...bench, routes: { count, upstreams: bench.upstreams }, name: `routes-${count}` }
      const router = ended.use(await startRouter(options))
      const { dataplane } = await router.roles()
      // Route 102 is about the middle of one table, 502 of the other: the same kind of pattern.
      const url = router.url + pathOf(count / 2 + 2)
      subjects.push({ name: `${count} routes`, url, pid: router.pid, dataplane })
    }
    return comparison(await measure(subjects, bench), ['200 routes'])
  },
}
