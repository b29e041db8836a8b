import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OperationView } from '../../router/admin/operations.ts'
import type { Published } from '../../router/model/plan.ts'
import type { LedgerEntry } from '../../router/model/shift.ts'
import { type Estate, ROOT, startEstate } from '../estate.ts'
import { eventually } from './supervised.ts'

const folder = mkdtempSync(join(tmpdir(), 'banyan-undo-'))
const config = join(folder, 'banyan.yaml')
const wide = join(folder, 'wide.yaml')
let estate: Estate

// The estate's own configuration, which says in every answer which upstream gave it.
const yaml = `debug: true\n${readFileSync(join(ROOT, 'banyan.yaml'), 'utf8').replace('./functions', join(ROOT, 'functions'))}`

beforeAll(async () => {
  writeFileSync(config, yaml)
  estate = await startEstate({ config })
  await eventually(async () => {
    const { operations } = await read<{ operations: OperationView[] }>('/api/operations')
    // All that discovery finds in the estate: a late find would change the plan between two looks at it.
    expect(operations.flatMap(({ implementers }) => implementers)).toHaveLength(27)
  })
})
afterAll(async () => {
  await estate.close()
  rmSync(folder, { recursive: true })
})

async function read<T>(path: string): Promise<T> {
  return (await fetch(estate.adminUrl + path)).json() as Promise<T>
}

async function banyan(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await estate.banyan(...args)
  if (code !== 0) throw new Error(`banyan ${args.join(' ')} ended with ${code}\n${stdout}${stderr}`)
  return stdout
}

const planHash = async (): Promise<string> => (await read<Published>('/api/plan')).hash

async function answer(path: string, method = 'GET') {
  const response = await fetch(estate.routerUrl + path, { method, redirect: 'manual' })
  return { headers: response.headers, body: await response.text() }
}

/** Path, or method and path → upstream. */
async function served(names: readonly string[]): Promise<Readonly<Record<string, string | null>>> {
  const found = names.map(async (name) => {
    const [path = '', method] = name.split(' ').reverse()
    return [name, (await answer(path, method)).headers.get('x-banyan-upstream')] as const
  })
  return Object.fromEntries(await Promise.all(found))
}

describe('a shift taken back', () => {
  it('undone three times gives the identical plan, and history shows all of it', async () => {
    const hashes = [await planHash()]
    for (const action of ['start', 'promote', 'promote']) {
      await banyan('shift', action, 'GET /owners/{ownerId}')
      hashes.push(await planHash())
    }
    expect(new Set(hashes).size).toBe(4)
    for (const expected of hashes.toReversed().slice(1)) {
      await banyan('shift', 'undo')
      expect(await planHash()).toBe(expected)
    }
    const { stderr, code } = await estate.banyan('shift', 'undo')
    expect(stderr).toContain('nothing to undo')
    expect(code).toBe(1)

    const { entries } = await read<{ entries: LedgerEntry[] }>('/api/ledger')
    expect(entries.map(({ seq, action, undoes }) => [seq, action, undoes])).toEqual([
      [1, 'start', undefined],
      [2, 'promote', undefined],
      [3, 'promote', undefined],
      [4, 'undo', 3],
      [5, 'undo', 2],
      [6, 'undo', 1],
    ])
    const history = (await banyan('shift', 'history')).split('\n')
    expect(history[2]).toMatch(/^2 .* local +promote +GET \/owners\/\{ownerId\} +canary at 1 % → canary at 5 %$/)
    expect(history[6]).toMatch(/^6 .* local +undo of 1 +GET \/owners\/\{ownerId\} +canary at 1 % → nothing$/)
  })
})

describe('moving one operation', () => {
  it('to a function leaves its twins alone, and needs no YAML', async () => {
    const before = await answer('/vets.xml')
    await banyan('shift', 'start', 'GET /vets.xml', '--to', 'functions/vets-feed')
    await banyan('shift', 'promote', 'GET /vets.xml', '--to', '100%')
    const after = await answer('/vets.xml')
    expect(after.body).toBe(before.body)
    // The clinic dates its answers, workerd does not.
    expect(before.headers.get('date')).not.toBeNull()
    expect(after.headers.get('date')).toBeNull()
    expect(await served(['/vets.html', '/vets.json', '/vets.xml'])).toEqual({
      '/vets.html': 'clinic',
      '/vets.json': 'clinic',
      '/vets.xml': 'functions/vets-feed',
    })
    expect(await banyan('shift', 'list')).toMatch(/GET \/vets\.xml .* live .* 100 % +not in YAML/)
  })

  it('to a service leaves its twins alone', async () => {
    await banyan('shift', 'start', 'GET /vets.html')
    await banyan('shift', 'promote', 'GET /vets.html', '--to', '100%')
    expect((await answer('/vets.html')).body).toContain('<th>City</th>')
    expect(await served(['/vets.html', '/vets.json', '/vets.xml', '/vets/new'])).toEqual({
      '/vets.html': 'vets',
      '/vets.json': 'clinic',
      '/vets.xml': 'functions/vets-feed',
      '/vets/new': 'clinic',
    })
  })

  it('with a parameter leaves the literal paths beside it, and what is below it', async () => {
    await banyan('shift', 'start', 'GET /owners/{ownerId}')
    await banyan('shift', 'promote', 'GET /owners/{ownerId}', '--to', '100%')
    expect((await answer('/owners/1')).body).not.toContain('clinic.internal')
    expect((await answer('/owners/new')).body).toContain('clinic.internal')
    expect(await served(['/owners/1', '/owners/new', '/owners/find', '/owners/1/edit', 'POST /owners/new'])).toEqual({
      '/owners/1': 'owners',
      '/owners/new': 'clinic',
      '/owners/find': 'clinic',
      '/owners/1/edit': 'clinic',
      'POST /owners/new': 'clinic',
    })
  })
})

describe('a prefix that covers more than its upstream implements', () => {
  const KEPT = ['GET /owners/find', 'GET /owners/new', 'POST /owners/new', 'GET /owners/{ownerId}/edit']

  it('is found by check, with the name of every operation that stays where it is', async () => {
    writeFileSync(
      wide,
      `${yaml}  - { path: "/vets/**", to: vets }
  - { path: "/owners/**", to: owners }
`,
    )
    const found = await banyan('check', '-c', wide)
    expect(found).toMatch(/captures checked against the \d+ operations known at http/)
    expect(found).toContain(`, which runs ${config}`)
    for (const name of KEPT) expect(found).toContain(name)
    expect(found).toMatch(
      / leaves \d+ operations to others, because owners is not known to implement them: .*\(clinic\)/,
    )
    // The vets service has GET /vets/new itself: nothing there stays behind.
    expect(found).not.toContain('GET /vets/new')
  })

  it('keeps them with the clinic on the wire', async () => {
    writeFileSync(config, readFileSync(wide))
    await banyan('reload')
    expect(await served(['/owners/find', '/owners/new', 'POST /owners/new', '/owners/1/edit', '/vets/new'])).toEqual({
      '/owners/find': 'clinic',
      '/owners/new': 'clinic',
      'POST /owners/new': 'clinic',
      '/owners/1/edit': 'clinic',
      '/vets/new': 'vets',
    })
    expect((await answer('/owners/nobody/knows/this')).headers.get('x-banyan-upstream')).toBe('owners')
  })

  it('is found by what the router last knew when it is stopped', async () => {
    await estate.stopRouter()
    const found = await banyan('check', '-c', config)
    expect(found).toContain(`operations last known (${estate.stateFolder}/catalogue.json); no router answers at`)
    for (const name of KEPT) expect(found).toContain(name)
  })
})
