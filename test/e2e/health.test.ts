import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { UpstreamView } from '../../router/admin/views.ts'
import { openConnection } from './browser.ts'
import { prepareRouter, type Router } from './router.ts'
import { eventually } from './supervised.ts'

/** An application with a health page of its own; `well` is what that says. */
type App = { readonly server: Server; readonly address: string; well: boolean; checks: number; served: number }

async function startApp(): Promise<App> {
  const server = createServer((request, response) => {
    if (request.url === '/health') app.checks++
    // What comes through the router asks for this; discovery asks for paths of its own.
    else if (request.url === '/') app.served++
    response.statusCode = request.url === '/health' && !app.well ? 503 : 200
    response.end('ok')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const app: App = { server, address: `127.0.0.1:${port}`, well: true, checks: 0, served: 0 }
  return app
}

let apps: readonly App[]
let router: Router

beforeAll(async () => {
  apps = await Promise.all([startApp(), startApp()])
  router = await prepareRouter(`default: clinic
upstreams:
  clinic:
    urls: [${apps.map(({ address }) => `"http://${address}"`).join(', ')}]
    balance: round-robin
    health: { path: /health, interval: 200ms, healthyAfter: 1, unhealthyAfter: 2 }
`)
  await router.up()
})
afterAll(async () => {
  await router.close()
  for (const { server } of apps) server.close()
})

/** Whether each application was asked by one of so many requests. */
async function served(requests = 12): Promise<readonly boolean[]> {
  for (const app of apps) app.served = 0
  const connections = await Promise.all(Array.from({ length: requests }, () => openConnection(router.port)))
  await Promise.all(connections.map((connection) => connection.ask('/')))
  for (const connection of connections) connection.close()
  return apps.map((app) => app.served > 0)
}

async function states(): Promise<readonly string[]> {
  const answer = await fetch(`${router.adminUrl}/api/upstreams`)
  const { upstreams } = (await answer.json()) as { upstreams: UpstreamView[] }
  return upstreams.flatMap(({ health }) => health.map(({ address, state }) => `${address} ${state}`))
}

it('an endpoint whose check fails gets nothing from any process, control alive or not, until it is well again', async () => {
  const [sick, well] = apps
  if (sick === undefined || well === undefined) throw new Error('two applications were started')
  await eventually(() => expect(apps.map(({ checks }) => checks > 0)).toEqual([true, true]))
  expect(await served()).toEqual([true, true])

  sick.well = false
  await eventually(async () => expect(await served()).toEqual([false, true]))
  expect(await states()).toEqual([`${sick.address} unhealthy`, `${well.address} healthy`])
  expect(await router.banyan('upstreams')).toContain('its health check fails: it answered 503')

  // What is known outlives control, and the next one begins with it.
  const { control } = router.pids()
  process.kill(control, 'SIGKILL')
  for (let round = 0; round < 5; round++) expect(await served()).toEqual([false, true])
  await eventually(() => expect(router.pids().control).not.toBe(control))
  await eventually(async () => expect(await states()).toEqual([`${sick.address} unhealthy`, `${well.address} healthy`]))
  expect(await served()).toEqual([false, true])

  sick.well = true
  await eventually(async () => expect(await served(40)).toEqual([true, true]))
  expect(await states()).toEqual([`${sick.address} healthy`, `${well.address} healthy`])
})

it('one process asks for all of them', async () => {
  const before = apps.map(({ checks }) => checks)
  const started = performance.now()
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const most = Math.ceil((performance.now() - started) / 180) + 1
  for (const [at, { checks }] of apps.entries()) expect(checks - (before[at] ?? 0)).toBeLessThanOrEqual(most)
})
