import { createServer, type Server } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, createServer as createSocketServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js'
import { loadSync, type PackageDefinition } from '@grpc/proto-loader'
import { ReflectionService } from '@grpc/reflection'
import { afterEach, describe, expect, it } from 'vitest'
import type { DetectableUpstream, Finding, Memory } from '../../router/discovery/detectors/detector.ts'
import { DETECTORS } from '../../router/discovery/detectors/index.ts'
import { descriptionFetcher } from '../../router/discovery/fetch.ts'
import { manualClock, systemClock } from '../../router/kernel/clock.ts'
import { authority, PemFolder } from '../certificates.ts'

let closing: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closing) await close()
  closing = []
})

type Listening = {
  listen(port: number, host: string, ready: () => void): unknown
  address(): unknown
  close(): unknown
}

async function listen(server: Listening): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  return (server.address() as AddressInfo).port
}

function upstreamAt(port: number, discover: DetectableUpstream['discover']): DetectableUpstream {
  const endpoints = [{ host: '127.0.0.1', port, path: '' }]
  return { name: 'peer', endpoints, discover, ownHosts: [], declares: undefined, failure: undefined }
}

/** One round of the only detector that applies. */
function detect(upstream: DetectableUpstream, memory?: Memory, clock = systemClock) {
  const detector = DETECTORS.find((candidate) => candidate.applies(upstream))
  if (detector === undefined) throw new Error('no detector applies')
  const fetch = descriptionFetcher({ version: '0.1.0', clock })
  return detector.detect({ upstream, fetch, clock, signal: new AbortController().signal, memory })
}

function listed(finding: Finding): string[] {
  if (finding.kind !== 'read') throw new Error(`expected operations, got ${JSON.stringify(finding)}`)
  return finding.operations.map(({ method, template }) => `${method} ${template}`).sort()
}

const last = (finding: Finding) => finding.attempts.at(-1)?.outcome

const PROTO: PackageDefinition = loadSync(fileURLToPath(new URL('./fixtures/vets.proto', import.meta.url)))

/** A real gRPC server of these services; resolves with its port. */
async function startGrpc(
  reflection: readonly string[] = ['v1', 'v1alpha'],
  credentials = ServerCredentials.createInsecure(),
): Promise<number> {
  const server = new GrpcServer()
  for (const name of ['clinic.v1.Vets', 'clinic.v1.Visits']) {
    const service = PROTO[name]
    if (service === undefined || 'format' in service) throw new Error(`${name} is no service`)
    server.addService(service as Parameters<GrpcServer['addService']>[0], {})
  }
  new ReflectionService(PROTO).addToServer(server)
  for (const version of ['v1', 'v1alpha'].filter((known) => !reflection.includes(known))) {
    server.unregister(`/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`)
  }
  closing.push(() => server.forceShutdown())
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, port) => (error === null ? resolve(port) : reject(error)))
  })
}

describe('detector grpc', () => {
  const grpc = (port: number) => upstreamAt(port, { grpc: 'on' })
  const operations = ['POST /clinic.v1.Vets/GetVet', 'POST /clinic.v1.Vets/ListVets', 'POST /clinic.v1.Visits/Watch']

  it('finds services and methods, and asks again whether anything changed', async () => {
    const port = await startGrpc()
    const finding = await detect(grpc(port))
    expect(listed(finding)).toEqual(operations)
    expect(finding).toMatchObject({ source: 'gRPC reflection v1' })
    expect(last(finding)).toBe('2 services, 3 operations')
    const again = await detect(grpc(port), finding.kind === 'read' ? finding.memory : undefined)
    expect(again).toMatchObject({ kind: 'unchanged', attempts: [{ outcome: '2 services, unchanged' }] })
  })

  it('asks v1alpha where the server has no v1, the second time at once', async () => {
    const port = await startGrpc(['v1alpha'])
    const finding = await detect(grpc(port))
    expect(listed(finding)).toEqual(operations)
    expect(finding.attempts).toMatchObject([
      { what: 'gRPC reflection v1', outcome: expect.stringMatching(/^gRPC status 12: .*\(127\.0\.0\.1:\d+\)$/) },
      { what: 'gRPC reflection v1alpha', outcome: '2 services, 3 operations' },
    ])
    const again = await detect(grpc(port), finding.kind === 'read' ? finding.memory : undefined)
    expect(again).toMatchObject({ kind: 'unchanged', attempts: [{ what: 'gRPC reflection v1alpha' }] })
  })

  it('says what to do where the server has no reflection', async () => {
    const finding = await detect(grpc(await startGrpc([])))
    expect(finding).toMatchObject({ kind: 'absent', attempts: [{}, {}, { what: 'tried both versions' }] })
    expect(last(finding)).toMatch(/^it has no server reflection; register it/)
  })

  it('says that a server speaks HTTP/1.1, or another application answers', async () => {
    const http1 = await listen(createServer((_, response) => response.end()))
    const finding = await detect(grpc(http1))
    expect(finding.kind).toBe('failed')
    expect(last(finding)).toMatch(/^does not speak HTTP\/2, which gRPC needs \(/)
    const other = createHttp2Server((_, response) => response.writeHead(404).end())
    const elsewhere = await detect(grpc(await listen(other)))
    expect(elsewhere).toMatchObject({ kind: 'failed' })
    expect(last(elsewhere)).toMatch(/^answered HTTP 404: that is no gRPC server \(/)
  })

  it('waits for one that is not there yet, and not for ever for one that says nothing', async () => {
    const closed = createServer()
    const port = await listen(closed)
    await new Promise((resolve) => closed.close(resolve))
    expect(await detect(grpc(port))).toMatchObject({
      kind: 'unreachable',
      attempts: [{ outcome: `connection refused (127.0.0.1:${port})` }],
    })
    const clock = manualClock()
    const silent = createSocketServer((socket) => void closing.push(() => socket.destroy()))
    const asked = new Promise((resolve) => silent.once('connection', resolve))
    const finding = detect(grpc(await listen(silent)), undefined, clock)
    await asked
    clock.advance(5_000)
    expect(await finding).toMatchObject({ kind: 'unreachable', attempts: [{ outcome: /no answer within 5 s/ }] })
  })

  it('speaks TLS to an upstream that does, and believes whom it is told to believe', async () => {
    const root = await authority()
    const { cert, key } = await root.issue({ ip: ['127.0.0.1'] })
    const files = new PemFolder()
    closing.push(() => files.close())
    const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) }
    const port = await startGrpc(['v1'], ServerCredentials.createSsl(null, [pair]))
    const trusting = { ...grpc(port), tls: { verify: true, ca: files.write('ca.pem', root.cert) } }
    expect(listed(await detect(trusting))).toEqual(operations)
    const doubting = await detect({ ...grpc(port), tls: { verify: true } })
    expect(doubting.kind).toBe('unreachable')
    expect(last(doubting)).toMatch(/certificate.* \(127\.0\.0\.1:\d+\)$/)
  })

  it("never asks a cloud machine's metadata service", async () => {
    const upstream = { ...grpc(80), endpoints: [{ host: '169.254.169.254', port: 80, path: '' }] }
    const finding = await detect(upstream)
    expect(finding.kind).toBe('failed')
    expect(last(finding)).toContain('metadata address, which is never asked')
  })
})

const WSDL = `<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:tns="urn:vets" targetNamespace="urn:vets">
  <wsdl:binding name="B" type="tns:Vets"><soap:binding/><wsdl:operation name="GetVets"/></wsdl:binding>
  <wsdl:service name="S"><wsdl:port name="P" binding="tns:B"><soap:address location="http://soap.test/vets"/></wsdl:port></wsdl:service>
</wsdl:definitions>`

describe('detector wsdl', () => {
  let answer: { status: number; body: string } = { status: 200, body: WSDL }
  const start = () =>
    listen(
      createServer((request, response) => {
        response.writeHead(request.url === '/vets?wsdl' ? answer.status : 404, { 'content-type': 'text/xml' })
        response.end(answer.body)
      }) satisfies Server,
    )

  it('finds the path of a SOAP service with the names of its operations', async () => {
    answer = { status: 200, body: WSDL }
    const finding = await detect(upstreamAt(await start(), { wsdl: '/vets?wsdl' }))
    expect(finding).toMatchObject({
      kind: 'read',
      source: 'GET /vets?wsdl',
      operations: [{ method: 'POST', template: '/vets', detail: 'SOAP GetVets' }],
    })
    expect(last(finding)).toBe('200, 1 operation')
  })

  it.each([
    { what: 'nothing there', body: '', status: 404, kind: 'absent', says: /^404 in \d+ ms$/ },
    {
      what: 'a page',
      body: '<html><p>Vets</p></html>',
      status: 200,
      kind: 'failed',
      says: /is no WSDL document: its root is <html>$/,
    },
    {
      what: 'half a document',
      body: WSDL.slice(0, 300),
      status: 200,
      kind: 'failed',
      says: /is not well-formed XML: /,
    },
    {
      what: 'an external entity',
      body: `<!DOCTYPE d SYSTEM "http://127.0.0.1:1/x">${WSDL}`,
      status: 200,
      kind: 'failed',
      says: /has a DOCTYPE, which no WSDL needs$/,
    },
  ])('says what is wrong with $what', async ({ body, status, kind, says }) => {
    answer = { status, body }
    const finding = await detect(upstreamAt(await start(), { wsdl: '/vets?wsdl' }))
    expect(finding.kind).toBe(kind)
    expect(last(finding)).toMatch(says)
  })
})
