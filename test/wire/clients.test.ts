/** Programs that people use, through the router: what they see is what they would see without it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { startClinic } from '../../legacy/clinic/server.ts'
import { describeWith } from '../needs.ts'
import { eventually, later, router } from './support.ts'
import { type EchoServer, startEchoServer } from './websocket-server.ts'

/** A router in front of a WebSocket application. */
async function chat() {
  const echo = await startEchoServer()
  later(async () => await echo[Symbol.asyncDispose]())
  return { echo, ...(await router({ upstreams: { chat: { ports: [echo.port] } } })) }
}

/** The next message, or the code with which it was closed. */
function next(socket: WebSocket): Promise<unknown> {
  return new Promise((resolve) => {
    socket.addEventListener('message', (event) => resolve(event.data), { once: true })
    socket.addEventListener('close', (event) => resolve(event.code), { once: true })
  })
}

describe('H22: a WebSocket client', () => {
  it('talks to its application: subprotocol, text, large binary messages, and the close both sides agree on', async () => {
    const { port, echo } = await chat()
    const socket = new WebSocket(`ws://127.0.0.1:${port}/chat?room=1`, ['clinic.v1', 'clinic.v0'])
    socket.binaryType = 'arraybuffer'
    expect(await next(socket)).toBe('hello clinic.v1')
    expect(socket.protocol).toBe('clinic.v1')
    for (const text of ['', 'ä€😀', 'x'.repeat(70_000)]) {
      const echoed = next(socket)
      socket.send(text)
      expect(await echoed).toBe(text)
    }
    const large = Buffer.alloc(3_000_000, 'abcdefg')
    const echoed = next(socket)
    socket.send(large)
    expect(Buffer.from((await echoed) as ArrayBuffer).equals(large)).toBe(true)
    const code = next(socket)
    socket.close(4001, 'bye')
    expect(await code).toBe(4001)
    expect(echo.closed).toEqual([4001])
  })

  it('hears 1001 when the router stops, and so does its application', async () => {
    const { port, plane, echo } = await chat()
    const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`)
    await next(socket)
    const code = next(socket)
    await Promise.all([plane.drain({ lameDuckMs: 0, graceMs: 5000 }), code])
    expect(await code).toBe(1001)
    await eventually(() => echo.closed.length === 1)
    expect(echo.closed).toEqual([1001])
  })
})

/** An application that says what it was sent: method, length, digest, and how many pieces. */
async function weigher(): Promise<number> {
  const server = createServer(async (request, response) => {
    const hash = createHash('sha256')
    let length = 0
    for await (const bytes of request) {
      hash.update(bytes)
      length += bytes.length
    }
    const { te, expect: expectation, 'transfer-encoding': coding } = request.headers
    const seen = {
      method: request.method,
      url: request.url,
      length,
      sha256: hash.digest('hex'),
      te,
      expectation,
      coding,
    }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(seen))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  later(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function outputOf(program: ChildProcess): Promise<string> {
  let text = ''
  program.stdout?.on('data', (bytes) => {
    text += bytes
  })
  await once(program, 'close')
  return text
}

describe('curl', () => {
  const curl = (...options: string[]): ChildProcess => spawn('curl', ['-sS', '--max-time', '50', ...options])

  it('gets, posts, asks before it sends, and uploads in chunks', async () => {
    const { port } = await router({ upstreams: { weigher: { ports: [await weigher()] } } })
    const url = `http://127.0.0.1:${port}/a%20b?q=%22x%22`
    const got = JSON.parse(await outputOf(curl(url)))
    expect(got).toMatchObject({ method: 'GET', url: '/a%20b?q=%22x%22', length: 0 })
    const posted = JSON.parse(await outputOf(curl('-d', 'name=Ada', url)))
    expect(posted).toMatchObject({ method: 'POST', length: 8 })
    const asked = curl('-H', 'Expect: 100-continue', '-X', 'PUT', '--data-binary', '@-', url)
    asked.stdin?.end('abc')
    expect(JSON.parse(await outputOf(asked))).toMatchObject({ method: 'PUT', length: 3, expectation: '100-continue' })
    const chunked = curl('-T', '-', url)
    chunked.stdin?.end(Buffer.alloc(1_000_000, 'x'))
    expect(JSON.parse(await outputOf(chunked))).toMatchObject({ method: 'PUT', length: 1_000_000, coding: 'chunked' })
  })

  it('asks for a head, and uses its connection again', async () => {
    const { port } = await router({ upstreams: { weigher: { ports: [await weigher()] } } })
    const url = `http://127.0.0.1:${port}/`
    expect(await outputOf(curl('-I', url))).toMatch(/^HTTP\/1\.1 200 OK\r\ncontent-type: application\/json\r\n/i)
    const used = await outputOf(curl('-o', '/dev/null', '-o', '/dev/null', '-w', '%{num_connects} ', url, url))
    expect(used).toBe('1 0 ')
  })

  it('uploads 200 MB slowly: whole, and in its own time', async () => {
    const { port } = await router({ upstreams: { weigher: { ports: [await weigher()] } } })
    const began = performance.now()
    const size = 200 * 1000 * 1000
    const upload = curl('-T', '-', '--limit-rate', '40M', `http://127.0.0.1:${port}/upload`)
    const piece = Buffer.alloc(1_000_000, '0123456789')
    const hash = createHash('sha256')
    for (let sent = 0; sent < size; sent += piece.length) {
      hash.update(piece)
      if (upload.stdin?.write(piece) === false) await once(upload.stdin, 'drain')
    }
    upload.stdin?.end()
    expect(JSON.parse(await outputOf(upload))).toMatchObject({ length: size, sha256: hash.digest('hex') })
    expect(performance.now() - began).toBeGreaterThan(3000)
  })
})

/** Runs in the page: what it heard, and how the WebSocket was closed. */
function converse(url: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const heard: string[] = []
    const socket = new WebSocket(url)
    socket.onerror = () => reject(new Error('the WebSocket failed'))
    socket.onmessage = ({ data }) => {
      heard.push(String(data))
      if (heard.length === 1) socket.send('from the browser')
      else socket.close(1000)
    }
    socket.onclose = ({ code, wasClean }) => resolve([...heard, `${code} ${wasClean}`])
  })
}

describeWith('chromium', 'a browser', (executablePath) => {
  it('shows the pages of the clinic, posts a form, follows its redirect, and opens a WebSocket', async () => {
    const clinic = await startClinic({ port: 0, clinicHost: 'clinic.internal' })
    later(() => clinic.close())
    const echo: EchoServer = await startEchoServer()
    later(async () => await echo[Symbol.asyncDispose]())
    const { port } = await router({
      upstreams: {
        clinic: { ports: [clinic.port], tier: 'legacy', rewriteLocation: true, ownHosts: ['clinic.internal'] },
        chat: { ports: [echo.port] },
      },
      rules: [
        { match: { path: '/chat' }, action: { kind: 'forward', upstream: 'chat' } },
        { id: 'default', origin: 'default', action: { kind: 'forward', upstream: 'clinic' } },
      ],
    })
    const browser: Browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    later(() => browser.close())
    const page = await browser.newPage()
    const failed: string[] = []
    page.on('requestfailed', (request) => failed.push(request.url()))
    await page.goto(`http://127.0.0.1:${port}/`)
    expect(await page.textContent('body')).toContain('Welcome')
    await page.goto(`http://127.0.0.1:${port}/owners/new`)
    const ada = { firstName: 'Ada', lastName: 'Lovelace', address: '12 St. James Sq.', city: 'London' }
    for (const [name, value] of Object.entries({ ...ada, telephone: '0205551815' })) {
      await page.fill(`[name=${name}]`, value)
    }
    await Promise.all([
      page.waitForNavigation(),
      page.click('form[method=post] [type=submit], form[method=post] button'),
    ])
    expect(new URL(page.url()).host).toBe(`127.0.0.1:${port}`)
    expect(await page.textContent('body')).toContain('Lovelace')
    const said = await page.evaluate(converse, `ws://127.0.0.1:${port}/chat`)
    expect(said).toEqual(['hello', 'from the browser', '1000 true'])
    expect(failed).toEqual([])
  })
})
