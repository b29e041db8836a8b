import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type JsonObject, objectOf, textOf } from '../../../../router/discovery/json.ts'
import { own } from '../../../../router/kernel/own.ts'

/**
 * A server that speaks as much of the Kubernetes API as is needed to say what a real one cannot be made to say: newer
 * versions, conditions that only a kubelet sets, a watch that expires on request.
 */
export type ApiServer = {
  /** A kubeconfig that leads to it. */
  readonly kubeconfig: string
  /** Every request so far: `list PATH`, `watch PATH from VERSION`. */
  readonly asked: string[]
  /** What is there, by path of its resource (`/api/v1/services`), with the version it is of. */
  set(path: string, objects: readonly JsonObject[]): void
  /** Tells all who watch this path. */
  emit(path: string, type: string, object: JsonObject): void
  /** Ends every stream in order (`end`) or as a lost connection does (`destroy`). */
  cut(how: 'end' | 'destroy'): void
  /** Every request from now on is answered with this status and message; undefined: as it should be. */
  refuse(status: number | undefined, message?: string): void
  /** Whatever has this in its path is answered with 403. */
  forbid(part: string): void
  /** From now on requests are taken and never answered. */
  mute(): void
  /** Most objects in an answer. */
  page: number
  close(): Promise<void>
}

export async function startApiServer(versions: readonly string[] = ['v1']): Promise<ApiServer> {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-api-'))
  const objects = new Map<string, readonly JsonObject[]>()
  const streams = new Map<ServerResponse, string>()
  const asked: string[] = []
  let version = 100
  const forbidden: string[] = []
  let muted = false
  let refusal: { readonly status: number; readonly message: string } | undefined

  const server = createServer((request, response) => {
    const { pathname: path, searchParams } = new URL(request.url ?? '/', 'http://api.test')
    if (muted) return void asked.push(`silence ${path}`)
    if (refusal !== undefined) return answer(response, refusal.status, { kind: 'Status', message: refusal.message })
    if (forbidden.some((part) => path.includes(part))) return answer(response, 403, { kind: 'Status', message: 'no' })
    const group = /^\/apis\/[^/]+$/.test(path)
    if (group) return answer(response, 200, { versions: versions.map((one) => ({ version: one })) })
    if (searchParams.get('watch') === 'true') {
      asked.push(`watch ${path} from ${searchParams.get('resourceVersion')}`)
      streams.set(response, path)
      response.on('close', () => streams.delete(response))
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
      return undefined
    }
    const selector = searchParams.get('labelSelector')
    asked.push(`list ${path}${selector === null ? '' : ` of ${selector}`}`)
    const all = objects.get(path) ?? []
    const from = Number(searchParams.get('continue') ?? 0)
    const items = all.slice(from, from + fake.page)
    const more = from + items.length < all.length ? { continue: `${from + items.length}` } : {}
    return answer(response, 200, { metadata: { resourceVersion: `${version}`, ...more }, items })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const kubeconfig = join(folder, 'config')
  writeFileSync(kubeconfig, kubeconfigFor(`http://127.0.0.1:${port}`))

  const fake: ApiServer = {
    kubeconfig,
    asked,
    page: 500,
    set: (path, next) => void objects.set(path, next),
    emit(path, type, object) {
      version += 1
      const metadata = { ...objectOf(own(object, 'metadata')), resourceVersion: `${version}` }
      const line = `${JSON.stringify({ type, object: type === 'ERROR' ? object : { ...object, metadata } })}\n`
      for (const [response, watched] of streams) if (watched === path) response.write(line)
    },
    cut(how) {
      for (const response of streams.keys()) how === 'end' ? response.end() : response.destroy()
    },
    mute() {
      muted = true
    },
    forbid: (part) => void forbidden.push(part),
    refuse(status, message = '') {
      refusal = status === undefined ? undefined : { status, message }
    },
    async close() {
      server.closeAllConnections()
      server.close()
      rmSync(folder, { recursive: true, force: true })
      await once(server, 'close')
    },
  }
  return fake
}

function answer(response: ServerResponse, status: number, body: JsonObject): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** A kubeconfig with one context. */
export function kubeconfigFor(server: string): string {
  return [
    'apiVersion: v1',
    'current-context: test',
    'contexts: [{ name: test, context: { cluster: here, user: me, namespace: clinic } }]',
    `clusters: [{ name: here, cluster: { server: "${server}" } }]`,
    'users: [{ name: me, user: { token: secret } }]',
  ].join('\n')
}

/** Name of an object, for tests that only count which there are. */
export function nameOf(object: JsonObject): string {
  return textOf(own(objectOf(own(object, 'metadata')), 'name'))
}
