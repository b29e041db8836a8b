import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { manualClock } from '../../router/kernel/clock.ts'
import type { Log } from '../../router/kernel/log.ts'
import {
  client,
  eventually,
  get,
  later,
  problemOf,
  type RawUpstream,
  rawUpstream,
  routed,
  router,
  settled,
  statusOf,
  talk,
} from './support.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const timeouts = { connect: 1000, firstByte: 2000, idle: 3000, total: undefined }

/** A port that refuses connections. */
async function deadPort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** A port whose connections are never established: a thread listens, and blocks; then its queue is filled. */
async function stuckPort(): Promise<number> {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads')
     const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port)
       setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
     })`,
    { eval: true },
  )
  later(async () => {
    await worker.terminate()
  })
  const [port] = (await once(worker, 'message')) as [number]
  for (let count = 0; count < 4; count++) {
    const filler = connect({ port, host: '127.0.0.1' })
    filler.on('error', () => {})
    later(() => void filler.destroy())
  }
  await settled(() => 0)
  return port
}

/** Closes each connection with a reset when its second request arrives, as a server that closes idle ones does. */
function closesSecond(): Promise<RawUpstream> {
  const served = new Set<unknown>()
  return rawUpstream((socket) => {
    if (served.has(socket)) return void socket.resetAndDestroy()
    served.add(socket)
    socket.write(OK)
  })
}

describe('an upstream that cannot be reached', () => {
  it('is 502 with its name, and without its address', async () => {
    const port = await deadPort()
    const { port: at } = await router({ upstreams: { clinic: { ports: [port] } } })
    const answer = await talk(at, get('/'))
    expect(statusOf(answer)).toBe(502)
    expect(answer).toContain('Proxy-Status: banyan; error=connection_refused\r\n')
    expect(problemOf(answer)).toMatchObject({ code: 'connection_refused', upstream: 'clinic' })
    expect(answer).not.toContain(String(port))
    expect(answer).not.toContain('127.0.0.1')
  })

  it.each([
    { what: 'a name that does not resolve', host: 'secret.invalid', status: 502 },
    { what: 'nobody who listens', host: '127.0.0.1', status: 502 },
  ])('H35: $what is told without host, port or stack', async ({ host, status }) => {
    const port = await deadPort()
    const endpoints = [{ kind: 'address', host, port, path: '/secret' }] as const
    const { port: at } = await router({ upstreams: { clinic: { endpoints } } })
    const answer = await talk(at, get('/'))
    expect(statusOf(answer)).toBe(status)
    for (const secret of [host, String(port), 'secret', '    at ', '.ts:', 'ECONN', 'ENOTFOUND']) {
      expect(answer).not.toContain(secret)
    }
  })

  it.each(['', 'garbage\r\n\r\n', 'HTTP/1.1 200 OK\r\nX-Secret: s3cret\r\nContent-Length: x\r\n\r\n'])(
    'H35: of an upstream that answers %j nothing is shown',
    async (garbage) => {
      const { port, upstream } = await routed((socket) => void socket.end(garbage))
      const answer = await talk(port, get('/'))
      expect(statusOf(answer)).toBe(502)
      for (const secret of ['127.0.0.1', String(upstream.port), 'garbage', 's3cret', '    at ']) {
        expect(answer).not.toContain(secret)
      }
    },
  )

  it('H35: a mistake of ours is 500 with a request id, and its stack is in the log only', async () => {
    const errors: unknown[] = []
    const log: Log = { info() {}, warn() {}, error: (_message, fields) => void errors.push(fields), child: () => log }
    const random = (): number => {
      throw new Error('s3cret')
    }
    const upstream = await rawUpstream()
    const { port } = await router(
      { upstreams: { clinic: { ports: [upstream.port, await deadPort()] } } },
      { log, random },
    )
    const answer = await talk(port, get('/'))
    expect(statusOf(answer)).toBe(500)
    expect(answer).not.toMatch(/s3cret| at |\.ts/)
    const { request_id: request } = problemOf(answer)
    expect(errors).toEqual([{ reason: expect.stringMatching(/s3cret[\s\S]*\.ts/), request }])
  })

  it('H35: its address is shown where debugging is on', async () => {
    const port = await deadPort()
    const { port: at } = await router({ settings: { debug: true }, upstreams: { clinic: { ports: [port] } } })
    expect(await talk(at, get('/'))).toContain(`"address":"127.0.0.1:${port}"`)
  })

  it('has another endpoint of the same upstream serve in its place, whatever the method', async () => {
    const upstream = await rawUpstream()
    const { port } = await router({
      upstreams: { clinic: { ports: [await deadPort(), upstream.port, await deadPort()] } },
    })
    for (let count = 0; count < 8; count++) {
      const answer = await talk(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc')
      expect(statusOf(answer)).toBe(200)
    }
    expect(upstream.received.join('').match(/\r\n\r\nabc/g)).toHaveLength(8)
  })

  it('is asked once at each endpoint, not for ever', async () => {
    const { port } = await router({ upstreams: { clinic: { ports: [await deadPort(), await deadPort()] } } })
    expect(statusOf(await talk(port, get('/')))).toBe(502)
  })

  it('with a name that does not resolve is 502 dns_failed', async () => {
    const { port } = await router({
      upstreams: { clinic: { endpoints: [{ kind: 'address', host: 'nowhere.invalid', port: 80, path: '' }] } },
    })
    expect(problemOf(await talk(port, get('/'))).code).toBe('dns_failed')
  })

  it('without endpoints is 503 with Retry-After', async () => {
    const { port } = await router({ upstreams: { clinic: { endpoints: [{ kind: 'symbol', symbol: 'functions/x' }] } } })
    const answer = await talk(port, get('/'))
    expect(statusOf(answer)).toBe(503)
    expect(answer).toContain('\r\nRetry-After: 1\r\n')
    expect(problemOf(answer).code).toBe('no_endpoint')
  })
})

describe('H31: a kept connection that its server closed', () => {
  it('has an idempotent request sent once more, on a fresh one', async () => {
    const upstream = await closesSecond()
    const { port } = await router({ upstreams: { clinic: { ports: [upstream.port] } } })
    const raw = await client(port)
    for (let count = 1; count <= 3; count++) {
      raw.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await raw.until((text) => text.split('\r\n\r\nok').length === count + 1)
    }
    expect(raw.text()).not.toContain('502')
    expect(upstream.received).toHaveLength(3)
  })

  it('has a POST answered 502, never sent twice', async () => {
    const upstream = await closesSecond()
    const { port } = await router({ upstreams: { clinic: { ports: [upstream.port] } } })
    await talk(port, get('/'))
    const answer = await talk(port, 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    expect(statusOf(answer)).toBe(502)
    expect(problemOf(answer).code).toBe('connection_reset')
    expect(upstream.received.join('').match(/POST/g)).toHaveLength(1)
  })

  it.each([
    { framing: 'Content-Length: 5', body: 'hello', becomes: 'hello' },
    {
      framing: 'Transfer-Encoding: chunked',
      body: '2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n',
      becomes: '\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n',
    },
  ])('has a PUT with a short body sent once more, whole ($framing)', async ({ framing, body, becomes }) => {
    const upstream = await closesSecond()
    const { port } = await router({ upstreams: { clinic: { ports: [upstream.port] } } })
    await talk(port, get('/'))
    const raw = await client(port, `PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${framing}\r\n\r\n${body}`)
    expect(statusOf(await raw.until(/\r\n\r\nok$/))).toBe(200)
    expect(upstream.received).toHaveLength(2)
    await upstream.until((all) => all.endsWith(becomes))
  })

  it('has a PUT whose body is still coming sent once more, from its beginning', async () => {
    let second: (() => void) | undefined
    const upstream = await rawUpstream((socket, _head, index) => {
      if (index === 0) socket.write(OK)
      else if (index === 1) second = () => void socket.resetAndDestroy()
    })
    const { port } = await router({ upstreams: { clinic: { ports: [upstream.port] } } })
    await talk(port, get('/'))
    const raw = await client(port, 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello')
    await upstream.until((all) => all.endsWith('hello'))
    second?.()
    await eventually(() => upstream.received.length === 2)
    raw.send('world')
    await eventually(() => upstream.received[1]?.endsWith('\r\n\r\nhelloworld') === true)
    upstream.sockets[1]?.write(OK)
    await raw.until(/\r\n\r\nok$/)
  })

  it('has a PUT with a long body answered 502: what was sent is gone', async () => {
    const upstream = await closesSecond()
    const { port } = await router({ upstreams: { clinic: { ports: [upstream.port] } } })
    await talk(port, get('/'))
    const body = 'x'.repeat(200_000)
    const raw = await client(port, `PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n${body}`)
    expect(statusOf(await raw.until(/\}\n$/))).toBe(502)
  })

  it('a fresh connection that is reset is not tried again', async () => {
    const { port, upstream } = await routed((socket) => void socket.resetAndDestroy())
    expect(problemOf(await talk(port, get('/'))).code).toBe('connection_reset')
    expect(upstream.received).toHaveLength(1)
  })

  it('an answer that has begun is not asked for again', async () => {
    const { port, upstream } = await routed((socket, _head, index) => {
      socket.write(index === 0 ? OK : 'HTTP/1.1 200 OK\r\nA: ')
      if (index > 0) setTimeout(() => socket.resetAndDestroy(), 20)
    })
    await talk(port, get('/'))
    expect(problemOf(await talk(port, get('/'))).code).toBe('connection_reset')
    expect(upstream.received).toHaveLength(1)
  })
})

describe('H30: a connection that waits', () => {
  it('is given up when stray bytes arrive on it', async () => {
    const { port, upstream } = await routed()
    await talk(port, get('/'))
    upstream.sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
    await eventually(() => upstream.sockets[0]?.destroyed === true)
    expect(await talk(port, get('/'))).toMatch(/\r\n\r\nok$/)
    expect(upstream.received).toHaveLength(2)
  })

  it('is given up when bytes came behind its last answer', async () => {
    const { port, upstream } = await routed(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`)
    for (let count = 0; count < 3; count++) expect(await talk(port, get('/'))).toMatch(/\r\n\r\nok$/)
    expect(upstream.received).toHaveLength(3)
  })

  it('is closed before the server at the other end would, after 4 s', async () => {
    const clock = manualClock()
    const { port, upstream } = await routed(undefined, {}, {}, { clock })
    await talk(port, get('/'))
    clock.advance(3900)
    expect(upstream.sockets[0]?.destroyed).toBe(false)
    clock.advance(200)
    await eventually(() => upstream.sockets[0]?.destroyed === true)
  })

  it('is not used again when the answer said close', async () => {
    const { port, upstream } = await routed('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok')
    await talk(port, get('/'))
    await talk(port, get('/'))
    expect(upstream.received).toHaveLength(2)
  })
})

describe('H32: a client that leaves', () => {
  it.each(['FIN', 'RST'] as const)(
    'by %s ends its upstream request within 100 ms, and counts as 499',
    { retry: 3 },
    async (how) => {
      const { port, plane, upstream } = await routed(() => {})
      const raw = await client(port, 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
      await upstream.until((all) => all.includes('/slow'))
      const left = performance.now()
      if (how === 'FIN') raw.socket.end()
      else raw.socket.resetAndDestroy()
      await eventually(() => upstream.sockets[0]?.destroyed === true)
      expect(performance.now() - left).toBeLessThan(100)
      expect(plane.inFlight()).toBe(0)
      expect(plane.counts().requests).toEqual([
        { rule: 'default', upstream: 'clinic', outcome: 'error:client_left', count: 1 },
      ])
    },
  )

  it('in mid-answer and in mid-upload does so too', async () => {
    const { port, plane, upstream } = await routed((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello')
    })
    const reading = await client(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await reading.until(/hello$/)
    reading.socket.destroy()
    await eventually(() => upstream.sockets[0]?.destroyed === true)
    const sending = await client(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc')
    await upstream.until((all) => all.endsWith('abc'))
    sending.socket.destroy()
    await eventually(() => upstream.sockets[1]?.destroyed === true)
    expect(plane.inFlight()).toBe(0)
  })

  it('while a connection is being made leaves nothing behind', async () => {
    const { port, plane } = await router({
      upstreams: { clinic: { ports: [await stuckPort()] } },
    })
    const raw = await client(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await eventually(() => plane.inFlight() === 1)
    raw.socket.destroy()
    await eventually(() => plane.inFlight() === 0)
  })
})

describe('time limits', () => {
  it('H11: a head that is not complete in 10 s is 408', async () => {
    const clock = manualClock()
    const { port, upstream } = await routed(undefined, {}, {}, { clock })
    const raw = await client(port, 'GET / HTTP/1.1\r\nHost: a\r\n')
    await eventually(() => {
      clock.advance(1000)
      return raw.text() !== ''
    })
    expect(statusOf(raw.text())).toBe(408)
    expect(clock.elapsed()).toBeGreaterThanOrEqual(10_000)
    expect(await raw.closed).toBe('end')
    expect(upstream.received).toEqual([])
  })

  it('H11: a body that stops coming is 408, and ends the upstream request', async () => {
    const clock = manualClock()
    const { port, upstream } = await routed(() => {}, {}, {}, { clock })
    const raw = await client(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc')
    await upstream.until((all) => all.endsWith('abc'))
    clock.advance(29_000)
    raw.send('d')
    await upstream.until((all) => all.endsWith('abcd'))
    clock.advance(29_000)
    expect(raw.text()).toBe('')
    clock.advance(1100)
    expect(statusOf(await raw.until(/\}\n$/))).toBe(408)
    await eventually(() => upstream.sockets[0]?.destroyed === true)
  })

  it('H11: a body that trickles, below 240 bytes a second over a minute, is 408', async () => {
    const clock = manualClock()
    const { port, upstream } = await routed(() => {}, {}, {}, { clock })
    const raw = await client(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n')
    await upstream.until((all) => all.includes('POST'))
    let sent = 0
    const trickle = async (bytes: number): Promise<void> => {
      raw.send('x'.repeat(bytes))
      sent += bytes
      await upstream.until((all) => all.endsWith(`\r\n\r\n${'x'.repeat(sent)}`))
      clock.advance(10_000)
    }
    // Two minutes at a rate that is slow and honest, then one of hardly anything.
    for (let count = 0; count < 12; count++) await trickle(3000)
    for (let count = 0; count < 6; count++) await trickle(10)
    expect(raw.text()).toBe('')
    raw.send('x')
    expect(problemOf(await raw.until(/\}\n$/)).code).toBe('request_timeout')
    await eventually(() => upstream.sockets[0]?.destroyed === true)
  })

  it('H11: a slow upload is judged by its pace only, however long it takes', async () => {
    const clock = manualClock()
    const { port, upstream } = await routed(() => {}, {}, {}, { clock })
    const raw = await client(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 360000\r\n\r\n')
    await upstream.until((all) => all.includes('POST'))
    // 24 minutes at 250 bytes a second.
    for (let count = 1; count <= 144; count++) {
      raw.send('x'.repeat(2500))
      await upstream.until((all) => all.length - all.indexOf('\r\n\r\n') - 4 === count * 2500)
      if (count < 144) clock.advance(10_000)
    }
    upstream.sockets[0]?.write(OK)
    expect(statusOf(await raw.until(/\r\n\r\nok$/))).toBe(200)
  })

  it('an idle client connection is closed after a minute, silently', async () => {
    const clock = manualClock()
    const { port } = await routed(undefined, {}, {}, { clock })
    const raw = await client(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await raw.until(/ok$/)
    clock.advance(61_000)
    await raw.closed
    expect(raw.text()).toMatch(/\r\n\r\nok$/)
  })

  it.each([
    { what: 'connecting', limit: 1000, code: 'connection_timeout', error: 'connection_timeout' },
    { what: 'the first byte', limit: 2000, code: 'connection_read_timeout', error: 'connection_read_timeout' },
  ])('$what takes too long: 504 $code', async ({ what, limit, code, error }) => {
    const clock = manualClock()
    const silent = await rawUpstream(() => {})
    const ports = [what === 'connecting' ? await stuckPort() : silent.port]
    const { port, plane } = await router({ upstreams: { clinic: { timeouts, ports } } }, { clock })
    const raw = await client(port, get('/'))
    if (what === 'connecting') await eventually(() => plane.inFlight() === 1)
    else await silent.until((all) => all.includes('GET'))
    clock.advance(limit - 100)
    expect(raw.text()).toBe('')
    clock.advance(200)
    const answer = await raw.until(/\}\n$/)
    expect(statusOf(answer)).toBe(504)
    expect(answer).toContain(`Proxy-Status: banyan; error=${error}\r\n`)
    expect(problemOf(answer).code).toBe(code)
  })

  it('an answer that stops coming is a reset', async () => {
    const clock = manualClock()
    const { port } = await routed('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc', { timeouts }, {}, { clock })
    const raw = await client(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await raw.until(/abc$/)
    clock.advance(3100)
    expect(await raw.closed).toBe('reset')
  })

  it("a rule's total goes before its upstream's, and ends a request however busy it is", async () => {
    const clock = manualClock()
    const upstream = await rawUpstream(() => {})
    const { port } = await router(
      {
        upstreams: { clinic: { timeouts, ports: [upstream.port] } },
        rules: [{ action: { kind: 'forward', upstream: 'clinic' }, match: { path: '/**' }, timeouts: { total: 500 } }],
      },
      { clock },
    )
    const raw = await client(port, get('/'))
    await upstream.until((all) => all.includes('GET'))
    clock.advance(600)
    expect(problemOf(await raw.until(/\}\n$/)).code).toBe('response_too_slow')
  })
})

describe('transport worker', () => {
  const thrown = JSON.stringify({ name: 'TypeError', message: 'x is undefined', stack: 'TypeError\n at contact.ts:4' })

  it('turns the answer of a function that threw into 502, and logs it once with its stack', async () => {
    const errors: unknown[] = []
    const log: Log = { info() {}, warn() {}, error: (_message, fields) => void errors.push(fields), child: () => log }
    const { port, plane } = await routed(
      `HTTP/1.1 500 Internal Server Error\r\nx-banyan-function-error: ${JSON.stringify({ name: 'TypeError', message: 'x is undefined' })}\r\nContent-Length: ${thrown.length}\r\n\r\n${thrown}`,
      { transport: 'worker', tier: 'function' },
      {},
      { log },
    )
    const answer = await talk(port, get('/contact.html'))
    expect(statusOf(answer)).toBe(502)
    expect(problemOf(answer).code).toBe('function_threw')
    expect(answer).not.toMatch(/x is undefined|contact\.ts|function-error/)
    expect(errors).toEqual([JSON.parse(thrown)])
    expect(plane.counts().requests[0]?.outcome).toBe('error:function_threw')
  })

  it('passes every other answer, a 500 of its own too', async () => {
    const { port } = await routed('HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno', { transport: 'worker' })
    expect(await talk(port, get('/'))).toMatch(/^HTTP\/1\.1 500 Oops\r\n[\s\S]*no$/)
  })

  it('only it knows the private field: from others the answer passes, without the field', async () => {
    const { port } = await routed('HTTP/1.1 200 OK\r\nx-banyan-function-error: {}\r\nContent-Length: 2\r\n\r\nok')
    const answer = await talk(port, get('/'))
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(answer).not.toContain('function-error')
  })
})

describe('counts', () => {
  it('are deltas by rule, upstream and outcome; paths are listed where the rule does not say the operation', async () => {
    const upstream = await rawUpstream((socket, head) => {
      const status = head.includes('/missing') ? '404 Not Found' : '200 OK'
      socket.write(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`)
    })
    const { port, plane } = await router({
      upstreams: { clinic: { ports: [upstream.port] } },
      rules: [
        { id: 'route:a', match: { path: '/a' }, action: { kind: 'forward', upstream: 'clinic' } },
        { id: 'default', origin: 'default', action: { kind: 'forward', upstream: 'clinic' } },
      ],
    })
    for (const path of ['/a', '/a?x=1', '/missing?y=2', '/missing']) await talk(port, get(path))
    await talk(port, 'nonsense\r\n\r\n')
    const { requests, unclaimed } = plane.counts()
    expect(requests).toEqual([
      { rule: 'route:a', upstream: 'clinic', outcome: '2xx', count: 2 },
      { rule: 'default', upstream: 'clinic', outcome: '4xx', count: 2 },
      { rule: '', upstream: '', outcome: 'error:request_malformed', count: 1 },
    ])
    // The route names no method, so which operation was meant only the request says.
    const both = { method: 'GET', upstream: 'clinic', length: 0, count: 2 }
    expect(unclaimed).toEqual([
      { ...both, path: '/a', status: 200, routed: true },
      { ...both, path: '/missing', status: 404 },
    ])
    expect(plane.counts()).toEqual({ requests: [], unclaimed: [] })
  })

  it('nothing takes the request: 404 that says so', async () => {
    const { port } = await router({ upstreams: {}, rules: [] })
    const answer = await talk(port, get('/'))
    expect(statusOf(answer)).toBe(404)
    expect(problemOf(answer).code).toBe('route_not_found')
  })
})

describe('balancing', () => {
  it('asks the less loaded of two endpoints', async () => {
    const a = await rawUpstream(() => {})
    const b = await rawUpstream(() => {})
    const { port } = await router({ upstreams: { clinic: { ports: [a.port, b.port] } } }, { random: () => 0 })
    for (let sent = 1; sent <= 6; sent++) {
      await client(port, get('/'))
      await eventually(() => a.received.length + b.received.length === sent)
    }
    expect([a.received.length, b.received.length]).toEqual([3, 3])
  })
})
