import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { StartedTestContainer } from 'testcontainers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWith } from '../needs.ts'
import {
  answers,
  ask,
  BUILD_TIMEOUT_MS,
  buildImages,
  container,
  gatewayOf,
  removeContainers,
  settingsOf,
  stopped,
  userOf,
} from './containers.ts'

describeWith('docker', "the router's image", (docker) => {
  const upstream = createServer((request, response) => response.end(`upstream saw ${request.url}`))
  let router: StartedTestContainer
  beforeAll(async () => {
    buildImages(docker, 'banyan')
    const gateway = gatewayOf(docker)
    upstream.listen(0, gateway)
    await once(upstream, 'listening')
    router = await container('banyan')
      .withCopyContentToContainer([
        { target: '/etc/banyan/banyan.yaml', content: configuration(`http://${gateway}:${portOf(upstream)}`) },
        { target: '/etc/banyan/functions/hello/index.ts', content: HELLO },
      ])
      .withExposedPorts(8080, 9081)
      .withWaitStrategy(answers('/readyz', 9081))
      .start()
  }, BUILD_TIMEOUT_MS)
  afterAll(() => {
    removeContainers(docker)
    upstream.closeAllConnections()
    upstream.close()
  })

  it('answers its health path and serves an upstream outside', async () => {
    expect((await ask(router, 9081, '/healthz')).status).toBe(200)
    expect(await ask(router, 8080, '/owners/1')).toEqual({ status: 200, body: 'upstream saw /owners/1' })
  })

  it('hosts functions inside', async () => {
    await expect.poll(() => ask(router, 8080, '/hello'), { timeout: 10_000 }).toEqual({ status: 200, body: 'hello' })
  })

  it('runs as a user that is not root', async () => {
    expect(await userOf(router)).toBe('1000')
    expect(settingsOf(docker, router).User).toBe('1000:1000')
  })

  it('has a health check that passes', async () => {
    const [kind, ...command] = settingsOf(docker, router).Healthcheck.Test
    expect(kind).toBe('CMD')
    expect((await router.exec(command)).exitCode).toBe(0)
  })

  it('keeps its state in the volume', async () => {
    const { output } = await router.exec(['node', '-p', "fs.readdirSync('/var/lib/banyan').includes('state.db')"])
    expect(output.trim()).toBe('true')
  })

  it('ends cleanly when it is asked to', () => {
    expect(stopped(docker, router)).toBe('exited 0')
  })
})

const HELLO = "export default { fetch: () => new Response('hello') }\n"

function configuration(url: string): string {
  return `
listen: [{ port: 8080 }]
state: sqlite:/var/lib/banyan/state.db
processes: 1
lameDuck: 0s
default: app
upstreams: { app: { url: '${url}' } }
functions: ./functions
routes: [{ path: /hello, to: functions/hello }]
`
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the upstream does not listen')
  return address.port
}
