import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../../estate.ts'
import { ratioOf, spreadOf } from '../arithmetic.ts'
import { pathOf, startRouter } from '../banyan.ts'
import { LARGE, startProxy } from '../nginx.ts'
import { range, table } from '../report.ts'
import { measure, type Subject } from '../rounds.ts'
import type { Bench, Row } from '../row.ts'

const POSTED = 102
const SENT = 'x'.repeat(1024)

/** Larger answers and a request with a body, beside nginx. */
export const sizes: Row = {
  name: 'sizes',
  summary: 'answers of 16 KiB and 1 MiB, and a POST of 1 KiB, beside nginx; runs half as long',
  async run(bench) {
    const [port = 0] = await freePorts(1)
    await using nginx = await startProxy(port, bench.upstreams[0], bench)
    const routes = { count: 200, upstreams: bench.upstreams, posted: POSTED }
    await using router = await startRouter({ ...bench, routes, name: 'sizes' })
    const pair = (path: string, common: Partial<Subject>): readonly Subject[] => [
      { ...common, name: 'nginx', url: `http://127.0.0.1:${port}${path}`, pid: nginx.pid },
      { ...common, name: 'Banyan', url: router.url + path, pid: router.pid },
    ]
    const rows = []
    for (const { name, path, bytes } of LARGE) {
      rows.push(await compared(`GET, answer of ${name}`, pair(path, { answers: 'x'.repeat(bytes) }), bench))
    }
    const post = { sends: SENT, script: [await scriptOf(bench)] }
    rows.push(await compared('POST of 1 KiB', pair(pathOf(POSTED), post), bench))
    return table(['', 'nginx, CPU µs a request', 'Banyan', 'CPU × nginx', 'bytes a CPU second × nginx'], rows)
  },
}

async function compared(name: string, subjects: readonly Subject[], bench: Bench): Promise<readonly string[]> {
  const say = (line: string) => bench.say(`${name}: ${line}`)
  const pace = { ...bench, say, seconds: Math.ceil(bench.seconds / 2), warmUpSeconds: 1 }
  const [nginx = [], banyan = []] = (await measure(subjects, pace)).map(({ samples }) => samples.map(({ cpu }) => cpu))
  const figures = [spreadOf(nginx), spreadOf(banyan)].map((spread) => range(spread, 1))
  // All answers of one kind are as long, so bytes a second of CPU stand the other way round.
  return [name, ...figures, range(ratioOf(banyan, nginx), 2), range(ratioOf(nginx, banyan), 2)]
}

/** A script for wrk that sends the body. */
async function scriptOf({ folder }: Bench): Promise<string> {
  const file = join(folder, 'post.lua')
  await writeFile(file, `wrk.method = "POST"\nwrk.body = "${SENT}"\n`)
  return file
}
