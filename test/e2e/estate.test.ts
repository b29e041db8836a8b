import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OperationView } from '../../router/admin/operations.ts'
import { systemProcesses } from '../../router/kernel/processes.ts'
import { type Estate, startEstate } from '../estate.ts'

let estate: Estate

beforeAll(async () => {
  estate = await startEstate()
  await untilKnown(22)
})
afterAll(() => estate.close())

async function operations(): Promise<readonly OperationView[]> {
  const { stdout } = await estate.banyan('operations', '--json')
  const body: { operations: OperationView[] } = JSON.parse(stdout)
  return body.operations
}

/** Discovery is at work from the start; the first answers take a moment. */
async function untilKnown(count: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(`${estate.adminUrl}/api/operations`).catch(() => undefined)
    const body: { operations: OperationView[] } | undefined = answer?.ok ? JSON.parse(await answer.text()) : undefined
    if ((body?.operations.filter((one) => one.implementers.length > 0).length ?? 0) >= count) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`fewer than ${count} operations were found within 10 s\n${estate.output()}`)
}

const page = async (path: string) => {
  const answer = await fetch(estate.routerUrl + path, { redirect: 'manual' })
  return { status: answer.status, text: await answer.text() }
}

const CLINIC = [
  'GET /',
  'GET /oups',
  'GET /owners',
  'GET /owners/find',
  'GET /owners/new',
  'GET /owners/{ownerId}',
  'GET /owners/{ownerId}/edit',
  'GET /owners/{ownerId}/pets/new',
  'GET /owners/{ownerId}/pets/{petId}/edit',
  'GET /owners/*/pets/{petId}/visits/new',
  'GET /vets.html',
  'GET /vets.json',
  'GET /vets.xml',
  'GET /vets/new',
  'POST /owners/new',
  'POST /owners/{ownerId}/edit',
  'POST /owners/{ownerId}/pets/new',
  'POST /owners/{ownerId}/pets/{petId}/edit',
  'POST /owners/{ownerId}/pets/{petId}/visits/new',
]
const nameless = (name: string) => name.replace(/\{[^}]*\}|\*/g, '{}')

describe('the example estate behind the router', () => {
  it('serves the clinic, and the clinic is the incumbent of what could move', async () => {
    expect(await page('/')).toMatchObject({ status: 200, text: expect.stringContaining('Welcome') })
    const vets = await page('/vets.html')
    expect(vets.status).toBe(200)
    expect(vets.text).not.toContain('City')
  })

  it('serves what only a function or a service implements from there', async () => {
    expect(await page('/contact.html')).toMatchObject({ status: 200, text: expect.stringContaining('<form') })
    expect((await page('/counter')).text).toMatch(/memory counter value=\d+/)
    expect((await page('/api/vets')).status).toBe(200)
  })

  it('knows the nineteen operations of the monolith, and no others of it', async () => {
    const found = (await operations())
      .filter((one) => one.implementers.some(({ upstream }) => upstream === 'clinic'))
      .map((one) => `${one.method} ${one.path}`)
    expect(found.map(nameless).sort()).toEqual(CLINIC.map(nameless).sort())
  })

  it('knows who else implements what, by which evidence', async () => {
    const known = new Map((await operations()).map((one) => [nameless(`${one.method} ${one.path}`), one]))
    const implementers = (name: string) =>
      known
        .get(name)
        ?.implementers.map(({ upstream, evidence }) => `${upstream}: ${evidence.map((one) => one.detector)}`)
    expect(implementers('GET /vets.html')?.toSorted()).toEqual(['clinic: mappings', 'vets: openapi'])
    expect(implementers('GET /owners/{}')?.toSorted()).toEqual(['clinic: mappings', 'owners: openapi'])
    expect(implementers('GET /vets.xml')?.toSorted()).toEqual(['clinic: mappings', 'functions/vets-feed: declared'])
    expect(implementers('GET /contact.html')).toEqual(['functions/contact: declared'])
    expect(implementers('GET /counter')).toEqual(['counter: openapi'])
    expect(known.get('GET /vets.html')).toMatchObject({ owner: 'clinic', served_by: 'clinic', tier: 'legacy' })
    expect(known.get('GET /contact.html')).toMatchObject({ owner: 'functions/contact', tier: 'function' })
  })

  it('explains who answers /owners/new, by which rule, and what that beat', async () => {
    const { stdout, code } = await estate.banyan('explain', 'GET', '/owners/new')
    expect(code).toBe(0)
    expect(stdout).toContain('clinic')
    expect(stdout).toContain('GET /owners/new')
    expect(stdout).toContain('/owners/{ownerId}')
  })

  it('ends with one Ctrl-C, and leaves no process behind', async () => {
    const run: { children: { pid: number; role: string }[] } = JSON.parse(
      readFileSync(join(estate.stateFolder, 'run.json'), 'utf8'),
    )
    const roles = run.children.map(({ role }) => role)
    expect(roles.filter((role) => role === 'workerd')).toHaveLength(2)
    expect(roles.filter((role) => role === 'dataplane').length).toBeGreaterThan(0)
    const pids = [...run.children.map(({ pid }) => pid), estate.router()?.pid ?? 0]
    expect(await estate.stopRouter('SIGINT')).toBe(0)
    expect(pids.filter((pid) => systemProcesses.started(pid) !== undefined)).toEqual([])
  })
})
