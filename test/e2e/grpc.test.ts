import { status as STATUS } from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Greeter, greeter, greeterClient, listen } from '../conformance/greeter.ts'
import { prepareRouter, type Router } from './router.ts'
import { eventually } from './supervised.ts'

let servers: readonly [Greeter, Greeter]
let router: Router
let client: ReturnType<typeof greeterClient>

beforeAll(async () => {
  servers = [await greeter(), await greeter()]
  for (const { states } of servers) states.set('shop.Greeter', 1)
  router = await prepareRouter(`upstreams:
  greeter:
    urls: [${servers.map(({ port }) => `"http://127.0.0.1:${port}"`).join(', ')}]
    protocol: h2c
    balance: round-robin
    health: { grpc: { service: shop.Greeter }, interval: 200ms, healthyAfter: 1, unhealthyAfter: 2 }
routes:
  - path: /shop.Greeter/**
    to: greeter
`)
  await router.up()
  client = greeterClient(router.port)
})
afterAll(async () => {
  client.close()
  await router.close()
  for (const server of servers) server.kill()
})

/** Whether each server was called by one of so many calls. */
async function called(calls = 10): Promise<readonly boolean[]> {
  for (const { begun } of servers) begun.length = 0
  await Promise.all(
    Array.from({ length: calls }, async () => expect((await client.unary('world').answer).value).toBe('hello world')),
  )
  return servers.map(({ begun }) => begun.length > 0)
}

it('a route to a gRPC service is five lines, and its servers are asked how they are', async () => {
  expect(await called()).toEqual([true, true])
  servers[0].states.set('shop.Greeter', 2)
  await eventually(async () => expect(await called()).toEqual([false, true]))
  expect(router.output()).toContain('is unhealthy: the check by grpc.health.v1 failed 2 times, it is NOT_SERVING')
  servers[0].states.set('shop.Greeter', 1)
  await eventually(async () => expect(await called()).toEqual([true, true]))
})

it('a call that streams goes on while the data-plane processes are replaced', async () => {
  const call = client.talk()
  const ended = listen(call)
  call.write('before')
  await eventually(() => expect(servers.flatMap(({ begun }) => begun)).toContain('talk'))
  const replaced = router.banyan('reload', '--processes')
  await new Promise((resolve) => setTimeout(resolve, 500))
  call.write('meanwhile')
  expect((await client.unary('on another connection').answer).status.code).toBe(STATUS.OK)
  call.end()
  const { parts, status } = await ended
  expect([parts, status.code]).toEqual([['before', 'meanwhile'], STATUS.OK])
  await replaced
})
