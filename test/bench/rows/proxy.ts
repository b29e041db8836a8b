import { join } from 'node:path'
import { freePorts, ROOT } from '../../estate.ts'
import { untilAnswered } from '../ask.ts'
import { pathOf, startRouter } from '../banyan.ts'
import { startChild } from '../children.ts'
import { startEnvoy } from '../envoy.ts'
import { startHaproxy } from '../haproxy.ts'
import { hasProgram } from '../machine.ts'
import { startProxy } from '../nginx.ts'
import { comparison } from '../report.ts'
import { measure, type Subject } from '../rounds.ts'
import type { Bench, Row } from '../row.ts'
import { startTraefik } from '../traefik.ts'

const ROUTE = 102

/** Banyan beside nginx and two Node gateways, and beside those other proxies that are installed. */
export const proxy: Row = {
  name: 'proxy',
  summary: 'a plain proxied GET beside nginx, HAProxy, Envoy, Traefik and two Node gateways, one process each',
  async run(bench) {
    await using ended = new AsyncDisposableStack()
    const [here, absent] = [
      OPTIONAL.filter(({ program }) => hasProgram(program)),
      OPTIONAL.filter(({ program }) => !hasProgram(program)),
    ]
    const subjects = [await proxySubject('nginx', startProxy, bench, ended)]
    for (const { name, start } of here) subjects.push(await proxySubject(name, start, bench, ended))
    subjects.push(await nodeSubject('@fastify/http-proxy', 'fastify-proxy.ts', bench, ended))
    subjects.push(await nodeSubject('http-proxy-3', 'http-proxy-3.ts', bench, ended))
    subjects.push(await banyanSubject(bench, ended))
    const measured = await measure(subjects, bench)
    const figures = comparison(measured, ['nginx', 'HAProxy', '@fastify/http-proxy', 'http-proxy-3'])
    return [figures, ...absent.map(({ name }) => `${name} is not installed here, so it is left out.`)].join('\n\n')
  },
}

type Start = typeof startProxy

const OPTIONAL: readonly { readonly name: string; readonly program: string; readonly start: Start }[] = [
  { name: 'HAProxy', program: 'haproxy', start: startHaproxy },
  { name: 'Envoy', program: 'envoy', start: startEnvoy },
  { name: 'Traefik', program: 'traefik', start: startTraefik },
]

async function proxySubject(name: string, start: Start, bench: Bench, ended: AsyncDisposableStack): Promise<Subject> {
  const [port = 0] = await freePorts(1)
  const { pid } = ended.use(await start(port, bench.upstreams[0], bench))
  return { name, url: `http://127.0.0.1:${port}${pathOf(ROUTE)}`, pid }
}

/** A gateway that is a script of this folder. */
async function nodeSubject(name: string, script: string, { upstreams, signal }: Bench, ended: AsyncDisposableStack) {
  const [port = 0] = await freePorts(1)
  const args = [join(ROOT, 'test/bench', script), String(port), String(upstreams[0])]
  const child = ended.use(await startChild(process.execPath, args, { env: { NODE_ENV: 'production' }, cwd: ROOT }))
  const url = `http://127.0.0.1:${port}${pathOf(ROUTE)}`
  await untilAnswered(url, child, { signal })
  return { name, url, pid: child.pid }
}

async function banyanSubject(bench: Bench, ended: AsyncDisposableStack): Promise<Subject> {
  const routes = { count: 200, upstreams: bench.upstreams }
  const router = ended.use(await startRouter({ ...bench, routes, name: 'proxy' }))
  const { dataplane } = await router.roles()
  return { name: 'Banyan', url: router.url + pathOf(ROUTE), pid: router.pid, dataplane }
}
