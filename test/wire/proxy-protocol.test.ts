import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Dataplane } from '../../router/dataplane/dataplane.ts'
import { manualClock } from '../../router/kernel/clock.ts'
import { freePorts } from '../estate.ts'
import { describeWith } from '../needs.ts'
import { seeded } from '../random.ts'
import { client, eventually, get, later, type RawClient, routed, statusOf, talk } from './support.ts'
import { recording } from './tls-support.ts'

const HEADER = 'PROXY TCP4 203.0.113.7 10.0.0.1 8080 443\r\n'
const LOCAL = '\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00'
const BINARY = '\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x08\x0a\x00\x00\x01\x1f\x90\x01\xbb'

function behind(plane: Dataplane, from = ['127.0.0.0/8']): Promise<{ port: number }> {
  return plane.listen({ host: '127.0.0.1', port: 0 }, { proxyProtocol: { from } }, 'listen[1]')
}

const forwardedFor = (received: readonly string[]) =>
  [...received.join('').matchAll(/^X-Forwarded-For: (.*)\r$/gm)].map((match) => match[1])

async function sendInPieces(raw: RawClient, bytes: string, size: () => number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + size()
    raw.send(bytes.slice(at, end))
    at = end
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('PROXY headers', () => {
  it.each([
    { name: 'version 1', header: HEADER, address: '203.0.113.7' },
    { name: 'version 2', header: BINARY, address: '203.0.113.8' },
    { name: 'LOCAL', header: LOCAL, address: '127.0.0.1' },
    { name: 'UNKNOWN', header: 'PROXY UNKNOWN\r\n', address: '127.0.0.1' },
  ])('of a trusted peer name the client: $name', async ({ header, address }) => {
    const { plane, upstream } = await routed()
    const { port } = await behind(plane)
    expect(statusOf(await talk(port, header + get('/a')))).toBe(200)
    expect(forwardedFor(upstream.received)).toEqual([address])
    expect(upstream.received.join('')).toMatch(/^GET \/a HTTP\/1\.1\r\n/)
  })

  it('decide with the address they name whose fields are believed', async () => {
    const { plane, upstream } = await routed(undefined, {}, { settings: { trustedProxies: ['203.0.113.7/32'] } })
    const { port } = await behind(plane)
    await talk(port, HEADER + get('/a', 'X-Forwarded-For: 198.51.100.1'))
    await talk(port, BINARY + get('/a', 'X-Forwarded-For: 198.51.100.1'))
    expect(forwardedFor(upstream.received)).toEqual(['198.51.100.1, 203.0.113.7', '203.0.113.8'])
  })

  it('may come in any pieces, with what stands behind them', async () => {
    const { plane, upstream } = await routed()
    const { port } = await behind(plane)
    const random = seeded(20)
    const first = 'GET /b HTTP/1.1\r\nHost: shop.test\r\n\r\n'
    for (let turn = 0; turn < 60; turn++) {
      const header = turn % 2 === 0 ? HEADER : BINARY
      const longest = turn % 3 === 0 ? 4 : 80
      const raw = await client(port)
      await sendInPieces(raw, header + first + get('/c'), () => 1 + random.below(longest))
      await raw.closed
      expect([...raw.text().matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1])).toEqual(['200', '200'])
    }
    expect(new Set(forwardedFor(upstream.received))).toEqual(new Set(['203.0.113.7', '203.0.113.8']))
    expect(upstream.received.join('').match(/^GET \/[bc] HTTP\/1\.1\r$/gm)).toHaveLength(120)
  })

  it.each([
    { name: 'none', bytes: get('/') },
    { name: 'a bad one', bytes: `PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n${get('/')}` },
    { name: 'an endless one', bytes: `PROXY UNKNOWN ${'x'.repeat(200)}` },
    { name: 'one behind an empty line', bytes: `\r\n${HEADER}${get('/')}` },
    { name: 'a version that does not exist', bytes: `\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0${get('/')}` },
  ])('end the connection of a trusted peer that sends $name', async ({ bytes }) => {
    const { log, lines } = recording()
    const { plane, upstream } = await routed(undefined, {}, {}, { log })
    const { port } = await behind(plane)
    expect(await talk(port, bytes)).toBe('')
    expect(upstream.received).toEqual([])
    expect(lines).toEqual([
      expect.stringMatching(/^listen\[1\]: a connection has no good PROXY header: .*127\.0\.0\.1/),
    ])
  })

  it('fill no log', async () => {
    const { log, lines } = recording()
    const { plane } = await routed(undefined, {}, {}, { log })
    const { port } = await behind(plane)
    for (let turn = 0; turn < 20; turn++) await talk(port, get('/'))
    expect(lines).toHaveLength(1)
  })

  it('may take five seconds and no longer', async () => {
    const clock = manualClock()
    const { plane } = await routed(undefined, {}, {}, { clock })
    const { port } = await behind(plane)
    const raw = await client(port, HEADER.slice(0, 10))
    await new Promise((resolve) => setTimeout(resolve, 50))
    clock.advance(4_900)
    raw.send(HEADER.slice(10, 12))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(raw.socket.destroyed).toBe(false)
    clock.advance(200)
    await raw.closed
    expect(raw.text()).toBe('')
  })

  it('are a bad request from anybody else, and a second one is too', async () => {
    const { plane, port: plain, upstream } = await routed()
    const { port } = await behind(plane, ['192.0.2.0/24'])
    const trusting = await behind(plane)
    expect(statusOf(await talk(plain, HEADER + get('/')))).toBe(400)
    expect(statusOf(await talk(port, HEADER + get('/')))).toBe(400)
    expect(statusOf(await talk(port, BINARY + get('/')))).toBe(400)
    expect(statusOf(await talk(trusting.port, HEADER + HEADER + get('/')))).toBe(400)
    expect(upstream.received).toEqual([])
    expect(statusOf(await talk(port, get('/')))).toBe(200)
  })

  it('that never come keep no data plane from closing', async () => {
    const { plane } = await routed()
    const { port } = await behind(plane)
    const raw = await client(port, 'PRO')
    await eventually(() => raw.socket.readyState === 'open')
    await plane.close()
    await raw.closed
  })
})

describeWith('haproxy', 'PROXY headers of a real HAProxy', (program) => {
  /** HAProxy in front of a router, on a port of its own; ended with the test. */
  async function balanced(to: number, sends: string): Promise<number> {
    const [port = 0] = await freePorts(1)
    const folder = mkdtempSync(join(tmpdir(), 'banyan-haproxy-'))
    const file = join(folder, 'haproxy.cfg')
    writeFileSync(
      file,
      `defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen balancer
  bind 127.0.0.1:${port}
  server router 127.0.0.1:${to} ${sends}
`,
    )
    const child = spawn(program, ['-db', '-f', file], { stdio: 'ignore' })
    later(async () => {
      child.kill('SIGKILL')
      await once(child, 'exit')
      rmSync(folder, { recursive: true, force: true })
    })
    await untilOpen(port)
    return port
  }

  it.each(['send-proxy', 'send-proxy-v2', 'send-proxy-v2-ssl', 'send-proxy-v2 proxy-v2-options crc32c,unique-id'])(
    '%s',
    async (sends) => {
      const { plane, upstream } = await routed()
      const { port } = await behind(plane)
      const socket = connect({ port: await balanced(port, sends), host: '127.0.0.1', localAddress: '127.0.0.9' })
      later(() => {
        socket.destroy()
      })
      let text = ''
      socket.on('data', (bytes) => {
        text += bytes.toString('latin1')
      })
      socket.write(get('/a'))
      await once(socket, 'close')
      expect(statusOf(text)).toBe(200)
      expect(forwardedFor(upstream.received)).toEqual(['127.0.0.9'])
    },
  )

  it('its own checks are no clients and no fault', async () => {
    const { log, lines } = recording()
    const { plane, upstream } = await routed(undefined, {}, {}, { log })
    const { port } = await behind(plane)
    const balancer = await balanced(port, 'send-proxy-v2 check check-send-proxy inter 20ms')
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(statusOf(await talk(balancer, get('/')))).toBe(200)
    expect(upstream.received).toHaveLength(1)
    expect(lines.filter((line) => line.includes('PROXY'))).toEqual([])
  })
})

/** Resolves when somebody listens there. */
async function untilOpen(port: number): Promise<void> {
  for (;;) {
    const socket = connect({ port, host: '127.0.0.1' })
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    socket.destroy()
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
