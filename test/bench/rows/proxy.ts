import { join } from 'node:path'
import { freePorts, ROOT } from '../../estate.ts'
import { untilAnswered } from '../ask.ts'
import { pathOf, startRouter } from '../banyan.ts'
import { startChild } from '../children.ts'
import { startHaproxy } from '../haproxy.ts'
import { hasProgram } from '../machine.ts'
import { startProxy } from '../nginx.ts'
import { comparison } from '../report.ts'
import { measure, type Subject } from '../rounds.ts'
import type { Bench, Row } from '../row.ts'

const ROUTE = 102

/** Banyan beside nginx, HAProxy and two Node gateways. */
export const proxy: Row = {
  name: 'proxy',
  summary: 'a plain proxied GET beside nginx, HAProxy and two Node gateways, one process each',
  async run(bench) {
    await using ended = new AsyncDisposableStack()
    const nginx = await nginxSubject(bench, ended)
    const haproxy = hasProgram('haproxy') ? [await haproxySubject(bench, ended)] : []
    const fastify = await nodeSubject('@fastify/http-proxy', 'fastify-proxy.ts', bench, ended)
    const httpProxy = await nodeSubject('http-proxy-3', 'http-proxy-3.ts', bench, ended)
    const banyan = await banyanSubject(bench, ended)
    const measured = await measure([nginx, ...haproxy, fastify, httpProxy, banyan], bench)
    const figures = comparison(measured, ['nginx', 'HAProxy', '@fastify/http-proxy', 'http-proxy-3'])
    return haproxy.length > 0 ? figures : `${figures}\n\nHAProxy is not installed here, so it is left out.`
  },
}

async function nginxSubject(bench: Bench, ended: AsyncDisposableStack): Promise<Subject> {
  const [port = 0] = await freePorts(1)
  const { pid } = ended.use(await startProxy(port, bench.upstreams[0], bench))
  return { name: 'nginx', url: `http://127.0.0.1:${port}${pathOf(ROUTE)}`, pid }
}

async function haproxySubject(bench: Bench, ended: AsyncDisposableStack): Promise<Subject> {
  const [port = 0] = await freePorts(1)
  const { pid } = ended.use(await startHaproxy(port, bench.upstreams[0], bench))
  return { name: 'HAProxy', url: `http://127.0.0.1:${port}${pathOf(ROUTE)}`, pid }
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
