import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ask } from '../ask.ts'
import { idOf, pathOf, type Router, startRouter } from '../banyan.ts'
import { ASKS_BACK, SEEN_PORT } from '../nginx.ts'
import { comparison } from '../report.ts'
import { measure } from '../rounds.ts'
import type { Bench, Row } from '../row.ts'

const PLAIN = 98
const SHIFTED = 102

/** A route whose shift is in progress beside a plain one of the same router. */
export const shift: Row = {
  name: 'shift',
  summary: 'a route with a shift in progress beside a plain one',
  async run(bench) {
    await using router = await startRouter({
      ...bench,
      routes: { count: 200, upstreams: bench.upstreams, shifted: SHIFTED },
      name: 'shift',
    })
    await router.verb('shift', 'start', idOf(SHIFTED))
    const script = await scriptOf(await visitors(router, bench), bench)
    const { dataplane } = await router.roles()
    const common = { pid: router.pid, dataplane }
    const url = router.url + pathOf(SHIFTED)
    const subjects = [
      { ...common, name: 'plain route', url: router.url + pathOf(PLAIN) },
      { ...common, name: 'shift at 50 %, clients with their cookie', url, script },
      { ...common, name: 'shift at 50 %, every client new', url },
    ]
    return comparison(await measure(subjects, bench), ['plain route'])
  },
}

/** The cookies of 64 clients, after making sure that both arms serve them and that nobody's arm changes. */
async function visitors({ url }: Router, { signal, upstreams }: Bench): Promise<readonly string[]> {
  const cookies: string[] = []
  const seen = new Set<unknown>()
  for (let client = 0; client < 64; client++) {
    const first = await ask(url + pathOf(SHIFTED), signal, { [ASKS_BACK]: '1' })
    const cookie = [first.headers['set-cookie'] ?? []].flat().map((set) => set.split(';')[0])[0]
    if (cookie === undefined) throw new Error('a route with a shift in progress set no cookie: is the shift on?')
    const again = await ask(url + pathOf(SHIFTED), signal, { [ASKS_BACK]: '1', cookie })
    if (again.headers[SEEN_PORT] !== first.headers[SEEN_PORT]) throw new Error(`the client with ${cookie} changed arm`)
    seen.add(Number(again.headers[SEEN_PORT]))
    cookies.push(cookie)
  }
  if (!upstreams.every((port) => seen.has(port))) throw new Error('of 64 clients at 50 %, one arm served nobody')
  return cookies
}

/** A script for wrk that sends the requests of all of them in turn, made once. */
async function scriptOf(cookies: readonly string[], { folder }: Bench): Promise<readonly string[]> {
  const file = join(folder, 'cookies.lua')
  await writeFile(
    file,
    `local requests, turn = {}, 0
function init(cookies)
  for index, cookie in ipairs(cookies) do
    requests[index] = wrk.format("GET", nil, { Cookie = cookie })
  end
end
function request()
  turn = turn % #requests + 1
  return requests[turn]
end
`,
  )
  return [file, ...cookies]
}
