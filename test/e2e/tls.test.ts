import { execFile } from 'node:child_process'
import { readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { type ConnectionOptions, connect } from 'node:tls'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Authority, authority, PemFolder } from '../certificates.ts'
import { freePorts } from '../estate.ts'
import { describeWith } from '../needs.ts'
import { type NamedUpstream, namedUpstream } from './named-upstream.ts'
import { prepareRouter, type Router } from './router.ts'

let upstream: NamedUpstream
let ca: Authority
let folder: PemFolder
let router: Router
let port = 0

beforeAll(async () => {
  upstream = await namedUpstream('clinic')
  ca = await authority()
})
afterAll(() => upstream.close())

beforeEach(async () => {
  folder = new PemFolder()
  folder.write('ca.crt', ca.cert)
  router = await prepareRouter(`default: clinic\nupstreams:\n  clinic: { url: "http://127.0.0.1:${upstream.port}" }\n`)
  const [free = 0] = await freePorts(1)
  port = free
  const tls = `{ cert: "file:${folder.path}/shop.crt", key: "file:${folder.path}/shop.key" }`
  const written = readFileSync(router.config, 'utf8')
  const plain = `{ host: 127.0.0.1, port: ${router.port} }`
  const listen = `listen: [${plain}, { host: 127.0.0.1, port: ${port}, tls: ${tls} }]`
  writeFileSync(router.config, written.replace(/^listen: .*$/m, listen))
})
afterEach(async () => {
  await router.close()
  folder.close()
})

const shop = () => ca.issue({ dns: ['localhost', 'shop.test'], ip: ['127.0.0.1'] })

type Handshake = { readonly serial: string; readonly resumed: boolean; readonly session: Buffer | undefined }

/** One request on a connection of its own. */
function handshake(options: ConnectionOptions = {}): Promise<Handshake> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'shop.test', ca: ca.cert, ...options })
  return new Promise((resolve, reject) => {
    let session: Buffer | undefined
    let told: Omit<Handshake, 'session'> | undefined
    socket.on('session', (made) => {
      session = made
    })
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      told = { serial: socket.getPeerCertificate().serialNumber, resumed: socket.isSessionReused() }
      socket.write('GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n')
    })
    socket.resume()
    socket.once('close', () => (told === undefined ? reject(new Error('no handshake')) : resolve({ ...told, session })))
  })
}

async function until(test: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000
  while (!(await test().catch(() => false))) {
    if (performance.now() > end) throw new Error(`it never came true; the router said\n${router.output()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function readiness(): Promise<{ readonly status: string; readonly notices?: readonly string[] }> {
  return (await (await fetch(`${router.statusUrl}/readyz`)).json()) as { status: string; notices?: string[] }
}

/** Asks without end until `stop`, half of the workers on a new connection each time. */
function startSecureLoad(workers: number) {
  const failures: string[] = []
  const serials = new Set<string>()
  let answered = 0
  let stopped = false
  const ask = (agent: Agent) =>
    new Promise<void>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, servername: 'shop.test', ca: ca.cert, agent }
      const asked = request(options, (response) => {
        response.resume()
        response.on('error', reject)
        response.on('end', () =>
          response.statusCode === 200 ? resolve() : reject(new Error(`${response.statusCode}`)),
        )
      })
      asked.on('socket', (socket) => {
        socket.once('secureConnect', () => {
          if ('getPeerCertificate' in socket)
            serials.add((socket as import('node:tls').TLSSocket).getPeerCertificate().serialNumber)
        })
      })
      asked.on('error', reject)
      asked.end()
    })
  async function work(number: number): Promise<void> {
    const kept = new Agent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0 })
    while (!stopped) {
      const agent = number % 2 === 0 ? kept : new Agent({ maxCachedSessions: 0 })
      await ask(agent).then(
        () => answered++,
        (error: Error) => failures.push(error.message),
      )
      if (agent !== kept) agent.destroy()
    }
    kept.destroy()
  }
  const working = Array.from({ length: workers }, (_, number) => work(number))
  return {
    failures,
    serials,
    answered: () => answered,
    async stop() {
      stopped = true
      await Promise.all(working)
    },
  }
}

describe('H37: TLS of a whole router', () => {
  it('changes certificates under load without a failed request, whichever way the files are replaced', async () => {
    folder.pair('shop', await shop())
    await router.up()
    const load = startSecureLoad(8)
    const seen = new Set<string>()
    const taken = async () => {
      await until(async () => {
        const serials = await Promise.all([handshake(), handshake(), handshake(), handshake()])
        return serials.every(({ serial }) => serial === serials[0]?.serial && !seen.has(serial))
      })
      seen.add((await handshake()).serial)
    }
    await taken()
    for (const order of ['certificate first', 'key first', 'together', 'by link'] as const) {
      const { cert, key } = await shop()
      if (order === 'by link') replaceByLink(folder, cert, key)
      else {
        if (order === 'key first') folder.write('shop.key', key)
        else folder.write('shop.crt', cert)
        // Longer than files are given to rest: what does not belong together is read, and not taken.
        if (order !== 'together') await new Promise((resolve) => setTimeout(resolve, 1_500))
        if (order === 'key first') folder.write('shop.crt', cert)
        else folder.write('shop.key', key)
      }
      await taken()
    }
    await load.stop()
    expect(load.failures).toEqual([])
    expect(load.answered()).toBeGreaterThan(200)
    expect(seen.size).toBe(5)
    expect((await readiness()).status).toBe('ok')
    expect(router.output()).toContain('is not that of the certificate')
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('resumes sessions of %s in processes that did not make them', async (v) => {
    folder.pair('shop', await shop())
    await router.up()
    const { session } = await handshake({ maxVersion: v })
    const options = { maxVersion: v, session: session ?? Buffer.alloc(0) }
    const makers = router.pids().dataplanes
    expect((await handshake(options)).resumed).toBe(true)
    await router.banyan('reload', '--processes')
    await until(async () => router.pids().dataplanes.every((pid) => !makers.includes(pid)))
    expect((await handshake(options)).resumed).toBe(true)
  })

  it('starts without its certificate: the rest serves, it is said where to look, and mends itself', async () => {
    await router.up()
    const missing = `listen[1].tls: the certificate file ${folder.path}/shop.crt cannot be read (ENOENT)`
    expect((await fetch(`http://127.0.0.1:${router.port}/`)).status).toBe(200)
    await expect(handshake()).rejects.toThrow()
    const notices = [`${missing}; its connections are closed until that is mended`]
    expect(await readiness()).toMatchObject({ status: 'degraded', notices })
    await until(async () => (await router.status()).notices.includes(notices[0] ?? ''))
    expect(router.output()).toContain(`the certificate file ${folder.path}/shop.crt cannot be read`)
    const checked = await router.banyan('check', '-c', router.config)
    expect(checked).toMatch(/listen\[1\]\.tls\.cert +warning: the certificate file .* cannot be read \(ENOENT\)/)
    folder.pair('shop', await shop())
    await until(async () => (await readiness()).status === 'ok')
    expect((await handshake()).resumed).toBe(false)
  })

  it('takes changed options over while it runs, on the port it has', async () => {
    folder.pair('shop', await shop())
    await router.up()
    const written = readFileSync(router.config, 'utf8')
    const strict = async () => (await handshake({ maxVersion: 'TLSv1.2' }).catch(() => 'refused')) === 'refused'
    expect(await strict()).toBe(false)
    writeFileSync(router.config, written.replace('tls: { cert', "tls: { minVersion: '1.3', cert"))
    await until(async () => (await strict()) && (await strict()) && (await strict()))
    expect((await handshake()).serial).not.toBe('')
    expect((await fetch(`http://127.0.0.1:${router.port}/`)).status).toBe(200)
  })

  it.each([
    { wrong: 'the name of a file that is not there', mistaken: 'cannot be read (ENOENT)', present: false },
    { wrong: 'a certificate of another key', mistaken: 'is not that of the certificate', present: true },
  ])('serves on as it did while the configuration has $wrong', async ({ mistaken, present }) => {
    folder.pair('shop', await shop())
    // Time in which kept connections are told to close, so that none ends between two requests.
    const written = readFileSync(router.config, 'utf8').replace('lameDuck: 0s', 'lameDuck: 1s')
    writeFileSync(router.config, written)
    await router.up()
    const { serial } = await handshake()
    const before = router.pids()
    const next = await shop()
    if (present) folder.write('next.crt', (await shop()).cert)
    const load = startSecureLoad(8)
    const named = written.replace(/cert: "[^"]*"/, `cert: "file:${folder.path}/next.crt"`)
    writeFileSync(router.config, `${named}\nroutes:\n  - { path: /new, respond: { status: 204 } }\n`)
    const held = async () => {
      const { status, notices = [] } = await readiness()
      const words = notices.filter((notice) => notice.includes('options and processes stay as they were'))
      return status === 'degraded' && words.length === 1 && words[0]?.includes(mistaken) === true
    }
    await until(held)
    // What is not about listeners is in force.
    await until(async () => (await fetch(`http://127.0.0.1:${router.port}/new`)).status === 204)
    process.kill(before.control, 'SIGKILL')
    await until(async () => router.pids().control !== before.control && (await router.status()).state === 'degraded')
    await until(held)
    expect(router.pids().dataplanes.toSorted()).toEqual(before.dataplanes.toSorted())
    expect((await handshake()).serial).toBe(serial)
    folder.write('shop.key', next.key)
    folder.write('next.crt', next.cert)
    await until(async () => router.pids().dataplanes.every((pid) => !before.dataplanes.includes(pid)))
    const after = await Promise.all([handshake(), handshake(), handshake(), handshake()])
    expect(after.map((one) => one.serial === serial)).toEqual([false, false, false, false])
    await until(async () => (await readiness()).status === 'ok')
    await load.stop()
    expect(load.failures).toEqual([])
    expect(load.answered()).toBeGreaterThan(200)
  })

  it('keeps its processes where fresh ones would have no certificate', async () => {
    folder.pair('shop', await shop())
    await router.up()
    const before = router.pids().dataplanes
    rmSync(join(folder.path, 'shop.crt'))
    await router.banyan('reload', '--processes')
    await until(async () => router.output().includes('the data-plane processes were not replaced: listen[1].tls: '))
    expect((await handshake()).serial).not.toBe('')
    expect(router.pids().dataplanes).toEqual(before)
    folder.pair('shop', await shop())
    await router.banyan('reload', '--processes')
    await until(async () => router.pids().dataplanes.every((pid) => !before.includes(pid)))
    expect((await handshake()).serial).not.toBe('')
  })

  it('takes no connection from those that have a certificate while it drains without one', async () => {
    const written = readFileSync(router.config, 'utf8').replace('lameDuck: 0s', 'lameDuck: 3s')
    writeFileSync(router.config, written)
    await router.up()
    folder.pair('next', await shop())
    const before = router.pids().dataplanes
    writeFileSync(router.config, written.replaceAll(`${folder.path}/shop.`, `${folder.path}/next.`))
    await until(async () => (await handshake()).serial !== '')
    await until(async () => (await readiness()).status === 'ok')
    const load = startSecureLoad(4)
    await until(async () => router.pids().dataplanes.every((pid) => !before.includes(pid)))
    await load.stop()
    expect(load.failures).toEqual([])
  })

  it('says for as long as it lasts that a certificate has expired, and serves with it', async () => {
    folder.pair('shop', await ca.issue({ dns: ['shop.test'], from: -2, until: -1 }))
    await router.up()
    const { status, notices } = await readiness()
    expect(status).toBe('degraded')
    expect(notices?.[0]).toMatch(/^listen\[1\]\.tls: the certificate in .*shop\.crt expired on .*until it is renewed$/)
    expect((await handshake({ rejectUnauthorized: false })).serial).not.toBe('')
    folder.pair('shop', await shop())
    await until(async () => (await readiness()).status === 'ok')
  })
})

describeWith('curl', 'H37: curl over TLS', (program) => {
  it.each([
    { version: '1.1', args: ['--http1.1'] },
    { version: '2', args: ['--http2'] },
  ])('speaks HTTP/$version', async ({ version, args }) => {
    folder.pair('shop', await shop())
    await router.up()
    const out = ['-sS', '-o', '/dev/null', '-w', '%{http_version} %{http_code} %{ssl_verify_result}']
    const trust = ['--cacert', join(folder.path, 'ca.crt'), '--resolve', `shop.test:${port}:127.0.0.1`]
    const { stdout } = await promisify(execFile)(program, [...out, ...args, ...trust, `https://shop.test:${port}/`])
    expect(stdout).toBe(`${version} 200 0`)
  })
})

describeWith('chromium', 'H37: Chromium over TLS', (program) => {
  it('loads a page', async () => {
    folder.pair('shop', await shop())
    await router.up()
    await using ended = new AsyncDisposableStack()
    const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] })
    ended.defer(() => browser.close())
    const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage()
    const answer = await page.goto(`https://localhost:${port}/page`)
    expect(answer?.status()).toBe(200)
    expect(await answer?.json()).toMatchObject({ name: 'clinic', path: '/page' })
    expect((await answer?.securityDetails())?.protocol).toBe('TLS 1.3')
    expect(await page.evaluate('performance.getEntriesByType("navigation")[0].nextHopProtocol')).toBe('h2')
  })
})

/** As Kubernetes replaces what it mounts: the files are links into a folder that is one link, which is turned. */
function replaceByLink({ path }: PemFolder, cert: string, key: string): void {
  const version = join(path, '..version')
  rmSync(version, { recursive: true, force: true })
  const next = new PemFolder()
  writeFileSync(join(next.path, 'shop.crt'), cert)
  writeFileSync(join(next.path, 'shop.key'), key)
  symlinkSync(next.path, `${version}.new`)
  renameSync(`${version}.new`, version)
  for (const file of ['shop.crt', 'shop.key']) {
    symlinkSync(join('..version', file), join(path, `${file}.new`))
    renameSync(join(path, `${file}.new`), join(path, file))
  }
}
