import { describe, expect, it } from 'vitest'
import { openStore } from '../../../legacy/clinic/database.ts'
import { STYLE } from '../../../legacy/clinic/style.ts'
import { createCounter } from '../../../services/counter/app.ts'
import { type Counts, memoryCounts } from '../../../services/counter/counts.ts'
import { createOwners } from '../../../services/owners/app.ts'
import { OWNERS } from '../../../services/owners/seed.ts'
import { createVets } from '../../../services/vets/app.ts'
import { VETS } from '../../../services/vets/seed.ts'

type App = { request(path: string): Response | Promise<Response> }

async function ask(app: App, path: string) {
  const response = await app.request(path)
  return { status: response.status, headers: response.headers, body: await response.text() }
}

async function describedOperations(app: App): Promise<readonly string[]> {
  const document: { openapi: string; paths: Record<string, object> } = JSON.parse(
    (await ask(app, '/openapi.json')).body,
  )
  expect(document.openapi).toBe('3.1.0')
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
  )
}

const counter = (counts: Counts, version: 'v1' | 'v2' = 'v1') => createCounter({ counts, pod: 'pod-1', version })
const awayCounts: Counts = {
  name: 'Redis',
  next: () => Promise.reject(new Error('connection refused')),
  ready: () => Promise.resolve(false),
  close: () => {},
}

describe('every service', () => {
  it.each([
    { name: 'vets', app: createVets(), operations: ['GET /vets.html', 'GET /vets/new', 'GET /api/vets'] },
    { name: 'owners', app: createOwners(), operations: ['GET /owners/{ownerId}'] },
    { name: 'counter', app: counter(memoryCounts()), operations: ['GET /counter'] },
  ])('$name describes its operations and is healthy and ready', async ({ app, operations }) => {
    expect(await describedOperations(app)).toEqual(operations)
    expect((await ask(app, '/health')).status).toBe(200)
    expect((await ask(app, '/ready')).status).toBe(200)
    expect((await ask(app, '/elsewhere')).status).toBe(404)
  })

  it('starts with the records of the monolith', () => {
    const store = openStore(':memory:')
    const owners = store.findOwners('').map((owner) => ({
      ...owner,
      pets: owner.pets.map(({ ownerId: _, ...pet }) => pet),
    }))
    expect(OWNERS).toEqual(owners.sort((a, b) => a.id - b.id))
    expect(VETS.map(({ city: _, ...vet }) => vet)).toEqual(store.vets())
    store.close()
  })
})

describe('vets', () => {
  it.each(['/vets.html', '/vets.html/', '/vets.html;jsessionid=1A2B'])('%s is the table with cities', async (path) => {
    const { status, headers, body } = await ask(createVets(), path)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('text/html; charset=UTF-8')
    expect(body).toContain('<td>Linda Douglas</td><td>McFarland</td><td>dentistry, surgery</td>')
    expect(body).toContain(`<style>${STYLE}</style>`)
  })

  it('/vets/new tells how to apply', async () => {
    expect((await ask(createVets(), '/vets/new')).body).toContain('Join us')
  })

  it('/api/vets is the list', async () => {
    const { headers, body } = await ask(createVets(), '/api/vets')
    expect(headers.get('content-type')).toBe('application/json')
    expect(JSON.parse(body)).toEqual({ vets: VETS })
  })

  it('escapes what a record holds', async () => {
    const vets = [{ id: 1, firstName: '<b>', lastName: '"&\'', city: '</td>', specialties: [{ id: 1, name: '<i>' }] }]
    const { body } = await ask(createVets(vets), '/vets.html')
    expect(body).toContain('<td>&lt;b&gt; &quot;&amp;&#39;</td><td>&lt;/td&gt;</td><td>&lt;i&gt;</td>')
  })
})

describe('owners', () => {
  it.each([
    { path: '/owners/6', status: 200, shows: 'Jean Coleman' },
    { path: '/owners/6/', status: 200, shows: 'Jean Coleman' },
    { path: '/owners/6;jsessionid=1A2B', status: 200, shows: 'Jean Coleman' },
    { path: '/owners/999', status: 404, shows: 'There is no owner number 999.' },
    { path: '/owners/new', status: 400, shows: 'The owner must be a number.' },
  ])('$path is $status', async ({ path, status, shows }) => {
    const answer = await ask(createOwners(), path)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('text/html; charset=UTF-8')
    expect(answer.body).toContain(shows)
    expect(answer.body).toContain(`<style>${STYLE}</style>`)
  })
})

describe('counter', () => {
  it('counts in memory and names the pod', async () => {
    const app = counter(memoryCounts())
    expect((await ask(app, '/counter')).body).toBe('[pod-1] memory counter value=1\n')
    const { headers, body } = await ask(app, '/counter')
    expect(body).toBe('[pod-1] memory counter value=2\n')
    expect(headers.get('x-counter-version')).toBe('v1')
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('v2 greets and says that it is v2', async () => {
    const { headers, body } = await ask(counter(memoryCounts(), 'v2'), '/counter')
    expect(body).toBe('Hello, visitor 1!\n[pod-1] memory counter value=1\n')
    expect(headers.get('x-counter-version')).toBe('v2')
  })

  it('is alive but not ready while its store is away, and counts nothing', async () => {
    const app = counter(awayCounts)
    const { status, headers, body } = await ask(app, '/counter')
    expect([status, headers.get('retry-after')]).toEqual([503, '1'])
    expect(body).toBe('[pod-1] Redis is away; the visit was not counted\n')
    expect((await ask(app, '/ready')).status).toBe(503)
    expect((await ask(app, '/health')).status).toBe(200)
  })
})
