import { once } from 'node:events'
import { createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Metadata, status as STATUS } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { probe } from '../../router/control/health-probe.ts'
import { http2Client, post } from '../wire/http2-client.ts'
import type { Setup } from '../wire/support.ts'
import { eventually, rawUpstream, router } from '../wire/support.ts'
import { greeter, greeterClient, listen } from './greeter.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** A server, and a client that reaches it through the router; with `directly`, without. */
async function through(over: Partial<Setup['upstreams'][string]> = {}, setup: Partial<Setup> = {}) {
  const server = await greeter()
  closing.push(() => server.kill())
  const { port, plane } = await router({
    upstreams: { greeter: { ports: [server.port], transport: 'http2', ...over } },
    ...setup,
  })
  const client = greeterClient(port)
  closing.push(() => client.close())
  return { server, client, port, plane }
}

describe('gRPC through the router', () => {
  it('H36: a unary call is answered, with metadata before and behind', async () => {
    const { client, server } = await through()
    const metadata = new Metadata()
    metadata.set('x-mine', 'yes')
    metadata.set('x-bytes-bin', Buffer.from([0, 255, 10]))
    const { value, status, head } = await client.unary('world', {}, metadata).answer
    expect([value, status.code]).toEqual(['hello world', STATUS.OK])
    expect(head?.get('x-before')).toEqual(['first'])
    expect(status.metadata.get('x-behind')).toEqual(['after'])
    expect(server.metadata[0]?.get('x-mine')).toEqual(['yes'])
    expect(server.metadata[0]?.get('x-bytes-bin')).toEqual([Buffer.from([0, 255, 10])])
    expect(server.metadata[0]?.get('via')).toEqual(['2.0 banyan'])
  })

  it('H36: what the server answers with a status goes back as it is', async () => {
    const { client } = await through()
    for (const code of [STATUS.NOT_FOUND, STATUS.PERMISSION_DENIED, STATUS.UNAUTHENTICATED]) {
      const { status } = await client.unary(`fail ${code}`).answer
      expect([status.code, status.details]).toEqual([code, 'it was asked to, für 100%'])
      expect(status.metadata.get('x-behind')).toEqual(['after'])
    }
  })

  it('H36: a client streams', async () => {
    const { client } = await through()
    const parts = Array.from({ length: 500 }, (_, index) => `part ${index}`)
    expect(await client.collect(parts)).toBe(parts.join(','))
    expect(await client.collect([])).toBe('')
  })

  it('H36: a server streams, and says at the end how it went', async () => {
    const { client } = await through()
    const whole = await listen(client.count(1000))
    expect([whole.parts.length, whole.parts.at(-1), whole.status.code]).toEqual([1000, '1000', STATUS.OK])
    const broken = await listen(client.count(-3))
    expect([broken.parts, broken.status.code, broken.status.details]).toEqual([
      ['1', '2', '3'],
      STATUS.DATA_LOSS,
      'no more',
    ])
  })

  it('H36: both stream, each at its own time', async () => {
    const { client } = await through()
    const call = client.talk()
    const said: string[] = []
    const ended = listen(call, (part) => {
      said.push(part)
      // Only now: neither side waits for the other to end.
      if (said.length < 20) call.write(`turn ${said.length}`)
      else call.end()
    })
    call.write('turn 0')
    const { parts, status } = await ended
    expect(parts).toEqual(Array.from({ length: 20 }, (_, index) => `turn ${index}`))
    expect(status.code).toBe(STATUS.OK)
  })

  it('H36: large messages pass whole, both ways', async () => {
    const { client } = await through()
    const large = 'x'.repeat(3_000_000)
    const call = client.talk()
    const ended = listen(call)
    for (let turn = 0; turn < 5; turn++) call.write(large)
    call.end()
    const { parts } = await ended
    expect(parts.map(({ length }) => length)).toEqual(new Array(5).fill(3_000_000))
  })

  it.each(['unary', 'stream'])('H32, H36: a cancelled call is cancelled at the server: %s', async (shape) => {
    const { client, server } = await through()
    if (shape === 'unary') {
      const { answer, cancel } = client.unary('wait')
      await eventually(() => server.begun.length === 1)
      cancel()
      expect((await answer).status.code).toBe(STATUS.CANCELLED)
    } else {
      const call = client.count(0)
      const ended = listen(call, () => call.cancel())
      expect((await ended).status.code).toBe(STATUS.CANCELLED)
    }
    await eventually(() => server.cancelled.length === 1)
    expect((await client.unary('again').answer).value).toBe('hello again')
  })

  it('H36: a deadline ends the call on both sides', async () => {
    const { client, server } = await through()
    const { answer } = client.unary('wait', { deadline: Date.now() + 300 })
    expect((await answer).status.code).toBe(STATUS.DEADLINE_EXCEEDED)
    await eventually(() => server.cancelled.length === 1)
  })

  it("H36: grpc-timeout holds where nobody else counts; so does the route's limit where it is less", async () => {
    const silent = await rawUpstream(() => {})
    const { port } = await router({ upstreams: { web: { ports: [silent.port] } } })
    const one = await http2Client(port)
    one.request(1, post('/shop.Greeter/Greet', 'content-type: application/grpc', 'grpc-timeout: 100m'))
    const { status: head, fields } = await one.answer(1)
    expect([head, ...fields.filter((field) => field.startsWith('grpc-'))]).toEqual([
      200,
      'grpc-status: 4',
      'grpc-message: response_too_slow',
    ])

    const timeouts = { connect: 2000, firstByte: 5000, idle: 5000, total: 100 }
    const limited = await through({ timeouts })
    const { status } = await limited.client.unary('wait', { deadline: Date.now() + 5000 }).answer
    expect([status.code, status.details]).toEqual([STATUS.DEADLINE_EXCEEDED, 'response_too_slow'])
  })

  it('H36: a server that dies before it answers is UNAVAILABLE', async () => {
    const { client, server } = await through()
    const { answer } = client.unary('wait')
    await eventually(() => server.begun.length === 1)
    server.kill()
    const { status } = await answer
    expect([status.code, status.details]).toEqual([STATUS.UNAVAILABLE, 'connection_reset'])
    const after = await client.unary('world').answer
    expect([after.status.code, after.status.details]).toEqual([STATUS.UNAVAILABLE, 'connection_refused'])
  })

  it('H29, H36: a server that dies in mid-stream is INTERNAL, never a short success', async () => {
    const { client, server } = await through()
    const { parts, status } = await listen(client.count(0), () => server.kill())
    expect([parts, status.code]).toEqual([['0'], STATUS.INTERNAL])
  })

  it('H36: a server that comes back is used again', async () => {
    const { client, server } = await through({ outlier: false })
    await client.unary('world').answer
    server.kill()
    await eventually(() => true)
    const back = await greeter(server.port)
    closing.push(() => back.kill())
    const told = await client.unary('again').answer
    expect([told.value, told.status.code]).toEqual(['hello again', STATUS.OK])
  })

  it.each<{ why: string; setup: (port: number) => Parameters<typeof router>[0]; code: number; details: string }>([
    {
      why: 'no route',
      setup: (port) => ({
        upstreams: { greeter: { ports: [port], transport: 'http2' } },
        rules: [{ match: { host: 'other.test' }, action: { kind: 'forward', upstream: 'greeter' } }],
      }),
      code: STATUS.UNIMPLEMENTED,
      details: 'route_not_found: no route takes this request and nobody implements it',
    },
    {
      why: 'no endpoint',
      setup: () => ({ upstreams: { greeter: { ports: [], transport: 'http2' } } }),
      code: STATUS.UNAVAILABLE,
      details: 'no_endpoint',
    },
    {
      why: 'a body over the limit',
      setup: (port) => ({
        upstreams: { greeter: { ports: [port], transport: 'http2' } },
        rules: [{ action: { kind: 'forward', upstream: 'greeter' }, policies: [{ kind: 'maxBody', options: 3 }] }],
      }),
      code: STATUS.RESOURCE_EXHAUSTED,
      details: 'body_too_large',
    },
  ])('H35, H36: $why is told as gRPC tells it', async ({ setup, code, details }) => {
    const server = await greeter()
    closing.push(() => server.kill())
    const { port } = await router(setup(server.port))
    const client = greeterClient(port)
    closing.push(() => client.close())
    const { status } = await client.unary('world').answer
    expect(status.code).toBe(code)
    expect(status.details).toContain(details)
  })

  it('H36: an upstream in HTTP/1.1 that is no gRPC server is told by its status', async () => {
    const upstream = await rawUpstream('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n')
    const { port } = await router({ upstreams: { web: { ports: [upstream.port] } } })
    const client = greeterClient(port)
    closing.push(() => client.close())
    expect((await client.unary('world').answer).status.code).toBe(STATUS.UNAVAILABLE)
  })

  it('H36: calls on one connection go on while the router drains, and then it ends', async () => {
    const { client, server, plane } = await through()
    const call = client.talk()
    const ended = listen(call)
    call.write('one')
    await eventually(() => server.begun.length === 1)
    const drained = plane.drain({ lameDuckMs: 50, graceMs: 4000 })
    await new Promise((resolve) => setTimeout(resolve, 800))
    call.write('two')
    call.end()
    const { parts, status } = await ended
    expect([parts, status.code]).toEqual([['one', 'two'], STATUS.OK])
    await drained
  })
})

describe('a health check by gRPC', () => {
  const asking = {
    host: '127.0.0.1',
    path: '/grpc.health.v1.Health/Check',
    authority: 'x',
    timeoutMs: 1000,
    http2: true,
  }

  it('is well where the service is SERVING, and tells why where not', async () => {
    const server = await greeter()
    closing.push(() => server.kill())
    server.states.set('shop.Greeter', 1).set('shop.Old', 2)
    const ask = (service: string): Promise<string | undefined> =>
      probe({ ...asking, port: server.port, grpc: { service } })
    expect(await ask('')).toBeUndefined()
    expect(await ask('shop.Greeter')).toBeUndefined()
    expect(await ask('shop.Old')).toBe('it is NOT_SERVING')
    expect(await ask('shop.None')).toBe('the call failed with grpc-status 5')
    server.kill()
    expect(await ask('')).toBe('ECONNREFUSED')
  })

  it('fails where nobody implements it, and where what listens speaks HTTP/1.1', async () => {
    const other = await nodeServer()
    expect(await probe({ ...asking, port: other, grpc: { service: '' } })).toBe('the call failed with grpc-status 12')
    expect(await probe({ ...asking, path: '/health', port: other })).toBeUndefined()
    const upstream = await rawUpstream()
    expect(await probe({ ...asking, port: upstream.port, grpc: { service: '' } })).not.toBeUndefined()
  })
})

/** Speaks HTTP/2: a call is unknown, a GET is well. */
async function nodeServer(): Promise<number> {
  const server = createServer()
  server.on('stream', (stream, { ':method': method }) => {
    stream.respond(method === 'GET' ? { ':status': 200 } : { ':status': 200, 'grpc-status': '12' }, { endStream: true })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  return (server.address() as AddressInfo).port
}
