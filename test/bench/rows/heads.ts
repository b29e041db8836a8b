import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../../estate.ts'
import { pathOf, startRouter } from '../banyan.ts'
import { startProxy, VARIES } from '../nginx.ts'
import { comparison } from '../report.ts'
import { measure } from '../rounds.ts'
import type { Bench, Row } from '../row.ts'

const ROUTE = 102

/** Requests and answers of which no two have the same head, beside nginx. */
export const heads: Row = {
  name: 'heads',
  summary: 'requests and answers of which no two have the same head, beside nginx',
  async run(bench) {
    const [port = 0] = await freePorts(1)
    await using nginx = await startProxy(port, bench.upstreams[0], bench)
    const routes = { count: 200, upstreams: bench.upstreams }
    await using router = await startRouter({ ...bench, routes, name: 'heads' })
    const { dataplane } = await router.roles()
    const script = [await scriptOf(bench)]
    const path = pathOf(ROUTE)
    const subjects = [
      { name: 'nginx', url: `http://127.0.0.1:${port}${path}`, pid: nginx.pid, script },
      { name: 'Banyan', url: router.url + path, pid: router.pid, dataplane, script },
    ]
    return comparison(await measure(subjects, bench), ['nginx'])
  },
}

/** A script for wrk: each request asks for another owner, and for an answer with a field of its own. */
async function scriptOf({ folder }: Bench): Promise<string> {
  const file = join(folder, 'heads.lua')
  const path = pathOf(ROUTE).replace('42', '" .. (1000000 + count % 9000000) .. "')
  await writeFile(
    file,
    `local count = 0
wrk.headers["${VARIES}"] = "1"
request = function()
  count = count + 1
  return wrk.format(nil, "${path}")
end
`,
  )
  return file
}
