import { describe, expect, it } from 'vitest'
import { manualClock } from '../../router/kernel/clock.ts'
import { client, deferred, eventually, problemOf, type RawClient, routed, settled, statusOf } from './support.ts'

const ASK = 'GET /chat HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n'
const SWITCHED =
  /^HTTP\/1\.1 101 Switching Protocols\r\nVia: 1\.1 banyan\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n/

const asking = (...fields: string[]): string =>
  `GET /chat HTTP/1.1\r\nHost: shop.test\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`

/** A client and an upstream that have switched. */
async function switched(options: Parameters<typeof routed>[3] = {}, protocol = 'echo') {
  const all = await routed(SWITCH.replace('echo', protocol), {}, {}, options)
  const raw = await client(all.port, ASK.replace('echo', protocol))
  await raw.until(/\r\n\r\n$/)
  const [socket] = all.upstream.sockets
  if (socket === undefined) throw new Error('nobody connected')
  socket.removeAllListeners('end')
  return { ...all, raw, socket }
}

describe('a request for an upgrade', () => {
  it('H22: is asked for anew, and only for the protocols that may pass', async () => {
    const { port, upstream } = await routed()
    await client(port, asking('Upgrade: websocket, h2c', 'Upgrade: x/2 ,TLS/1.2', 'Connection: keep-alive, upgrade'))
    const sent = await upstream.until((all) => all.endsWith('\r\n\r\n'))
    expect(sent.match(/^(?:connection|upgrade): .*$/gim)).toEqual(['Connection: Upgrade', 'Upgrade: websocket, x/2'])
  })

  it.each([
    { why: 'Connection does not name it', bytes: asking('Upgrade: echo') },
    { why: 'it is h2c', bytes: asking('Upgrade: h2c', 'HTTP2-Settings: AAMA', 'Connection: Upgrade, HTTP2-Settings') },
    { why: 'the version is 1.0', bytes: ASK.replace('HTTP/1.1', 'HTTP/1.0') },
    { why: 'it has a body', bytes: `${asking('Upgrade: echo', 'Connection: Upgrade', 'Content-Length: 1')}x` },
    { why: 'it names nothing', bytes: asking('Upgrade: ,', 'Connection: Upgrade') },
  ])('H22: is served plainly where $why', async ({ bytes }) => {
    const { port, upstream } = await routed()
    const raw = await client(port, bytes)
    expect(statusOf(await raw.until(/ok$/))).toBe(200)
    expect(upstream.received.join('')).not.toMatch(/^(?:upgrade|connection|http2-settings):/im)
  })

  it('H22: that is declined is answered like any other, and the connection serves on', async () => {
    const { port, upstream } = await routed()
    const raw = await client(port, ASK)
    await raw.until(/ok$/)
    raw.send('GET /next HTTP/1.1\r\nHost: shop.test\r\n\r\n')
    await raw.until(/ok[\s\S]*ok$/)
    expect(raw.text()).not.toMatch(/^(?:upgrade|connection):/im)
    expect(upstream.received).toHaveLength(1)
  })

  it.each([
    { why: 'was never asked for', asked: asking(), answer: SWITCH },
    { why: 'was not sent on', asked: asking('Upgrade: h2c', 'Connection: Upgrade'), answer: SWITCH },
    { why: 'is another one', asked: ASK, answer: SWITCH.replace('echo', 'other') },
    { why: 'is one more', asked: ASK, answer: SWITCH.replace('echo', 'echo, other') },
    { why: 'is not named', asked: ASK, answer: 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n' },
    { why: 'Connection does not name', asked: ASK, answer: SWITCH.replace('Connection: upgrade\r\n', '') },
  ])('H22: a 101 to a protocol that $why is 502, and no byte passes', async ({ asked, answer }) => {
    const { port, upstream } = await routed(`${answer}secret`)
    const raw = await client(port, asked)
    const text = await raw.until(/\}\n$/)
    expect(statusOf(text)).toBe(502)
    expect(problemOf(text).code).toBe('response_malformed')
    await eventually(() => upstream.sockets[0]?.destroyed === true)
    expect(raw.text()).not.toContain('secret')
  })
})

describe('after a 101', () => {
  it('H22: bytes pass both ways, unread and unchanged', async () => {
    const { raw, socket, upstream } = await switched()
    expect(raw.text()).toMatch(SWITCHED)
    raw.send('GET /admin HTTP/1.1\r\n\0\xff\n')
    await upstream.until((all) => all.endsWith('\r\n\r\nGET /admin HTTP/1.1\r\n\0\xff\n'))
    socket.write('HTTP/1.1 200 OK\r\n\0\xfe\n', 'latin1')
    await raw.until((text) => text.endsWith('\r\n\r\nHTTP/1.1 200 OK\r\n\0\xfe\n'))
  })

  it('H22: a new client of a shift gets its key with the 101, so that it stays on its side', async () => {
    const { port } = await routed(
      SWITCH,
      {},
      {
        rules: [{ action: { kind: 'shift', shift: 's', incumbent: 'clinic', candidate: 'clinic' } }],
        live: { weights: { s: { weight: 0.5, salt: 'salt', active: true } } },
      },
    )
    const raw = await client(port, ASK)
    expect(await raw.until(/\r\n\r\n$/)).toMatch(/^HTTP\/1\.1 101 [\s\S]*\r\nSet-Cookie: banyan-key=/)
  })

  it('H22: what either side sent early comes first', async () => {
    const go = deferred()
    const { port, upstream } = await routed(async (socket) => {
      await go.promise
      socket.write(`${SWITCH}server first`)
    })
    const raw = await client(port, `${ASK}client first`)
    await upstream.until((all) => all.endsWith('\r\n\r\n'))
    await settled(() => upstream.received.join('').length)
    expect(upstream.received.join('')).not.toContain('client first')
    go.resolve()
    expect(await raw.until(/server first$/)).toMatch(SWITCHED)
    await upstream.until((all) => all.endsWith('\r\n\r\nclient first'))
  })

  it("H22: the client's end passes, and the upstream can still answer", async () => {
    const { raw, socket, plane } = await switched()
    const ended = deferred()
    socket.on('end', () => ended.resolve())
    socket.allowHalfOpen = true
    raw.socket.allowHalfOpen = true
    raw.socket.end('question')
    await ended.promise
    socket.end('answer')
    await raw.until(/answer$/)
    expect(await raw.closed).toBe('end')
    await eventually(() => plane.inFlight() === 0)
    expect(plane.counts().requests).toEqual([{ rule: 'default', upstream: 'clinic', outcome: '2xx', count: 1 }])
  })

  it("H22: the upstream's end passes, and the client can still speak", async () => {
    const { raw, socket, upstream, plane } = await switched()
    raw.socket.allowHalfOpen = true
    socket.end('done')
    await raw.until(/done$/)
    expect(await raw.closed).toBe('end')
    expect(plane.inFlight()).toBe(1)
    raw.socket.end('thanks')
    await upstream.until((all) => all.endsWith('thanks'))
    await eventually(() => plane.inFlight() === 0 && socket.destroyed)
  })

  it('H22: a reset on one side is a reset on the other', async () => {
    const one = await switched()
    one.socket.resetAndDestroy()
    expect(await one.raw.closed).toBe('reset')
    const two = await switched()
    const failed = deferred<string>()
    two.socket.on('error', (error: NodeJS.ErrnoException) => failed.resolve(error.code ?? ''))
    two.raw.socket.resetAndDestroy()
    expect(await failed.promise).toBe('ECONNRESET')
    await eventually(() => one.plane.inFlight() + two.plane.inFlight() === 0)
  })

  it('H22: it outlives the timeouts of requests, and ends after an hour of silence', async () => {
    const clock = manualClock()
    const { raw, socket } = await switched({ clock })
    for (let minutes = 0; minutes < 90; minutes += 30) {
      clock.advance(30 * 60_000)
      socket.write('tick')
      await raw.until((text) => text.endsWith('tick'.repeat(minutes / 30 + 1)))
    }
    clock.advance(60 * 60_000 + 100)
    expect(await raw.closed).toBe('reset')
    await eventually(() => socket.destroyed)
  })

  it('H22: a side that does not read holds the other back, and nothing is lost', async () => {
    const size = 24 * 1024 * 1024
    const { raw, socket } = await switched()
    for (const [from, to] of [
      [raw.socket, socket],
      [socket, raw.socket],
    ] as const) {
      let got = 0
      to.removeAllListeners('data')
      to.pause()
      from.write(Buffer.alloc(size, 'x'))
      expect(await settled(() => from.writableLength)).toBeGreaterThan(0)
      to.on('data', (bytes: Buffer) => {
        got += bytes.length
      })
      to.resume()
      await eventually(() => got === size)
    }
  })
})

describe('a WebSocket when the router stops', () => {
  const CLOSE = '\x88\x02\x03\xe9'

  async function drained(raw: RawClient, plane: Awaited<ReturnType<typeof routed>>['plane'], graceMs = 5000) {
    const draining = plane.drain({ lameDuckMs: 0, graceMs })
    await raw.closed
    raw.socket.end()
    await draining
    return raw.text().slice(raw.text().indexOf('\r\n\r\n') + 4)
  }

  it('H22: is closed with 1001 on both sides, at once', async () => {
    const { raw, upstream, plane } = await switched({}, 'websocket')
    expect(await drained(raw, plane)).toBe(CLOSE)
    await upstream.until((all) => all.endsWith('\r\n\r\n\x88\x82\0\0\0\0\x03\xe9'))
  })

  it('H22: gets no frame of ours within one of its own: that one ends first', async () => {
    const { raw, socket, plane } = await switched({}, 'websocket')
    const payload = 'x'.repeat(300)
    socket.write(`\x82\x7e\x01\x2c${payload.slice(0, 100)}`, 'latin1')
    await raw.until(/x$/)
    const all = drained(raw, plane)
    await settled(() => raw.text().length)
    expect(raw.text()).not.toContain(CLOSE)
    socket.write(payload.slice(100), 'latin1')
    expect(await all).toBe(`\x82\x7e\x01\x2c${payload}${CLOSE}`)
  })

  it('H22: that is closing already gets no second close frame', async () => {
    const { raw, socket, plane } = await switched({}, 'websocket')
    socket.write('\x88\x02\x03\xe8', 'latin1')
    await raw.until(/\xe8$/)
    expect(await drained(raw, plane)).toBe('\x88\x02\x03\xe8')
  })

  it('H22: another protocol is served on until the grace period is over', async () => {
    const { raw, socket, plane } = await switched()
    const draining = plane.drain({ lameDuckMs: 0, graceMs: 300 })
    socket.write('still here')
    await raw.until(/still here$/)
    await draining
    await raw.closed
  })
})
