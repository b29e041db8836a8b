import { createServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { ReflectionService } from '@grpc/reflection'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OperationView } from '../../router/admin/operations.ts'
import { prepareRouter, type Router } from './router.ts'

const WSDL = `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:t="urn:t">
  <binding name="B" type="t:P"><s:binding/><operation name="GetInvoice"/><operation name="PayInvoice"/></binding>
  <service name="S"><port name="P" binding="t:B"><s:address location="http://old.test/billing"/></port></service>
</definitions>`

const grpcServer = new GrpcServer()
let servers: readonly Server[]
let router: Router

beforeAll(async () => {
  new ReflectionService(
    loadSync(fileURLToPath(new URL('../conformance/fixtures/vets.proto', import.meta.url))),
  ).addToServer(grpcServer)
  const grpc = await new Promise<number>((resolve, reject) => {
    grpcServer.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    )
  })
  servers = [
    createServer(
      (request, response) =>
        void (request.url === '/billing?wsdl' ? response.end(WSDL) : response.writeHead(404).end()),
    ),
    createServer((_, response) => response.end('<html>')),
  ]
  const [billing, page] = await Promise.all(servers.map(listen))
  const silent = createHttp2Server((_, response) => response.writeHead(404).end())
  const h2 = await listen(silent)
  servers = [...servers, silent]
  router = await prepareRouter(`upstreams:
  visits: { url: "http://127.0.0.1:${grpc}", discover: { grpc: true } }
  billing: { tier: legacy, url: "http://127.0.0.1:${billing}", discover: { wsdl: "/billing?wsdl" } }
  page: { url: "http://127.0.0.1:${page}", discover: { wsdl: "/?wsdl", grpc: true } }
  elsewhere: { url: "http://127.0.0.1:${h2}", discover: { grpc: true } }
  away: { url: "http://127.0.0.1:1", discover: { grpc: true, wsdl: "/a?wsdl" } }
`)
  await router.up()
})
afterAll(async () => {
  await router.close()
  for (const server of servers) server.close()
  grpcServer.forceShutdown()
})

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
}

async function until(text: () => Promise<string>, holds: (text: string) => boolean): Promise<string> {
  for (let tries = 0; tries < 60; tries++) {
    const now = await text()
    if (holds(now)) return now
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`did not come true:\n${await text()}`)
}

describe('services that speak gRPC or SOAP', () => {
  it('are in the catalogue with what their descriptions say', async () => {
    const text = await until(
      () => router.banyan('operations'),
      (now) => now.includes('/billing') && now.includes('clinic.v1'),
    )
    expect(text).toMatch(/POST +\/billing +billing +- +wsdl \(SOAP GetInvoice, PayInvoice\)/)
    expect(text).toMatch(/POST +\/clinic\.v1\.Vets\/GetVet +visits +- +grpc/)
    const { operations }: { operations: readonly OperationView[] } = JSON.parse(
      await router.banyan('operations', '--json'),
    )
    expect(operations.map(({ path, owner }) => `${path} ${owner}`)).toEqual([
      '/billing billing',
      '/clinic.v1.Vets/GetVet visits',
      '/clinic.v1.Vets/ListVets visits',
      '/clinic.v1.Visits/Watch visits',
    ])
  })

  it('have a row in banyan upstreams that says what came back, whatever it was', async () => {
    const text = await until(
      () => router.banyan('upstreams'),
      (now) => !/(page|elsewhere), \w+: pending/.test(now),
    )
    expect(text).toMatch(/visits, grpc: answered, 3 operations.*\n +gRPC reflection v1: 2 services, 3 operations/)
    expect(text).toMatch(/billing, wsdl: answered, 1 operations?.*\n +GET \/billing\?wsdl: 200, 1 operation/)
    expect(text).toMatch(
      /page, wsdl: failed.*\n +GET \/\?wsdl: 200 in \d+ ms, but the answer is no WSDL document: its root is <html>/,
    )
    expect(text).toMatch(/page, grpc: failed.*\n +gRPC reflection v1: does not speak HTTP\/2, which gRPC needs/)
    expect(text).toMatch(/elsewhere, grpc: failed.*\n +gRPC reflection v1: answered HTTP 404: that is no gRPC server/)
    expect(text).toMatch(/away, grpc: pending.*\n +gRPC reflection v1: connection refused \(127\.0\.0\.1:1\)/)
    expect(text).toMatch(/away, wsdl: pending.*\n +GET \/a\?wsdl: connection refused \(127\.0\.0\.1:1\)/)
  })
})
