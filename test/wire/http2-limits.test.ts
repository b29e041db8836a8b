import { describe, expect, it } from 'vitest'
import { manualClock } from '../../router/kernel/clock.ts'
import {
  ACK,
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  GOAWAY,
  get,
  HEADERS,
  type Http2Client,
  http2Client,
  number,
  PING,
  PRIORITY,
  post,
  RST_STREAM,
  SETTINGS,
  setting,
  WINDOW_UPDATE,
} from './http2-client.ts'
import { eventually, routed, settled } from './support.ts'

const ENHANCE_YOUR_CALM = 11
const NO_ERROR = 0

/** Why the router ended the connection. */
async function ended(one: Http2Client): Promise<number> {
  const { payload } = await one.until(({ type }) => type === GOAWAY)
  await one.closed
  return payload.readUInt32BE(4)
}

/** Sends `count` of something, in large pieces, for as long as the router takes them. */
async function flood(one: Http2Client, count: number, make: (index: number) => Buffer): Promise<void> {
  one.socket.on('error', () => {})
  for (let from = 0; from < count && !one.socket.destroyed; from += 500) {
    one.socket.write(Buffer.concat(Array.from({ length: 500 }, (_, index) => make(from + index))))
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('a client by HTTP/2 that floods', () => {
  it.each<{ what: string; make: (index: number) => Buffer }>([
    { what: 'PING', make: () => frame(PING, 0, 0, Buffer.alloc(8)) },
    { what: 'SETTINGS', make: () => frame(SETTINGS, 0, 0, []) },
    { what: 'acknowledgements of nothing', make: () => frame(SETTINGS, ACK, 0, []) },
    { what: 'PRIORITY', make: (index) => frame(PRIORITY, 0, 2 * index + 3, [0, 0, 0, 0, 1]) },
    { what: 'WINDOW_UPDATE', make: () => frame(WINDOW_UPDATE, 0, 0, number(1)) },
    { what: 'frames nobody knows', make: () => frame(77, 0, 0, []) },
    { what: 'empty DATA', make: () => frame(DATA, 0, 1, []) },
    { what: 'RST_STREAM of one stream', make: () => frame(RST_STREAM, 0, 1, number(8)) },
    {
      what: 'streams that are reset at once (CVE-2023-44487)',
      make: (index) =>
        Buffer.concat([
          frame(HEADERS, END_HEADERS | END_STREAM, 2 * index + 3, block(get())),
          frame(RST_STREAM, 0, 2 * index + 3, number(8)),
        ]),
    },
    {
      what: 'streams that break a rule',
      make: (index) => frame(HEADERS, END_HEADERS | END_STREAM, 2 * index + 3, block(get('/', 'X: 1'))),
    },
    {
      what: 'requests that are refused',
      make: (index) => frame(HEADERS, END_HEADERS | END_STREAM, 2 * index + 3, block(get('/%zz#'))),
    },
    {
      what: 'more streams than are allowed',
      make: (index) => frame(HEADERS, END_HEADERS | END_STREAM, 2 * index + 3, block(get())),
    },
  ])('H36: is told to calm down, and others are served: $what', async ({ make }) => {
    const { port, plane } = await routed(() => {})
    const one = await http2Client(port)
    one.request(1, post(), false)
    const before = process.memoryUsage.rss()
    await flood(one, 20_000, make)
    expect(await ended(one)).toBe(ENHANCE_YOUR_CALM)
    await eventually(() => plane.inFlight() === 0)
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024)
    const served = await routed()
    const other = await http2Client(served.port)
    other.request(1, get())
    expect((await other.answer(1)).status).toBe(200)
  })

  it.each([
    { what: 'small ones', size: 10 },
    { what: 'empty ones', size: 0 },
    { what: 'large ones', size: 16_000 },
  ])('H36: a head in CONTINUATION frames without end is not kept: $what', async ({ size }) => {
    const { port } = await routed()
    const one = await http2Client(port)
    one.send(HEADERS, END_STREAM, 1, block(get()))
    await flood(one, 2000, () => frame(CONTINUATION, 0, 1, Buffer.alloc(size, 0x82)))
    expect(await ended(one)).toBe(ENHANCE_YOUR_CALM)
  })

  it('H36: a header block that refers again and again to one long field costs its length', async () => {
    const { port } = await routed()
    const one = await http2Client(port)
    const long = Buffer.concat([Buffer.from([0x40, 1, 0x61, 0x7f, 0x81, 0x1e]), Buffer.alloc(4000, 0x62)])
    const before = process.memoryUsage.rss()
    one.send(HEADERS, END_STREAM, 1, Buffer.concat([block(get()), long]))
    for (let part = 0; part < 3; part++)
      one.send(CONTINUATION, part === 2 ? END_HEADERS : 0, 1, Buffer.alloc(16_384, 0xbe))
    expect((await one.answer(1)).status).toBe(431)
    expect(process.memoryUsage.rss() - before).toBeLessThan(32 * 1024 * 1024)
  })

  it('H36: one that opens its window byte by byte is not sent bytes one by one', async () => {
    const { port } = await routed(`HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n${'x'.repeat(60_000)}`)
    const one = await http2Client(port)
    one.send(SETTINGS, 0, 0, setting(4, 0))
    one.request(1, get())
    await one.until(({ type }) => type === HEADERS)
    await flood(one, 20_000, () => frame(WINDOW_UPDATE, 0, 1, number(1)))
    expect(await ended(one)).toBe(ENHANCE_YOUR_CALM)
    expect(one.frames.filter(({ type }) => type === DATA).length).toBeLessThan(3000)
  })

  it('H34, H36: one that asks and takes no answers gets no further than what fits between', async () => {
    const { port, upstream } = await routed(`HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n${'x'.repeat(50_000)}`)
    const one = await http2Client(port)
    one.send(SETTINGS, 0, 0, setting(4, 2 ** 31 - 1))
    one.send(WINDOW_UPDATE, 0, 0, number(2 ** 31 - 1 - 65_535))
    await one.until(({ type }) => type === SETTINGS)
    one.socket.pause()
    const before = process.memoryUsage.rss()
    for (let id = 1; id < 20_000; id += 2) one.request(id, get())
    const asked = await settled(() => upstream.received.join('').length)
    expect(asked).toBeLessThan(2_000_000)
    expect(process.memoryUsage.rss() - before).toBeLessThan(128 * 1024 * 1024)
  })

  it('H34, H36: 1 GB through a slow reader does not pile up here', async () => {
    const size = 1_000_000_000
    let sent = 0
    const piece = Buffer.alloc(256 * 1024, 'x')
    const { port } = await routed((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
      const more = (): void => {
        while (sent < size) {
          sent += piece.length
          if (!socket.write(piece)) {
            socket.once('drain', more)
            return
          }
        }
      }
      more()
    })
    const one = await http2Client(port)
    one.request(1, get())
    one.request(3, get())
    // Windows are never opened: nothing but what they began with may leave.
    expect(await settled(() => sent)).toBeLessThan(32 * 1024 * 1024)
    const got = one.frames.filter(({ type }) => type === DATA).reduce((sum, { payload }) => sum + payload.length, 0)
    expect(got).toBe(65_535)
  })

  it('H32, H36: a stream that is reset ends its upstream request within 100 ms, and nothing else', async () => {
    let gone = 0
    const { port, upstream } = await routed((socket, head) => {
      socket.on('close', () => gone++)
      if (head.startsWith('GET /fast')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
    const one = await http2Client(port)
    one.request(1, get('/slow'))
    await upstream.until((all) => all.includes('/slow'))
    const left = performance.now()
    one.send(RST_STREAM, 0, 1, number(8))
    await eventually(() => gone === 1)
    expect(performance.now() - left).toBeLessThan(100)
    one.request(3, get('/fast'))
    expect((await one.answer(3)).body).toBe('ok')
  })

  it('H32, H36: a client that leaves ends all of its requests', async () => {
    const { port, upstream, plane } = await routed(() => {})
    const one = await http2Client(port)
    for (let id = 1; id < 20; id += 2) one.request(id, get())
    await eventually(() => upstream.sockets.length === 10)
    one.socket.destroy()
    await eventually(() => plane.inFlight() === 0)
    await eventually(() => upstream.sockets.every(({ destroyed, readableEnded }) => destroyed || readableEnded))
  })
})

describe('a connection by HTTP/2 when the router stops', () => {
  it('H36: hears of it before it is closed: what is in flight ends well', async () => {
    const answers: (() => void)[] = []
    const { port, plane } = await routed((socket) => {
      answers.push(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
    })
    const one = await http2Client(port)
    one.request(1, get())
    await eventually(() => answers.length === 1)
    const drained = plane.drain({ lameDuckMs: 0, graceMs: 4000 })
    const warning = await one.until(({ type }) => type === GOAWAY)
    expect([warning.payload.readUInt32BE(0), warning.payload.readUInt32BE(4)]).toEqual([2 ** 31 - 1, NO_ERROR])
    // On its way before the warning came.
    one.request(3, get())
    await eventually(() => answers.length === 2)
    const last = await one.until(({ type, payload }) => type === GOAWAY && payload.readUInt32BE(0) === 3)
    expect(last.payload.readUInt32BE(4)).toBe(NO_ERROR)
    one.request(5, get())
    expect((await one.answer(5)).reset).toBe(7)
    for (const answer of answers) answer()
    expect([(await one.answer(1)).body, (await one.answer(3)).body]).toEqual(['ok', 'ok'])
    await one.closed
    await drained
  })

  it('H36: without a stream it ends at once', async () => {
    const { port, plane } = await routed()
    const one = await http2Client(port)
    one.request(1, get())
    await one.answer(1)
    const drained = plane.drain({ lameDuckMs: 0, graceMs: 4000 })
    await one.closed
    await drained
  })
})

describe('a connection by HTTP/2 that stands still', () => {
  it('H11, H36: ends where its preface, a frame or a head does not come, and where nobody asks', async () => {
    const clock = manualClock()
    const { port } = await routed(undefined, {}, {}, { clock })
    const silent = await http2Client(port, false)
    silent.socket.write('PRI * HTTP/2.0\r\n\r\n')
    const half = await http2Client(port)
    half.socket.write(frame(PING, 0, 0, Buffer.alloc(8)).subarray(0, 12))
    const open = await http2Client(port)
    open.send(HEADERS, END_STREAM, 1, block(get()))
    const idle = await http2Client(port)
    idle.request(1, get())
    await idle.answer(1)
    await open.until(({ type, flags }) => type === SETTINGS && flags === ACK)
    await half.until(({ type, flags }) => type === SETTINGS && flags === ACK)
    await eventually(() => silent.frames.length > 0)
    clock.advance(11_000)
    await Promise.all([silent.closed, half.closed, open.closed])
    expect(idle.frames.some(({ type }) => type === GOAWAY)).toBe(false)
    clock.advance(51_000)
    expect(await ended(idle)).toBe(NO_ERROR)
  })
})
