import { join } from 'node:path'
import { freePorts, ROOT } from '../../estate.ts'
import { untilAnswered } from '../ask.ts'
import { pathOf, startRouter } from '../banyan.ts'
import { startChild } from '../children.ts'
import { startProxy } from '../nginx.ts'
import { comparison } from '../report.ts'
import { measure, type Subject } from '../rounds.ts'
import type { Bench, Row } from '../row.ts'

const ROUTE = 102

/** Banyan beside nginx and @fastify/http-proxy. */
export const proxy: Row = {
  name: 'proxy',
  summary: 'a plain proxied GET beside nginx and @fastify/http-proxy, one process each',
  async run(bench) {
    await using ended = new AsyncDisposableStack()
    const nginx = await nginxSubject(bench, ended)
    const fastify = await fastifySubject(bench, ended)
    const banyan = await banyanSubject(bench, ended)
    const measured = await measure([nginx, fastify, banyan], bench)
    return comparison(measured, ['nginx', '@fastify/http-proxy'])
  },
}

async function nginxSubject(bench: Bench, ended: AsyncDisposableStack): Promise<Subject> {
  const [port = 0] = await freePorts(1)
  const { pid } = ended.use(await startProxy(port, bench.upstreams[0], bench))
  return { name: 'nginx', url: `http://127.0.0.1:${port}${pathOf(ROUTE)}`, pid }
}

async function fastifySubject({ upstreams, signal }: Bench, ended: AsyncDisposableStack): Promise<Subject> {
  const [port = 0] = await freePorts(1)
  const args = [join(ROOT, 'test/bench/fastify-proxy.ts'), String(port), String(upstreams[0])]
  const child = ended.use(await startChild(process.execPath, args, { env: { NODE_ENV: 'production' }, cwd: ROOT }))
  const url = `http://127.0.0.1:${port}${pathOf(ROUTE)}`
  await untilAnswered(url, child, { signal })
  return { name: '@fastify/http-proxy', url, pid: child.pid }
}

async function banyanSubject(bench: Bench, ended: AsyncDisposableStack): Promise<Subject> {
  const routes = { count: 200, upstreams: bench.upstreams }
  const router = ended.use(await startRouter({ ...bench, routes, name: 'proxy' }))
  const { dataplane } = await router.roles()
  return { name: 'Banyan', url: router.url + pathOf(ROUTE), pid: router.pid, dataplane }
}
