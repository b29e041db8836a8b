import { once } from 'node:events'
import { createServer as createPlainServer } from 'node:net'
import { createServer, type Server, type TlsOptions } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { probe } from '../../router/control/health-probe.ts'
import { descriptionFetcher } from '../../router/discovery/fetch.ts'
import { systemClock } from '../../router/kernel/clock.ts'
import type { ErrorCode } from '../../router/kernel/errors.ts'
import type { UpstreamTls } from '../../router/model/spec.ts'
import { authority, type IssueOptions, type PemFolder } from '../certificates.ts'
import { client, eventually, get, later, problemOf, router, statusOf, talk } from './support.ts'
import { pemFolder, recording } from './tls-support.ts'

type SecureUpstream = {
  readonly port: number
  readonly server: Server
  /** Requests that an application would have seen: what was decrypted. */
  readonly received: string[]
  readonly handshakes: { resumed: boolean; servername: string | false | null; peer: string | undefined }[]
}

/** An application behind TLS that answers every head. */
async function secureUpstream(options: TlsOptions): Promise<SecureUpstream> {
  const received: string[] = []
  const handshakes: SecureUpstream['handshakes'] = []
  const server = createServer(options, (socket) => {
    const at = received.push('') - 1
    const peer = socket.getPeerX509Certificate()?.subject
    handshakes.push({ resumed: socket.isSessionReused() ?? false, servername: socket.servername ?? null, peer })
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      received[at] += bytes.toString('latin1')
      if (bytes.toString('latin1').endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  later(() => {
    server.close()
  })
  const address = server.address()
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, server, received, handshakes }
}

/** A router whose upstream is at this port, spoken to by TLS. */
async function toUpstream(port: number, tls: UpstreamTls) {
  const { log, lines } = recording()
  const made = await router({ upstreams: { clinic: { ports: [port], tls } } }, { log })
  return { ...made, lines }
}

/** An upstream with such a certificate, and a router that trusts the authority of it. */
async function trusting(issue: IssueOptions, tls: Partial<UpstreamTls> = {}, server: TlsOptions = {}) {
  const folder = pemFolder()
  const ca = await authority()
  const own = await ca.issue(issue)
  const upstream = await secureUpstream({ ...own, ...server })
  const trust = { verify: true, ca: folder.write('ca.crt', ca.cert), ...tls }
  return { folder, ca, upstream, trust, ...(await toUpstream(upstream.port, trust)) }
}

const LOCAL = { ip: ['127.0.0.1'] }

describe('H37: an upstream behind TLS', () => {
  it('gets requests on connections that are kept alive', async () => {
    const { port, upstream } = await trusting(LOCAL)
    expect(statusOf(await talk(port, get('/a')))).toBe(200)
    expect(statusOf(await talk(port, get('/b')))).toBe(200)
    expect(upstream.received).toHaveLength(1)
    expect(upstream.received[0]?.match(/^GET \/[ab] HTTP\/1\.1\r$/gm)).toHaveLength(2)
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('has its sessions of %s resumed', async (maxVersion) => {
    const { port, upstream } = await trusting(LOCAL, {}, { maxVersion })
    const first = await client(port, 'GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n')
    await first.until(/ok$/)
    for (const held of [1, 2]) {
      // The first connection is busy, or was ended: another is made.
      const socket = await client(port, `GET /${held} HTTP/1.0\r\nHost: shop.test\r\n\r\n`)
      await socket.closed
    }
    const more = await Promise.all([1, 2, 3].map(() => talk(port, get('/'))))
    expect(more.map(statusOf)).toEqual([200, 200, 200])
    expect(upstream.handshakes.slice(1).map(({ resumed }) => resumed)).toContain(true)
  })

  it('is asked for its name, and must prove to be it', async () => {
    const { port, upstream } = await trusting({ dns: ['clinic.test'] }, { serverName: 'clinic.test' })
    expect(statusOf(await talk(port, get('/')))).toBe(200)
    expect(upstream.handshakes[0]?.servername).toBe('clinic.test')
  })

  const refused: readonly { name: string; issue: IssueOptions; tls?: Partial<UpstreamTls>; says: RegExp }[] = [
    { name: 'an expired certificate', issue: { ...LOCAL, from: -2, until: -1 }, says: /expired/ },
    { name: 'one that is not valid yet', issue: { ...LOCAL, from: 1, until: 2 }, says: /not yet valid/ },
    { name: 'one for another address', issue: { ip: ['127.0.0.2'] }, says: /127\.0\.0\.1 is not in the cert/ },
    {
      name: 'one for another name',
      issue: { dns: ['other.test'] },
      tls: { serverName: 'clinic.test' },
      says: /clinic\.test\. is not in the cert/,
    },
  ]

  it.each(refused)('with $name gets nothing', async ({ issue, tls, says }) => {
    const { port, upstream, lines } = await trusting(issue, tls)
    const answer = await talk(port, get('/'))
    expect(statusOf(answer)).toBe(502)
    expect(problemOf(answer)).toMatchObject({ code: 'tls_certificate_error', upstream: 'clinic' })
    expect(answer).toContain('Proxy-Status: banyan; error=tls_certificate_error')
    expect(lines).toEqual([expect.stringMatching(says)])
    expect(upstream.received.join('')).toBe('')
  })

  it('that is to speak HTTP/2 is told the same of', async () => {
    const folder = pemFolder()
    const ca = await authority()
    const upstream = await secureUpstream({ ...(await ca.issue({ ip: ['127.0.0.2'] })), ALPNProtocols: ['h2'] })
    const tls = { verify: true, ca: folder.write('ca.crt', ca.cert) }
    const { log, lines } = recording()
    const upstreams = { clinic: { ports: [upstream.port], tls, transport: 'http2' } }
    const { port } = await router({ upstreams }, { log })
    expect(problemOf(await talk(port, get('/'))).code).toBe('tls_certificate_error')
    expect(lines).toEqual([expect.stringMatching(/127\.0\.0\.1 is not in the cert/)])
    expect(upstream.received.join('')).toBe('')
  })

  it('of an unknown authority gets nothing, whether ours or the usual ones are trusted', async () => {
    const folder = pemFolder()
    const upstream = await secureUpstream(await (await authority('Theirs')).issue(LOCAL))
    const ca = folder.write('ca.crt', (await authority('Ours')).cert)
    for (const tls of [{ verify: true, ca }, { verify: true }]) {
      const { port, lines } = await toUpstream(upstream.port, tls)
      const answer = await talk(port, get('/'))
      expect(problemOf(answer).code).toBe('tls_certificate_error')
      expect(lines).toEqual([expect.stringMatching(/unable to (?:get local issuer|verify the first) certificate/)])
    }
    expect(upstream.received.join('')).toBe('')
  })

  it('gets everything where verify is off', async () => {
    const upstream = await secureUpstream(await (await authority()).issue({ dns: ['x.test'], from: -2, until: -1 }))
    const { port } = await toUpstream(upstream.port, { verify: false })
    expect(statusOf(await talk(port, get('/')))).toBe(200)
  })

  it('shares no connection with one at the same address that is spoken to otherwise', async () => {
    const upstream = await secureUpstream(await (await authority()).issue(LOCAL))
    const { port } = await router({
      upstreams: {
        open: { ports: [upstream.port], tls: { verify: false } },
        strict: { ports: [upstream.port], tls: { verify: true } },
      },
      rules: [
        { match: { path: '/strict' }, action: { kind: 'forward', upstream: 'strict' } },
        { action: { kind: 'forward', upstream: 'open' } },
      ],
    })
    expect(statusOf(await talk(port, get('/open')))).toBe(200)
    expect(statusOf(await talk(port, get('/strict')))).toBe(502)
  })

  it('that does not speak TLS, or ends in the middle of the handshake, is a protocol error', async () => {
    for (const answer of ['HTTP/1.1 400 Bad Request\r\n\r\n', '']) {
      const server = createPlainServer((socket) => {
        socket.on('error', () => {})
        socket.once('data', () => socket.end(answer))
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      later(() => {
        server.close()
      })
      const address = server.address()
      const { port } = await toUpstream(typeof address === 'object' ? (address?.port ?? 0) : 0, { verify: true })
      expect(problemOf(await talk(port, get('/'))).code).toBe('tls_protocol_error' satisfies ErrorCode)
    }
  })

  it('that speaks old versions only is told apart', async () => {
    const options = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    const { port, upstream } = await trusting(LOCAL, {}, options)
    expect(['tls_alert_received', 'tls_protocol_error']).toContain(problemOf(await talk(port, get('/'))).code)
    expect(upstream.received.join('')).toBe('')
  })

  it('is a timeout where the handshake never ends', async () => {
    const server = createPlainServer((socket) => socket.on('error', () => {}))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    later(() => {
      server.close()
    })
    const address = server.address()
    const tls = { verify: true }
    const timeouts = { connect: 100, firstByte: 5000, idle: 5000, total: undefined }
    const ports = [typeof address === 'object' ? (address?.port ?? 0) : 0]
    const { port } = await router({ upstreams: { clinic: { ports, tls, timeouts } } })
    expect(problemOf(await talk(port, get('/'))).code).toBe('connection_timeout')
  })
})

describe('H37: mutual TLS to an upstream', () => {
  async function mutual(folder: PemFolder, shown: 'ours' | 'none', maxVersion: 'TLSv1.2' | 'TLSv1.3') {
    const ca = await authority()
    const server = await ca.issue(LOCAL)
    const own = folder.pair('router', await ca.issue({ name: 'router' }))
    const upstream = await secureUpstream({ ...server, ca: ca.cert, requestCert: true, maxVersion })
    const trust: UpstreamTls = { verify: true, ca: folder.write('ca.crt', ca.cert) }
    return { upstream, ...(await toUpstream(upstream.port, shown === 'ours' ? { ...trust, certificate: own } : trust)) }
  }

  it('shows our certificate', async () => {
    const { port, upstream } = await mutual(pemFolder(), 'ours', 'TLSv1.3')
    expect(statusOf(await talk(port, get('/')))).toBe(200)
    expect(upstream.handshakes[0]?.peer).toBe('CN=router')
  })

  it('that wants one and gets none sends an alert, and its application nothing', async () => {
    const { port, upstream, lines } = await mutual(pemFolder(), 'none', 'TLSv1.2')
    const answer = await talk(port, get('/'))
    expect(statusOf(answer)).toBe(502)
    expect(problemOf(answer).code).toBe('tls_alert_received')
    expect(lines).toEqual([expect.stringMatching(/alert handshake failure/)])
    expect(upstream.received.join('')).toBe('')
  })

  it('that says so after the handshake, as TLS 1.3 does, is an error all the same', async () => {
    const { port, upstream } = await mutual(pemFolder(), 'none', 'TLSv1.3')
    const answer = await talk(port, get('/'))
    expect(statusOf(answer)).toBe(502)
    expect(['tls_alert_received', 'connection_reset']).toContain(problemOf(answer).code)
    expect(upstream.received.join('')).toBe('')
  })

  it('whose files cannot be read is set aside until they can', async () => {
    const folder = pemFolder()
    const ca = await authority()
    const upstream = await secureUpstream(await ca.issue(LOCAL))
    const missing = `${folder.path}/ca.crt`
    const { port, plane, lines } = await toUpstream(upstream.port, { verify: true, ca: missing })
    const answer = await talk(port, get('/'))
    expect(statusOf(answer)).toBe(503)
    expect(problemOf(answer).code).toBe('route_unavailable')
    const said = `upstream "clinic": tls: the certificates file ${missing} cannot be read (ENOENT)`
    expect(plane.problems()).toEqual([`${said}; nothing is sent there until it can be`])
    expect(lines[0]).toContain(said)
    folder.write('ca.crt', ca.cert)
    await eventually(() => plane.problems().length === 0)
    expect(statusOf(await talk(port, get('/')))).toBe(200)
  })

  it('is made with the new certificate once the files have changed', async () => {
    const folder = pemFolder()
    const ca = await authority()
    const upstream = await secureUpstream({ ...(await ca.issue(LOCAL)), ca: ca.cert, requestCert: true })
    const certificate = folder.pair('router', await ca.issue({ name: 'one' }))
    const trust = { verify: true, ca: folder.write('ca.crt', ca.cert), certificate }
    const { port, lines } = await toUpstream(upstream.port, trust)
    await talk(port, get('/'))
    folder.pair('router', await ca.issue({ name: 'two' }))
    await eventually(() => lines.some((line) => line.includes('in force')))
    await talk(port, get('/'))
    expect(upstream.handshakes.map(({ peer }) => peer)).toEqual(['CN=one', 'CN=two'])
  })
})

describe('H37: what else asks an upstream behind TLS', () => {
  it('are health checks, with the same options', async () => {
    const { upstream, trust, ca, folder } = await trusting(LOCAL)
    const asked = { host: '127.0.0.1', port: upstream.port, path: '/health', authority: 'clinic', timeoutMs: 2000 }
    expect(await probe({ ...asked, tls: trust })).toBeUndefined()
    expect(await probe({ ...asked, tls: { verify: true } })).toMatch(/UNABLE_TO_VERIFY|UNABLE_TO_GET/)
    expect(await probe({ ...asked, tls: { ...trust, serverName: 'x.test' } })).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
    const certificate = folder.pair('router', await ca.issue({ name: 'router' }))
    expect(await probe({ ...asked, tls: { ...trust, certificate } })).toBeUndefined()
  })

  it('is discovery, with the same options', async () => {
    const { upstream, trust } = await trusting(LOCAL)
    const fetch = descriptionFetcher({ version: '1', clock: systemClock })
    const asked = { host: '127.0.0.1', port: upstream.port, secure: true, path: '/openapi.json' }
    const { signal } = new AbortController()
    expect(await fetch({ ...asked, signal, tls: trust })).toMatchObject({ kind: 'answered', status: 200 })
    const untrusted = 'its certificate is of an authority that is not known; name that in tls.ca'
    expect(await fetch({ ...asked, signal })).toMatchObject({
      kind: 'unreachable',
      why: expect.stringContaining(untrusted),
    })
    const plain = createPlainServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1')
    later(() => void plain.close())
    await once(plain, 'listening')
    const address = plain.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    expect(await fetch({ ...asked, port, signal })).toMatchObject({
      kind: 'unreachable',
      why: expect.stringContaining('it does not speak TLS; an http: address may be meant'),
    })
  })
})
