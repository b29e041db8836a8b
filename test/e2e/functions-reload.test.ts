import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OperationView } from '../../router/admin/operations.ts'
import { type Estate, ROOT, startEstate } from '../estate.ts'
import { type Exchanged, startLoad } from './checked-load.ts'
import { commandLine, eventually } from './supervised.ts'

/** Says its version and, on /stream, says it again every 300 ms for three seconds. */
const told = (version: string): string => `
export const routes = ['GET /told', 'GET /stream']

export default {
  fetch(request: Request): Response {
    if (new URL(request.url).pathname === '/told') return new Response('${version}')
    const encoder = new TextEncoder()
    let left = 10
    return new Response(new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 300))
        controller.enqueue(encoder.encode('${version} '))
        left -= 1
        if (left === 0) controller.close()
      },
    }))
  },
}
`

let estate: Estate
let folder: string

const write = (text: string) => writeFileSync(join(folder, 'functions', 'told', 'index.ts'), text)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-functions-'))
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  mkdirSync(join(folder, 'functions', 'told'), { recursive: true })
  cpSync(join(ROOT, 'functions', 'contact'), join(folder, 'functions', 'contact'), { recursive: true })
  write(told('v1'))
  writeFileSync(join(folder, 'banyan.yaml'), readFileSync(join(ROOT, 'banyan.yaml')))
  estate = await startEstate({ config: join(folder, 'banyan.yaml'), env: { BANYAN_PROCESSES: '2' } })
  await eventually(async () => {
    expect(await page('/told')).toEqual({ status: 200, text: 'v1' })
    expect((await page('/contact.html')).status).toBe(200)
  })
})
afterAll(async () => {
  await estate.close()
  rmSync(folder, { recursive: true, force: true })
})

async function page(path: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(estate.routerUrl + path)
  return { status: answer.status, text: await answer.text() }
}

/** Pids of the workerd processes on record that run. */
function workerds(): readonly number[] {
  const run: { children: { pid: number; role: string }[] } = JSON.parse(
    readFileSync(join(estate.stateFolder, 'run.json'), 'utf8'),
  )
  const pids = run.children.filter(({ role }) => role === 'workerd').map(({ pid }) => pid)
  return pids.filter((pid) => commandLine(pid).includes('workerd'))
}

/** The whole answer, and when its first and last byte came. */
function stream(): Promise<{ readonly text: string; readonly ms: number }> {
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const asked = get(`${estate.routerUrl}/stream`, { agent: false }, (response) => {
      let text = ''
      response.on('data', (chunk) => (text += String(chunk)))
      response.on('error', reject)
      response.on('end', () => resolve({ text, ms: performance.now() - startedAt }))
    })
    asked.on('error', reject)
  })
}

/** On one connection a version that was replaced never comes back. */
function fallsBack(exchanged: readonly Exchanged[], connection: number): boolean {
  const versions = exchanged.filter((one) => one.connection === connection).map((one) => one.body)
  return versions.lastIndexOf('v1') > versions.indexOf('v2') && versions.includes('v2')
}

describe('a function that is saved under load', () => {
  it('goes from v1 to v2 without a failure; an answer under way ends as it began, and its process with it', async () => {
    const before = workerds()
    expect(before).toHaveLength(2)
    const load = startLoad({ url: `${estate.routerUrl}/told`, workers: 8, method: 'GET' })
    const streamed = stream()
    await pause(300)
    write(told('v2'))
    await eventually(() => expect(load.exchanged.slice(-50).every((one) => one.body === 'v2')).toBe(true))
    await pause(300)
    await load.stop()

    expect(load.failures).toEqual([])
    expect(load.exchanged.filter((one) => one.status !== 200 || !/^v[12]$/.test(one.body))).toEqual([])
    expect(new Set(load.exchanged.map((one) => one.body))).toEqual(new Set(['v1', 'v2']))
    const connections = new Set(load.exchanged.map((one) => one.connection))
    expect([...connections].filter((one) => one % 2 === 0 && fallsBack(load.exchanged, one))).toEqual([])

    const { text, ms } = await streamed
    expect(text).toBe('v1 '.repeat(10))
    expect(ms).toBeGreaterThan(2_900)
    await eventually(() => expect(workerds()).toHaveLength(2))
    expect(before.filter((pid) => workerds().includes(pid))).toHaveLength(1)
    expect(load.exchanged.length).toBeGreaterThan(500)
  })
})

describe('a function that is saved broken', () => {
  it.each([
    { what: 'a syntax error', text: `export default {\n  fetch( {`, place: 'functions/told/index.ts:2:' },
    {
      what: 'a throw at load',
      text: `const limit: number = 3\nthrow new Error('no ' + limit)\nexport default { fetch: () => new Response('') }`,
      place: 'functions/told/index.ts:2:',
    },
  ])('with $what leaves the version before it serving, and says why and where', async ({ text, place }) => {
    const before = await page('/told')
    write(text)
    const listed = await eventually(async () => {
      const { stdout, code } = await estate.banyan('functions')
      expect(code).toBe(0)
      expect(stdout).toContain(place)
      return stdout
    })
    expect(listed).toMatch(/functions\/told .* serves its version before: /)
    expect(await page('/told')).toEqual(before)

    write(told(before.text))
    await eventually(async () => {
      const { stdout } = await estate.banyan('functions')
      expect(stdout).not.toContain(place)
    })
  })
})

describe('a function whose folder is removed', () => {
  it('leaves its operations to whoever is left, here nobody; put back it serves again', async () => {
    const contact = join(folder, 'functions', 'contact')
    cpSync(contact, join(folder, 'kept'), { recursive: true })
    rmSync(contact, { recursive: true })
    await eventually(async () =>
      expect(await page('/contact.html')).toMatchObject({ status: 404, text: expect.stringContaining('clinic') }),
    )
    await eventually(async () => {
      const { stdout } = await estate.banyan('operations')
      expect(stdout.split('\n').find((line) => /^GET +\/contact\.html/.test(line))).toContain(
        'requested, 404 from clinic',
      )
    })

    cpSync(join(folder, 'kept'), contact, { recursive: true })
    await eventually(async () => expect((await page('/contact.html')).text).toContain('<form'))
    const { stdout } = await estate.banyan('operations', '--json')
    const { operations }: { operations: OperationView[] } = JSON.parse(stdout)
    expect(operations.find((one) => one.method === 'GET' && one.path === '/contact.html')).toMatchObject({
      owner: 'functions/contact',
      served_by: 'functions/contact',
      note: null,
    })
  })
})
