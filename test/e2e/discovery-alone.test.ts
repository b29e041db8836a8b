import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OperationView } from '../../router/admin/operations.ts'
import type { Explanation } from '../../router/compile/explain.ts'
import type { LedgerEntry } from '../../router/model/shift.ts'
import { type Estate, freePorts, ROOT, startEstate } from '../estate.ts'
import { eventually } from './supervised.ts'

const MONOLITH = [
  'GET /',
  'GET /oups',
  'GET /owners',
  'GET /owners/find',
  'GET /owners/new',
  'GET /owners/{}',
  'GET /owners/{}/edit',
  'GET /owners/{}/pets/new',
  'GET /owners/{}/pets/{}/edit',
  'GET /owners/{}/pets/{}/visits/new',
  'GET /vets.html',
  'GET /vets.json',
  'GET /vets.xml',
  'GET /vets/new',
  'POST /owners/new',
  'POST /owners/{}/edit',
  'POST /owners/{}/pets/new',
  'POST /owners/{}/pets/{}/edit',
  'POST /owners/{}/pets/{}/visits/new',
]

type Owners = Readonly<Record<string, string | null>>

/** Before any function is there. */
const WITHOUT_FUNCTIONS: Owners = {
  ...Object.fromEntries(MONOLITH.map((name) => [name, 'clinic'])),
  'GET /api/vets': 'vets',
  'GET /counter': 'counter',
}
const ALL: Owners = {
  ...WITHOUT_FUNCTIONS,
  'GET /contact.html': 'functions/contact',
  'POST /contact.html': 'functions/contact',
}

/** What the upstream that comes later claims: operations that are the monolith's. */
const CLAIMS = {
  openapi: '3.1.0',
  info: { title: 'late', version: '1' },
  paths: { '/owners/new': { get: {}, post: {} }, '/owners/{id}': { get: {} }, '/vets.json': { get: {} } },
}

const folder = mkdtempSync(join(tmpdir(), 'banyan-alone-'))
const config = join(folder, 'banyan.yaml')
let estate: Estate
let latePort = 0
let late: Server | undefined

beforeAll(async () => {
  ;[latePort = 0] = await freePorts(1)
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  mkdirSync(join(folder, 'functions'))
  writeFileSync(config, withoutRoutes())
  estate = await startEstate({ config })
})
afterAll(async () => {
  await stopLate()
  await estate.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The example's own configuration, its last part cut off, and an upstream that is not there yet. */
function withoutRoutes(): string {
  const written = readFileSync(join(ROOT, 'banyan.yaml'), 'utf8')
  const lateUpstream = `upstreams:\n  late: { url: "http://127.0.0.1:${latePort}", discover: { openapi: /openapi.json } }`
  const text = `debug: true\n${written.slice(0, written.indexOf('routes:'))}`.replace('upstreams:', lateUpstream)
  expect(text).toContain('functions: ./functions')
  return text
}

const deploy = (name: string) =>
  cpSync(join(ROOT, 'functions', name), join(folder, 'functions', name), { recursive: true })
const remove = (name: string) => rmSync(join(folder, 'functions', name), { recursive: true })

function startLate(): Promise<void> {
  const server = createServer((asked, answer) =>
    answer.end(asked.url === '/openapi.json' ? JSON.stringify(CLAIMS) : 'late'),
  )
  late = server
  return new Promise((done) => server.listen(latePort, '127.0.0.1', done))
}

async function stopLate(): Promise<void> {
  const server = late
  late = undefined
  server?.closeAllConnections()
  if (server !== undefined) await new Promise((done) => server.close(done))
}

async function operations(): Promise<readonly OperationView[]> {
  const answer = await fetch(`${estate.adminUrl}/api/operations`)
  const body: { operations: OperationView[] } = JSON.parse(await answer.text())
  return body.operations
}

const nameless = (path: string) => path.replace(/\{[^}]*\}|\*/g, '{}')
const nameOf = (one: OperationView) => `${one.method} ${nameless(one.path)}`

async function owners(): Promise<Owners> {
  return Object.fromEntries((await operations()).map((one) => [nameOf(one), one.owner]))
}

async function implementers(name: string): Promise<readonly string[]> {
  const known = (await operations()).find((one) => nameOf(one) === name)
  return known?.implementers.map(({ upstream }) => upstream).sort() ?? []
}

/** Which upstream answers a request for each of these operations, as the answer itself says. */
async function served(names: readonly string[]): Promise<Owners> {
  const asked = names.map(async (name) => {
    const [method = '', path = ''] = name.split(' ')
    const answer = await fetch(estate.routerUrl + path.replaceAll('{}', '1'), { method, redirect: 'manual' })
    await answer.body?.cancel()
    return [name, answer.headers.get('x-banyan-upstream')] as const
  })
  return Object.fromEntries(await Promise.all(asked))
}

async function explained(names: readonly string[]): Promise<Owners> {
  const asked = names.map(async (name) => {
    const [method = '', path = ''] = name.split(' ')
    const answer = await fetch(`${estate.adminUrl}/api/explain`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ method, url: path.replaceAll('{}', '1'), headers: [] }),
    })
    const explanation: Explanation = JSON.parse(await answer.text())
    return [name, explanation.upstream ?? null] as const
  })
  return Object.fromEntries(await Promise.all(asked))
}

async function banyan(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await estate.banyan(...args)
  if (code !== 0) throw new Error(`banyan ${args.join(' ')} ended with ${code}\n${stdout}${stderr}`)
  return stdout
}

/** Everything agrees: who owns it, who answers it, and who is said to. */
async function expectServed(expected: Owners): Promise<void> {
  await eventually(async () => expect(await owners()).toEqual(expected))
  const names = Object.keys(expected)
  expect(await served(names)).toEqual(expected)
  expect(await explained(names)).toEqual(expected)
}

const contactPage = async () => {
  const answer = await fetch(`${estate.routerUrl}/contact.html`)
  return { status: answer.status, by: answer.headers.get('x-banyan-upstream'), text: await answer.text() }
}

describe('the estate with upstreams, functions and no routes', () => {
  it('has nineteen operations of the monolith and two of services, each served by its owner', async () => {
    await expectServed(WITHOUT_FUNCTIONS)
    const monolith = (await operations()).filter(({ owner }) => owner === 'clinic')
    expect(monolith.map(nameOf).sort()).toEqual(MONOLITH)
    expect(await implementers('GET /vets.html')).toEqual(['clinic', 'vets'])
    expect(await implementers('GET /owners/{}')).toEqual(['clinic', 'owners'])
  })

  it('has a contact page that nobody implements, until the function is there', async () => {
    expect(await contactPage()).toMatchObject({ status: 404, by: 'clinic' })
    const asked = await eventually(async () => {
      const found = (await operations()).find(({ path }) => path === '/contact.html')
      if (found === undefined) throw new Error('nothing is said of /contact.html')
      return found
    })
    expect(asked).toMatchObject({ method: 'GET', owner: null, implementers: [], note: 'requested, 404 from clinic' })

    deploy('contact')
    await eventually(async () => expect(await contactPage()).toMatchObject({ status: 200, by: 'functions/contact' }))
    await expectServed(ALL)
  })
})

describe('what discovery finds later', () => {
  it('moves nothing where a function implements what the monolith serves, nor when it is gone', async () => {
    deploy('vets-feed')
    await eventually(async () => expect(await implementers('GET /vets.xml')).toEqual(['clinic', 'functions/vets-feed']))
    await expectServed(ALL)
    remove('vets-feed')
    await eventually(async () => expect(await implementers('GET /vets.xml')).toEqual(['clinic']))
    await expectServed(ALL)
  })

  it('moves nothing where a service comes that claims operations of the monolith, nor when it is gone', async () => {
    await startLate()
    await eventually(async () => expect(await implementers('GET /owners/new')).toEqual(['clinic', 'late']), 70_000)
    expect(await implementers('GET /owners/{}')).toEqual(['clinic', 'late', 'owners'])
    await expectServed(ALL)
    await stopLate()
    await expectServed(ALL)
  }, 90_000)

  it('moves nothing over a restart of the router, whoever is found first', async () => {
    await estate.stopRouter()
    await startLate()
    await estate.startRouter()
    await eventually(async () => expect(await implementers('GET /vets.json')).toEqual(['clinic', 'late']))
    await expectServed(ALL)
    const { entries } = JSON.parse(await banyan('shift', 'history', '--json')) as { entries: LedgerEntry[] }
    expect(entries).toEqual([])
  })
})

describe('a move without a route', () => {
  const move = async (name: string, to: string) => {
    await banyan('shift', 'start', name, '--to', to)
    await banyan('shift', 'promote', name, '--to', '100%')
  }
  const moved: Record<string, string> = {}

  it('of an operation with a parameter leaves the literal paths beside it', async () => {
    await move('GET /owners/{ownerId}', 'owners')
    moved['GET /owners/{}'] = 'owners'
    expect(await served(Object.keys(ALL))).toEqual({ ...ALL, ...moved })
    expect(await explained(['GET /owners/{}', 'GET /owners/new', 'GET /owners/find'])).toEqual({
      'GET /owners/{}': 'owners',
      'GET /owners/new': 'clinic',
      'GET /owners/find': 'clinic',
    })
  })

  it('of a page to a service leaves its twins alone', async () => {
    await move('GET /vets.html', 'vets')
    moved['GET /vets.html'] = 'vets'
    expect(await served(Object.keys(ALL))).toEqual({ ...ALL, ...moved })
    expect(await (await fetch(`${estate.routerUrl}/vets.html`)).text()).toContain('<th>City</th>')
  })

  it('to a function leaves the rest alone', async () => {
    deploy('vets-feed')
    await eventually(async () => expect(await implementers('GET /vets.xml')).toContain('functions/vets-feed'))
    await move('GET /vets.xml', 'functions/vets-feed')
    moved['GET /vets.xml'] = 'functions/vets-feed'
    expect(await served(Object.keys(ALL))).toEqual({ ...ALL, ...moved })
    // Who owns it is who would serve it again after an abort.
    expect(await owners()).toEqual(ALL)
  })

  it('is taken back as it was made', async () => {
    for (const name of ['GET /owners/{ownerId}', 'GET /vets.html', 'GET /vets.xml']) {
      await banyan('shift', 'abort', name)
    }
    await expectServed(ALL)
  })
})
