import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttp1, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import http2, { type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { probe } from '../../router/control/health-probe.ts'
import type { PlanUpstream } from '../../router/model/plan.ts'
import { authority } from '../certificates.ts'
import { describeWith } from '../needs.ts'
import { get, later, problemOf, router, statusOf, talk } from '../wire/support.ts'
import { pemFolder } from '../wire/tls-support.ts'

const run = promisify(execFile)

type Speaks = 'http1' | 'h2c' | 'h2'

/** Answers as its path says, in Node's own HTTP of either version. */
function application(
  request: IncomingMessage | Http2ServerRequest,
  either: ServerResponse | Http2ServerResponse,
): void {
  // What is used of them is the same in both.
  const response = either as ServerResponse
  const { url = '', method, headers } = request
  if (url === '/echo') {
    ;(request as IncomingMessage).pipe(response)
  } else if (url.startsWith('/bytes/')) response.end(Buffer.alloc(Number(url.slice(7)), 'abcdefghij'))
  else if (url === '/trailers') {
    response.setHeader('trailer', 'x-sum')
    response.write('body')
    response.addTrailers({ 'x-sum': '42' })
    response.end()
  } else if (url === '/missing') {
    response.statusCode = 404
    response.end()
  } else if (url === '/none') {
    response.statusCode = 204
    response.end()
  } else response.end(`${method} ${url} ${headers.cookie ?? ''}`)
}

/** The application, and a router in front of it that listens in plain and by TLS. */
async function stage(speaks: Speaks) {
  const folder = pemFolder()
  const ca = await authority()
  const caFile = folder.write('ca.crt', ca.cert)
  const issued = await ca.issue({ dns: ['shop.test'], ip: ['127.0.0.1'] })
  const pair = folder.pair('shop', issued)
  const credentials = { cert: issued.cert, key: issued.key }
  const server = {
    http1: () => createHttp1(application),
    h2c: () => http2.createServer(application),
    h2: () => http2.createSecureServer(credentials, application),
  }[speaks]()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  later(() => {
    server.close()
    if ('closeAllConnections' in server) server.closeAllConnections()
  })
  const { port: upstreamPort } = server.address() as AddressInfo
  const over: Partial<PlanUpstream> = {
    ...(speaks === 'http1' ? {} : { transport: 'http2' }),
    ...(speaks === 'h2' ? { tls: { verify: true, ca: caFile, serverName: 'shop.test' } } : {}),
  }
  const { port, plane } = await router({ upstreams: { shop: { ports: [upstreamPort], ...over } } })
  const tls = { certificates: [pair], minVersion: '1.2', unknownNames: 'default' } as const
  const { port: tlsPort } = await plane.listen({ host: '127.0.0.1', port: 0 }, { tls }, 'listen[1]')
  return { port, tlsPort, upstreamPort, caFile, folder, ca }
}

const UPSTREAMS: readonly Speaks[] = ['http1', 'h2c', 'h2']
const CLIENTS = [
  { client: 'HTTP/1.1 in plain', flags: ['--http1.1'], secure: false, version: '1.1' },
  { client: 'HTTP/2 in plain', flags: ['--http2-prior-knowledge'], secure: false, version: '2' },
  { client: 'HTTP/1.1 by TLS', flags: ['--http1.1'], secure: true, version: '1.1' },
  { client: 'HTTP/2 by TLS', flags: ['--http2'], secure: true, version: '2' },
]

describeWith('curl', 'curl through the router', (curl) => {
  const pairs = UPSTREAMS.flatMap((speaks) => CLIENTS.map((one) => ({ ...one, speaks })))

  it.each(pairs)('H36: $client to an upstream in $speaks', async ({ flags, secure, version, speaks }) => {
    const { port, tlsPort, caFile, folder } = await stage(speaks)
    const origin = secure ? `https://shop.test:${tlsPort}` : `http://shop.test:${port}`
    const ask = async (path: string, ...more: string[]): Promise<string> => {
      const always = ['-sS', '--cacert', caFile, '--connect-to', `shop.test::127.0.0.1:${secure ? tlsPort : port}`]
      const told = ['-w', '\n%{http_version} %{http_code} %{size_download}']
      const { stdout } = await run(curl, [...flags, ...always, ...told, ...more, origin + path], { maxBuffer: 2 ** 26 })
      return stdout
    }
    expect(await ask('/a?b=c', '-H', 'Cookie: x=1; y=2')).toBe(`GET /a?b=c x=1; y=2\n${version} 200 19`)
    expect(await ask('/echo', '-d', 'said=again')).toBe(`said=again\n${version} 200 10`)
    const file = folder.write('upload', 'x'.repeat(1_500_000))
    expect((await ask('/echo', '-T', file, '-X', 'POST')).length).toBe(1_500_000 + `\n${version} 200 1500000`.length)
    expect(await ask('/echo', '-H', 'Transfer-Encoding: chunked', '-d', `@${file}`)).toContain(`${version} 200 1500000`)
    expect(await ask('/bytes/2000000', '-o', '/dev/null')).toBe(`\n${version} 200 2000000`)
    expect(await ask('/none')).toBe(`\n${version} 204 0`)
    expect(await ask('/', '--head')).toMatch(/^HTTP\/(?:1\.1 200 OK|2 200 ?)\r\n/)
    expect(await ask('/trailers', '-i')).toMatch(/body/)
    expect(await ask('/%zz')).toContain(`${version} 400`)
  })
})

describeWith('nghttp', "nghttp2's clients through the router", (nghttp) => {
  const h2load = join(nghttp, '..', 'h2load')

  it.each(UPSTREAMS)('H36: nghttp is answered, with trailers, by an upstream in %s', async (speaks) => {
    const { port } = await stage(speaks)
    const { stdout } = await run(nghttp, ['-v', '--no-dep', `http://127.0.0.1:${port}/trailers`])
    expect(stdout.replace(/\u001b\[[\d;]*m/g, '')).toMatch(/:status: 200[\s\S]*body[\s\S]*x-sum: 42[\s\S]*END_STREAM/)
    const upload = await run(nghttp, ['-d', import.meta.filename, `http://127.0.0.1:${port}/echo`])
    expect(upload.stdout).toContain('nghttp is answered, with trailers')
  })

  it.each(UPSTREAMS)('H36: h2load asks ten thousand times, and all succeed, of an upstream in %s', async (speaks) => {
    const { port } = await stage(speaks)
    const { stdout } = await run(h2load, ['-n', '10000', '-c', '10', '-m', '50', `http://127.0.0.1:${port}/bytes/100`])
    expect(stdout).toContain('10000 succeeded, 0 failed, 0 errored')
    expect(stdout).toContain('10000 2xx')
  })

  it('H36: h2load by TLS gets HTTP/2 by ALPN', async () => {
    const { tlsPort } = await stage('h2c')
    const { stdout } = await run(h2load, ['-n', '1000', '-c', '4', '-m', '10', `https://127.0.0.1:${tlsPort}/`])
    expect(stdout).toContain('Application protocol: h2')
    expect(stdout).toContain('1000 succeeded')
  })
})

describe('an upstream that is to speak HTTP/2 by TLS', () => {
  it('is asked by HTTP/2 how it is', async () => {
    const { upstreamPort, caFile } = await stage('h2')
    const asking = { host: '127.0.0.1', port: upstreamPort, authority: 'shop.test', timeoutMs: 2000, http2: true }
    const tls = { verify: true, ca: caFile, serverName: 'shop.test' }
    expect(await probe({ ...asking, path: '/health', tls })).toBeUndefined()
    expect(await probe({ ...asking, path: '/missing', tls })).toBe('it answered 404')
    expect(await probe({ ...asking, path: '/health', tls: { ...tls, serverName: 'other.test' } })).toContain('ALTNAME')
  })

  it('H36: and chooses HTTP/1.1 is 502, and no request is sent there', async () => {
    const folder = pemFolder()
    const ca = await authority()
    const requests: string[] = []
    const server: Server = createHttps(await ca.issue({ dns: ['shop.test'] }), (request, response) => {
      requests.push(request.url ?? '')
      response.end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    later(() => {
      server.close()
    })
    const tls = { verify: true, ca: folder.write('ca.crt', ca.cert), serverName: 'shop.test' }
    const { port } = await router({
      upstreams: { shop: { ports: [(server.address() as AddressInfo).port], transport: 'http2', tls } },
    })
    const text = await talk(port, get('/secret'))
    expect(statusOf(text)).toBe(502)
    expect(problemOf(text).code).toMatch(/^tls_/)
    expect(requests).toEqual([])
  })
})
