import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Drift } from '../../router/catalogue/drift.ts'
import { runVerb } from '../estate.ts'
import { prepareRouter, type Router } from './router.ts'

const vet = (properties: object) => ({
  200: {
    description: 'a vet',
    content: { 'application/json': { schema: { type: 'object', required: Object.keys(properties), properties } } },
  },
})
const NAMED = { id: { type: 'integer' }, name: { type: 'string' } }
const OLD = { ...NAMED, city: { type: 'string' } }

/** What the two publish; only the old one has the pages. */
const clinic = { openapi: '3.0.3', paths: { '/vets/{id}': { get: { responses: vet(OLD) } }, '/about': { get: {} } } }
const page = { in: 'query', name: 'page', required: true, schema: { type: 'integer' } }
const vets = {
  openapi: '3.1.0',
  paths: { '/vets/{vetId}': { get: { parameters: [page], responses: vet(NAMED) } }, '/about': { get: {} } },
}

let servers: readonly Server[]
let router: Router
/** What vets publishes now. */
let published: object = vets

beforeAll(async () => {
  servers = await Promise.all([serve(() => clinic), serve(() => published)])
  const [clinicPort, vetsPort] = servers.map((server) => (server.address() as AddressInfo).port)
  router = await prepareRouter(`default: clinic
upstreams:
  clinic: { tier: legacy, url: "http://127.0.0.1:${clinicPort}", discover: { openapi: /openapi.json } }
  vets: { url: "http://127.0.0.1:${vetsPort}", discover: { openapi: /openapi.json } }
routes:
  - { path: "/vets/{id}", methods: [GET], from: clinic, to: vets, shift: canary }
`)
  await router.up()
  await until(async () => (await drift()).compared === 1)
})
afterAll(async () => {
  await router.close()
  for (const server of servers) server.close()
})

function serve(description: () => object): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === '/openapi.json') response.end(JSON.stringify(description()))
    else response.end('{}')
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

async function drift(): Promise<Drift> {
  return JSON.parse(await router.banyan('drift', '--json')) as Drift
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 60; tries++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`did not come true\n${router.output()}`)
}

describe('banyan drift', () => {
  it('says what a client of the clinic would notice of vets, and what was not compared', async () => {
    const text = await router.banyan('drift')
    expect(text).toBe(`1 pair compared, 1 with differences

GET /vets/{id}: clinic → vets
  breaks  query page must be sent now; it was unknown
  breaks  200 application/json: city is gone; it was string

not compared
  clinic publishes no description of 1 operation that it shares; set discover.openapi where it has one
  vets publishes no description of 1 operation that it shares; set discover.openapi where it has one
`)
    expect((await drift()).operations[0]).toMatchObject({
      method: 'GET',
      incumbent: 'clinic',
      candidate: 'vets',
      differences: [
        { kind: 'parameter-required', where: 'query page', was: null, becomes: 'required', breaks: true },
        { kind: 'answer-field-removed', was: 'string', becomes: null, breaks: true },
      ],
    })
  })

  it('ends with 1 where asked to, for one operation or all', async () => {
    const run = (...args: string[]) => runVerb(['drift', ...args], { BANYAN_ADMIN: router.adminUrl })
    expect((await run()).code).toBe(0)
    expect((await run('--exit-code')).code).toBe(1)
    expect((await run('--exit-code', '--operation', 'GET /about')).code).toBe(0)
    expect(await run('--operation', '/about')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('METHOD PATH'),
    })
  })

  it('is a warning of check, at the route', async () => {
    const { code, stdout } = await runVerb(['check', '--strict', '-c', router.config], {
      BANYAN_ADMIN: router.adminUrl,
    })
    expect(code).toBe(1)
    expect(stdout).toMatch(
      /banyan\.yaml:\d+:\d+ +routes\[0\]\.to +warning: "GET \/vets\/\{id\}" would break clients: "vets" describes GET \/vets\/\{id\} otherwise than "clinic"\n +hint: banyan drift says what differs/,
    )
  })

  it('is shown with a shift, in its direction, until the description says otherwise', async () => {
    await router.banyan('shift', 'start', 'GET /vets/{id}')
    const shown = await router.banyan('shift', 'show', 'GET /vets/{id}')
    expect(shown).toContain('what a client would notice\nGET /vets/{id}: clinic → vets\n  breaks  query page')
    expect((await drift()).operations).toMatchObject([{ shift: 'GET /vets/{id}' }])

    published = { ...vets, paths: { '/vets/{vetId}': { get: { responses: vet(OLD) } } } }
    // The description is asked for again when what is known of it is asked anew.
    await router.stop()
    await router.up()
    await until(async () => (await drift()).compared === 1)
    expect(await drift()).toMatchObject({ operations: [], compared: 1 })
    expect(await router.banyan('shift', 'show', 'GET /vets/{id}')).not.toContain('would notice')
  })
})
