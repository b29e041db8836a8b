import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { type AddressInfo, createServer as createPlainServer, connect as dial } from 'node:net'
import { connect } from 'node:tls'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Terminator } from '../../router/dataplane/accept/terminator.ts'
import { systemClock } from '../../router/kernel/clock.ts'
import { silentLog } from '../../router/kernel/log.ts'
import { authority } from '../certificates.ts'
import { describeWith } from '../needs.ts'
import { client, eventually, get, later, rawUpstream, routed, router, SIGNING_KEY, statusOf, talk } from './support.ts'
import { pemFolder, recording, secured, secureRouter, tell } from './tls-support.ts'

const run = promisify(execFile)

/** What openssl s_client says of a handshake; it fails where there is none. */
async function openssl(port: number, ...args: readonly string[]): Promise<string> {
  const command = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'shop.test', ...args]
  const promise = run('openssl', command)
  promise.child.stdin?.end()
  const { stdout, stderr } = await promise.catch((error: { stdout: string; stderr: string }) => error)
  return stdout + stderr
}

const field = (name: string, text: string) => new RegExp(`^${name}: (.*)\\r$`, 'im').exec(text)?.[1]

async function several(unknownNames: 'default' | 'reject' = 'default') {
  return secureRouter({
    tls: async (folder, ca) => ({
      unknownNames,
      certificates: [
        folder.pair('first', await ca.issue({ name: 'first', dns: ['shop.test', 'www.shop.test'] })),
        folder.pair('wild', await ca.issue({ name: 'wild', dns: ['*.shop.test', 'other.test'] })),
        folder.pair('exact', await ca.issue({ name: 'exact', dns: ['api.shop.test'] })),
      ],
    }),
  })
}

/** An application behind TLS that answers with what it was sent; its port. */
async function echoServer(files: { readonly cert: string; readonly key: string }): Promise<number> {
  const pem = { cert: readFileSync(files.cert), key: readFileSync(files.key) }
  const server = createServer(pem, (request, response) => {
    response.writeHead(200, { 'content-length': request.headers['content-length'] ?? '0' })
    request.pipe(response)
  })
  server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  later(() => {
    server.close()
  })
  const address = server.address()
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

describe('H37: a TLS listener', () => {
  it('serves requests, kept alive, and says https to upstreams', async () => {
    const { port, ca, upstream } = await secureRouter()
    const twice = `GET /a HTTP/1.1\r\nHost: shop.test\r\n\r\n${get('/b')}`
    const { text, protocol } = await tell(port, ca, twice)
    expect(protocol).toBe('TLSv1.3')
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2)
    const sent = upstream.received.join('')
    expect(sent.match(/^X-Forwarded-Proto: https\r$/gm)).toHaveLength(2)
    expect(field('X-Forwarded-For', sent)).toBe('127.0.0.1')
  })

  it('passes large bodies both ways unchanged, to fast and slow clients at once', async () => {
    const folder = pemFolder()
    const ca = await authority()
    const own = folder.pair('shop', await ca.issue({ dns: ['shop.test'], ip: ['127.0.0.1'] }))
    const served = await echoServer(own)
    const tls = { verify: true, ca: folder.write('ca.crt', ca.cert) }
    const { plane } = await router({ upstreams: { clinic: { ports: [served], tls } } })
    const secure = { certificates: [own], minVersion: '1.2', unknownNames: 'default' } as const
    const { port } = await plane.listen({ host: '127.0.0.1', port: 0 }, { tls: secure })
    const turns = await Promise.all(
      Array.from({ length: 12 }, async (_, turn) => {
        const body = randomBytes(700_000 + turn * 33_333)
        const socket = connect({ port, host: '127.0.0.1', servername: 'shop.test', ca: ca.cert })
        await secured(socket)
        socket.write(
          `POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`,
        )
        socket.write(body)
        const pieces: Buffer[] = []
        for await (const piece of socket) {
          pieces.push(piece)
          // The slow ones let the router's output pile up.
          if (turn % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 2))
        }
        const all = Buffer.concat(pieces)
        return all.subarray(all.indexOf('\r\n\r\n') + 4).equals(body)
      }),
    )
    expect(turns).toEqual(turns.map(() => true))
  })

  it('passes upgraded connections through, with TLS on both sides, until each has ended its half', async () => {
    const folder = pemFolder()
    const ca = await authority()
    const own = folder.pair('shop', await ca.issue({ dns: ['shop.test'], ip: ['127.0.0.1'] }))
    const tls = { verify: true, ca: folder.write('ca.crt', ca.cert) }
    const { plane } = await router({ upstreams: { clinic: { ports: [await echoServer(own)], tls } } })
    const secure = { certificates: [own], minVersion: '1.2', unknownNames: 'default' } as const
    const { port } = await plane.listen({ host: '127.0.0.1', port: 0 }, { tls: secure })
    const options = { port, host: '127.0.0.1', servername: 'shop.test', ca: ca.cert, allowHalfOpen: true }
    const socket = connect(options)
    await secured(socket)
    const sent = randomBytes(300_000)
    socket.write('GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    const pieces: Buffer[] = []
    for await (const piece of socket) {
      if (pieces.push(piece) === 1) socket.end(sent)
    }
    const all = Buffer.concat(pieces)
    expect(all.toString('latin1', 0, 12)).toBe('HTTP/1.1 101')
    expect(all.subarray(all.indexOf('\r\n\r\n') + 4).equals(sent)).toBe(true)
  })

  it('cut off in the middle of an answer is no whole answer', async () => {
    const ca = await authority()
    const { plane } = await routed((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
      setTimeout(() => socket.destroy(), 50)
    })
    const folder = pemFolder()
    const pair = folder.pair('shop', await ca.issue({ dns: ['shop.test'] }))
    const tls = { certificates: [pair], minVersion: '1.2', unknownNames: 'default' } as const
    const cut = await plane.listen({ host: '127.0.0.1', port: 0 }, { tls })
    const socket = connect({ port: cut.port, host: '127.0.0.1', servername: 'shop.test', ca: ca.cert })
    await secured(socket)
    const ended = new Promise<string>((resolve) => {
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
      socket.on('end', () => resolve('end'))
    })
    socket.resume()
    socket.write(get('/'))
    expect(await ended).toBe('ECONNRESET')
  })

  it('closes what is no TLS, tells the log once, and serves on', async () => {
    const { log, lines } = recording()
    const { port, ca } = await secureRouter({ options: { log } })
    for (let turn = 0; turn < 3; turn++) expect(statusOf(await talk(port, get('/')))).toBeNaN()
    expect(lines.filter((line) => line.startsWith('listen[1]: a TLS handshake failed: '))).toHaveLength(1)
    expect(statusOf((await tell(port, ca, get('/'))).text)).toBe(200)
  })

  it('lets go of a client that leaves before the handshake is done', async () => {
    const { port } = await secureRouter()
    const socket = dial({ port, host: '127.0.0.1', allowHalfOpen: true })
    later(() => {
      socket.destroy()
    })
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.resume()
    socket.end('\x16\x03\x01')
    await closed
  })

  it('closes a connection whose handshake takes too long, however often something of it comes', async () => {
    const folder = pemFolder()
    const pair = folder.pair('shop', await (await authority()).issue({ dns: ['shop.test'] }))
    const reasons: string[] = []
    const terminator = await new Terminator({
      key: 'listen[1].tls',
      tls: { certificates: [pair], minVersion: '1.2', unknownNames: 'default' },
      protocols: ['http/1.1'],
      signingKey: SIGNING_KEY,
      clock: systemClock,
      log: silentLog,
      secured: () => {},
      failed: (_socket, reason) => void reasons.push(reason),
      handshakeMs: 150,
    }).open()
    const server = createPlainServer({ pauseOnConnect: true }, (socket) => void terminator.accept(socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    later(() => {
      terminator.close()
      server.close()
    })
    const raw = await client((server.address() as AddressInfo).port, '\x16\x03\x01\x40\x00')
    const dribble = setInterval(() => raw.send('\x01'), 20)
    await raw.closed
    clearInterval(dribble)
    expect(reasons).toEqual(['TLS handshake timeout'])
  })

  it('keeps no data plane from closing with a handshake that never ends', async () => {
    const { port, plane } = await secureRouter()
    const socket = dial({ port, host: '127.0.0.1' })
    later(() => {
      socket.destroy()
    })
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => {})
    socket.write('\x16\x03\x01')
    await new Promise((resolve) => setTimeout(resolve, 30))
    await plane.close()
    await closed
  })
})

describe('H37: which certificate', () => {
  const served = async ({ port, ca }: Awaited<ReturnType<typeof several>>, servername: string | undefined) => {
    const options = { rejectUnauthorized: false, ...(servername === undefined ? { servername: '' } : { servername }) }
    return (await tell(port, ca, get('/'), options)).peer.subject.CN
  }

  it('is that which names the host: exactly before by wildcard, one label, any case; else the first', async () => {
    const router = await several()
    expect(await served(router, 'shop.test')).toBe('first')
    expect(await served(router, 'www.shop.test')).toBe('first')
    expect(await served(router, 'api.shop.test')).toBe('exact')
    expect(await served(router, 'API.shop.TEST')).toBe('exact')
    expect(await served(router, 'new.shop.test')).toBe('wild')
    expect(await served(router, 'other.test')).toBe('wild')
    expect(await served(router, 'a.new.shop.test')).toBe('first')
    expect(await served(router, 'nobody.test')).toBe('first')
    expect(await served(router, undefined)).toBe('first')
  })

  it('is none for a host that nobody names, where told so', async () => {
    const router = await several('reject')
    await expect(served(router, 'nobody.test')).rejects.toThrow()
    expect(await served(router, 'new.shop.test')).toBe('wild')
    expect(await served(router, undefined)).toBe('first')
  })
})

describeWith('openssl', 'H37: openssl at a TLS listener', () => {
  it.each([
    { option: '-tls1', taken: false },
    { option: '-tls1_1', taken: false },
    { option: '-tls1_2', taken: true },
    { option: '-tls1_3', taken: true },
  ])('asked by openssl for $option: $taken', async ({ option, taken }) => {
    const { port } = await secureRouter()
    // The level lets openssl itself offer versions that it would not by default.
    const said = await openssl(port, option, '-cipher', 'DEFAULT@SECLEVEL=0')
    expect(/Cipher is (?!\(NONE\))/.test(said)).toBe(taken)
  })

  it('takes TLS 1.3 alone where told so', async () => {
    const { port } = await secureRouter({ tls: { minVersion: '1.3' } })
    expect(await openssl(port, '-tls1_2')).toMatch(/Cipher is \(NONE\)/)
    expect(await openssl(port, '-tls1_3')).toMatch(/Cipher is TLS_AES_/)
  })

  it.each([
    { cipher: 'ECDHE-ECDSA-AES128-GCM-SHA256', taken: true },
    { cipher: 'ECDHE-ECDSA-CHACHA20-POLY1305', taken: true },
    { cipher: 'ECDHE-ECDSA-AES128-SHA256', taken: false },
    { cipher: 'ECDHE-ECDSA-AES256-SHA', taken: false },
  ])('takes forward secrecy with authenticated encryption only: $cipher', async ({ cipher, taken }) => {
    const { port } = await secureRouter()
    const said = await openssl(port, '-tls1_2', '-cipher', `${cipher}@SECLEVEL=0`)
    expect(said.includes(`Cipher is ${cipher}`)).toBe(taken)
  })

  it('refuses to renegotiate', async () => {
    const { port } = await secureRouter()
    const command = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'shop.test', '-tls1_2']
    const promise = run('openssl', command)
    promise.child.stdin?.end('R\n')
    const { stdout, stderr } = await promise.catch((error: { stdout: string; stderr: string }) => error)
    expect(stdout + stderr).toMatch(/no renegotiation/i)
  })

  it('is seen by openssl too', async () => {
    const { port } = await several()
    expect(await openssl(port, '-servername', 'api.shop.test')).toMatch(/subject=CN ?= ?exact/)
  })
})

describe('H37: sessions', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('of %s are resumed by another data plane of the router', async (version) => {
    const one = await secureRouter()
    const other = await routed()
    const shop = { cert: `${one.folder.path}/shop.crt`, key: `${one.folder.path}/shop.key` }
    const tls = { certificates: [shop], minVersion: '1.2', unknownNames: 'default' } as const
    const sibling = await other.plane.listen({ host: '127.0.0.1', port: 0 }, { tls }, 'listen[1]')
    const limits = { maxVersion: version }
    const first = await tell(one.port, one.ca, get('/'), limits)
    expect(first.resumed).toBe(false)
    const options = { ...limits, session: first.session ?? Buffer.alloc(0) }
    expect((await tell(sibling.port, one.ca, get('/'), options)).resumed).toBe(true)
  })

  it('are not resumed by a router with another signing key', async () => {
    const one = await secureRouter()
    const other = await routed(undefined, {}, {}, { signingKey: Buffer.alloc(32, 8) })
    const shop = { cert: `${one.folder.path}/shop.crt`, key: `${one.folder.path}/shop.key` }
    const tls = { certificates: [shop], minVersion: '1.2', unknownNames: 'default' } as const
    const foreign = await other.plane.listen({ host: '127.0.0.1', port: 0 }, { tls }, 'listen[1]')
    const first = await tell(one.port, one.ca, get('/'))
    const again = await tell(foreign.port, one.ca, get('/'), { session: first.session ?? Buffer.alloc(0) })
    expect(again.resumed).toBe(false)
    expect(statusOf(again.text)).toBe(200)
  })
})

describe('H37: options of listeners', () => {
  it('hsts is on every answer by TLS, in the place of the upstream’s own, and never in plain', async () => {
    const answer = 'HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=1\r\nContent-Length: 2\r\n\r\nok'
    const folder = pemFolder()
    const ca = await authority()
    const pair = folder.pair('shop', await ca.issue({ dns: ['shop.test'] }))
    const { plane, port: plain } = await routed(answer)
    const tls = { certificates: [pair], minVersion: '1.2', unknownNames: 'default', hsts: 'max-age=9' } as const
    const { port } = await plane.listen({ host: '127.0.0.1', port: 0 }, { tls })
    const fields = (text: string) => text.match(/^Strict-Transport-Security: .*$/gim)
    expect(fields((await tell(port, ca, get('/'))).text)).toEqual(['Strict-Transport-Security: max-age=9'])
    const refused = await tell(port, ca, 'TRACE / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n')
    expect(statusOf(refused.text)).toBe(405)
    expect(fields(refused.text)).toEqual(['Strict-Transport-Security: max-age=9'])
    expect(fields(await talk(plain, get('/')))).toEqual(['Strict-Transport-Security: max-age=1'])
  })

  it.each([
    { changes: { set: { 'strict-transport-security': 'max-age=5' } }, sent: ['strict-transport-security: max-age=5'] },
    {
      changes: { append: { 'Strict-Transport-Security': 'max-age=5' } },
      sent: ['Strict-Transport-Security: max-age=5'],
    },
    { changes: { remove: ['Strict-Transport-Security'] }, sent: ['Strict-Transport-Security: max-age=9'] },
  ])('hsts gives way to what the route itself says: $changes', async ({ changes, sent }) => {
    const answer = 'HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=1\r\nContent-Length: 2\r\n\r\nok'
    const { port: served } = await rawUpstream(answer)
    const policies = [{ kind: 'responseHeaders', options: changes }]
    const respond = { kind: 'respond', options: { status: 200, body: 'ok', headers: {} } }
    const { plane } = await router({
      upstreams: { clinic: { ports: [served] } },
      rules: [
        { match: { path: '/local' }, action: { kind: 'answer', status: 404 }, policies: [...policies, respond] },
        { match: { path: '/**' }, action: { kind: 'forward', upstream: 'clinic' }, policies },
      ],
    })
    const ca = await authority()
    const pair = pemFolder().pair('shop', await ca.issue({ dns: ['shop.test'] }))
    const tls = { certificates: [pair], minVersion: '1.2', unknownNames: 'default', hsts: 'max-age=9' } as const
    const { port } = await plane.listen({ host: '127.0.0.1', port: 0 }, { tls })
    for (const path of ['/', '/', '/local']) {
      const { text } = await tell(port, ca, get(path))
      expect(text.match(/^Strict-Transport-Security: [^\r]*/gim)).toEqual(sent)
    }
  })

  it.each([
    { port: 443, asked: '/a%2Fb?c=d', host: 'shop.test:8080', place: 'https://shop.test/a%2Fb?c=d' },
    { port: 8443, asked: '/', host: 'shop.test', place: 'https://shop.test:8443/' },
    { port: 8443, asked: '//evil.test/', host: '[::1]:80', place: 'https://[::1]:8443//evil.test/' },
  ])('redirectToTls keeps host and target: $place', async ({ port: to, asked, host, place }) => {
    const { plane, upstream } = await routed()
    const options = { redirectToTls: { port: to } }
    const { port } = await plane.listen({ host: '127.0.0.1', port: 0 }, options)
    const answer = await talk(port, `POST ${asked} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    expect(statusOf(answer)).toBe(308)
    expect(field('Location', answer)).toBe(place)
    expect(field('Strict-Transport-Security', answer)).toBeUndefined()
    expect(upstream.received).toEqual([])
  })

  it('redirectToTls serves what a trusted proxy got by https', async () => {
    const { plane } = await routed(undefined, {}, { settings: { trustedProxies: ['127.0.0.1/32'] } })
    const { port } = await plane.listen({ host: '127.0.0.1', port: 0 }, { redirectToTls: { port: 443 } })
    expect(statusOf(await talk(port, get('/', 'X-Forwarded-Proto: https')))).toBe(200)
    expect(statusOf(await talk(port, get('/', 'X-Forwarded-Proto: HTTPS')))).toBe(200)
    expect(statusOf(await talk(port, get('/', 'X-Forwarded-Proto: http')))).toBe(308)
    expect(statusOf(await talk(port, get('/')))).toBe(308)
  })

  it('redirectToTls cannot send on who names no host', async () => {
    const { plane } = await routed()
    const { port } = await plane.listen({ host: '127.0.0.1', port: 0 }, { redirectToTls: { port: 443 } })
    expect(statusOf(await talk(port, 'GET / HTTP/1.0\r\n\r\n'))).toBe(400)
  })

  it('a PROXY header stands before the handshake', async () => {
    const { port, upstream, ca } = await secureRouter({ listener: { proxyProtocol: { from: ['127.0.0.1/32'] } } })
    const raw = await client(port, 'PROXY TCP4 203.0.113.7 10.0.0.1 1 2\r\n')
    const socket = connect({ socket: raw.socket, servername: 'shop.test', ca: ca.cert })
    await secured(socket)
    socket.write(get('/'))
    await eventually(() => upstream.received.length > 0)
    expect(field('X-Forwarded-For', upstream.received.join(''))).toBe('203.0.113.7')
  })

  it.each([1, 50, 5_000])('a PROXY header comes in one piece with the handshake, cut after %d bytes', async (cut) => {
    const { port, upstream, ca } = await secureRouter({ listener: { proxyProtocol: { from: ['127.0.0.1/32'] } } })
    const balancer = createPlainServer((socket) => {
      const onward = dial({ port, host: '127.0.0.1', noDelay: true })
      for (const one of [socket, onward]) one.on('error', () => {})
      onward.pipe(socket)
      socket.once('data', async (hello) => {
        socket.pause()
        const first = Buffer.concat([Buffer.from('PROXY TCP4 203.0.113.7 10.0.0.1 1 2\r\n'), hello])
        onward.write(first.subarray(0, cut))
        await new Promise((resolve) => setTimeout(resolve, 10))
        onward.write(first.subarray(cut))
        socket.pipe(onward)
      })
    })
    balancer.listen(0, '127.0.0.1')
    await once(balancer, 'listening')
    later(() => {
      balancer.close()
    })
    const address = balancer.address()
    const { text } = await tell(typeof address === 'object' ? (address?.port ?? 0) : 0, ca, get('/'))
    expect(statusOf(text)).toBe(200)
    expect(field('X-Forwarded-For', upstream.received.join(''))).toBe('203.0.113.7')
  })

  it('a new key of a client that came by TLS is Secure', async () => {
    const weights = { s: { weight: 0.5, salt: '00', active: true } }
    const rule = { action: { kind: 'shift', shift: 's', incumbent: 'clinic', candidate: 'clinic' } } as const
    const { port, plainPort, ca } = await secureRouter({ setup: { rules: [rule], live: { weights } } })
    expect(field('Set-Cookie', (await tell(port, ca, get('/'))).text)).toMatch(/; Secure$/)
    expect(field('Set-Cookie', await talk(plainPort, get('/')))).toMatch(/SameSite=Lax$/)
  })
})
