import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { authority } from '../../certificates.ts'
import { freePorts } from '../../estate.ts'
import { pathOf, startRouter } from '../banyan.ts'
import { startHaproxy } from '../haproxy.ts'
import { hasProgram } from '../machine.ts'
import { type SecurePort, startProxy } from '../nginx.ts'
import { comparison } from '../report.ts'
import { measure, type Subject } from '../rounds.ts'
import type { Bench, Row } from '../row.ts'

const ROUTE = 102

/** A proxied GET by TLS on connections that are kept alive: encryption, without the cost of handshakes. */
export const tls: Row = {
  name: 'tls',
  summary: 'a proxied GET by TLS, kept alive, beside nginx and HAProxy',
  async run(bench) {
    await using ended = new AsyncDisposableStack()
    // Folders of the programs are named after them: those of this row are below one of its own.
    const folder = join(bench.folder, 'tls')
    await mkdir(folder)
    const own = { ...bench, folder }
    const subjects = [await proxySubject('nginx', startProxy, own, ended)]
    const haproxy = hasProgram('haproxy')
    if (haproxy) subjects.push(await proxySubject('HAProxy', startHaproxy, own, ended))
    subjects.push(await banyanSubject(own, ended))
    const figures = comparison(await measure(subjects, bench), ['nginx', 'HAProxy'])
    return haproxy ? figures : `${figures}\n\nHAProxy is not installed here, so it is left out.`
  },
}

async function proxySubject(
  name: string,
  start: typeof startProxy,
  bench: Bench,
  ended: AsyncDisposableStack,
): Promise<Subject> {
  const [port = 0] = await freePorts(1)
  const secure = await securePort(bench.folder, name)
  const { pid } = ended.use(await start(port, bench.upstreams[0], { ...bench, secure }))
  return { name, url: `https://127.0.0.1:${secure.port}${pathOf(ROUTE)}`, pid }
}

async function banyanSubject(bench: Bench, ended: AsyncDisposableStack): Promise<Subject> {
  const secure = await securePort(bench.folder, 'Banyan')
  const routes = { count: 200, upstreams: bench.upstreams, secure }
  const router = ended.use(await startRouter({ ...bench, routes, name: 'router' }))
  const { dataplane } = await router.roles()
  return { name: 'Banyan', url: `https://127.0.0.1:${secure.port}${pathOf(ROUTE)}`, pid: router.pid, dataplane }
}

async function securePort(folder: string, name: string): Promise<SecurePort> {
  const [port = 0] = await freePorts(1)
  const { cert, key } = await (await authority()).issue({ ip: ['127.0.0.1'] })
  const fileOf = (kind: string) => join(folder, `${name}.${kind}`)
  const [certFile, keyFile, pem] = [fileOf('crt'), fileOf('key'), fileOf('pem')]
  await writeFile(certFile, cert)
  await writeFile(keyFile, key)
  await writeFile(pem, cert + key)
  return { port, cert: certFile, key: keyFile, pem }
}
