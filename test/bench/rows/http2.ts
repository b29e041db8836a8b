import { freePorts } from '../../estate.ts'
import { pathOf, startRouter } from '../banyan.ts'
import { driveStreams } from '../h2load.ts'
import { hasProgram } from '../machine.ts'
import { startHttp2Proxy } from '../nginx-http2.ts'
import { comparison } from '../report.ts'
import { measure, type Subject, verify } from '../rounds.ts'
import type { Bench, Row } from '../row.ts'

const ROUTE = 102

/** A proxied GET by HTTP/2, in plain, to an upstream in HTTP/1.1. */
export const http2: Row = {
  name: 'http2',
  summary: 'a proxied GET by HTTP/2 beside nginx',
  async run(bench) {
    if (!hasProgram('h2load')) return 'h2load is not installed here, so nothing was measured.'
    await using ended = new AsyncDisposableStack()
    const subjects = [await nginxSubject(bench, ended), await banyanSubject(bench, ended)]
    return comparison(await measure(subjects, bench), ['nginx'])
  },
}

async function nginxSubject(bench: Bench, ended: AsyncDisposableStack): Promise<Subject> {
  const [plain = 0, port = 0] = await freePorts(2)
  const ports = { plain, port, upstream: bench.upstreams[0], grpc: false }
  const { pid } = ended.use(await startHttp2Proxy(ports, bench))
  return subject('nginx', pid, `http://127.0.0.1:${plain}${pathOf(ROUTE)}`, `http://127.0.0.1:${port}${pathOf(ROUTE)}`)
}

async function banyanSubject(bench: Bench, ended: AsyncDisposableStack): Promise<Subject> {
  const routes = { count: 200, upstreams: bench.upstreams }
  const router = ended.use(await startRouter({ ...bench, routes, name: 'http2' }))
  const { dataplane } = await router.roles()
  const url = router.url + pathOf(ROUTE)
  return { ...subject('Banyan', router.pid, url, url), dataplane }
}

/** Verified in HTTP/1.1 at `plain`, driven in HTTP/2 at `url`. */
function subject(name: string, pid: number, plain: string, url: string): Subject {
  const own = { name, pid, url: plain }
  return {
    ...own,
    driver: {
      drive: (seconds, signal) => driveStreams({ url, seconds, signal }),
      verify: (signal) => verify(own, signal),
    },
  }
}
