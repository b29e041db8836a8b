import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { startClinic } from '../../legacy/clinic/server.ts'
import { startOwners } from '../../services/owners/server.ts'
import { visit } from '../visitor.ts'

const folder = mkdtempSync(join(tmpdir(), 'estate-'))
const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs a program of the estate; gives its first line and the address in it. */
async function start(file: string, env: Record<string, string>) {
  const child = spawn(process.execPath, [file], { env: { PATH: process.env.PATH, PORT: '0', ...env } })
  children.push(child)
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += String(chunk)
  })
  const ended = once(child, 'close').then(([code]) => ({ code, errors }))
  const [line] = await Promise.race([
    once(child.stdout, 'data').then(([chunk]) => [String(chunk)]),
    ended.then(() => ['']),
  ])
  return { child, line: line ?? '', url: /http:\/\/127\.0\.0\.1:\d+/.exec(line ?? '')?.[0] ?? '', ended }
}

async function bundle(main: string): Promise<string> {
  const outfile = join(folder, `${main.replaceAll('/', '-')}.cjs`)
  await build({ entryPoints: [main], outfile, bundle: true, platform: 'node', format: 'cjs', logLevel: 'silent' })
  return outfile
}

const PROGRAMS = [
  { name: 'clinic', main: 'legacy/clinic/main.ts', health: '/manage/health' },
  { name: 'vets', main: 'services/vets/main.ts', health: '/health' },
  { name: 'owners', main: 'services/owners/main.ts', health: '/health' },
  { name: 'counter', main: 'services/counter/main.ts', health: '/health' },
]

describe('the programs of the estate', () => {
  it.each(PROGRAMS)('$name says one line, serves, and stops on SIGTERM', async ({ name, main, health }) => {
    const { child, line, url, ended } = await start(main, {})
    expect(line).toMatch(new RegExp(`^${name} listens on http://127.0.0.1:\\d+.*\n$`))
    expect((await visit(url).get(health)).status).toBe(200)
    child.kill('SIGTERM')
    expect(await ended).toEqual({ code: 0, errors: '' })
  })

  it.each(PROGRAMS)('$name runs as one bundled file', async ({ main, health }) => {
    const { url } = await start(await bundle(main), {})
    expect((await visit(url).get(health)).status).toBe(200)
  })

  it.each(PROGRAMS)('$name says why it does not start', async ({ name, main }) => {
    const taken = await startOwners({ port: 0 })
    const { ended } = await start(main, { PORT: String(taken.port) })
    const { code, errors } = await ended
    expect(code).toBe(1)
    expect(errors).toContain(`${name} did not start: listen EADDRINUSE`)
    await taken.close()
  })

  it('the counter refuses a version that it does not know', async () => {
    const { ended } = await start('services/counter/main.ts', { VERSION: 'v3' })
    expect(await ended).toEqual({ code: 1, errors: 'counter did not start: VERSION is "v3"; it must be v1 or v2\n' })
  })

  it('the clinic keeps its records in a file', async () => {
    const databasePath = join(folder, 'clinic.db')
    const first = await startClinic({ port: 0, clinicHost: 'clinic.internal', databasePath })
    const visitor = visit(first.url)
    await visitor.submit('/owners/6/pets/new', { name: 'Nero', birthDate: '2020-02-29', type: 'dog' })
    await first.close()
    const second = await startClinic({ port: 0, clinicHost: 'clinic.internal', databasePath })
    expect((await visit(second.url).get('/owners/6')).body).toContain('Nero')
    expect((await visit(second.url).get('/owners')).body.match(/href="\/owners\/\d+;/g)).toHaveLength(10)
    await second.close()
  })
})

describe('the owners service', () => {
  it('shows every owner as the monolith does', async () => {
    const [clinic, owners] = [
      await startClinic({ port: 0, clinicHost: 'clinic.internal' }),
      await startOwners({ port: 0 }),
    ]
    const legacy = visit(clinic.url)
    await legacy.get('/')
    const mainOf = (html: string) => /<main>.*<\/main>/s.exec(html)?.[0] ?? 'no main'
    for (let id = 1; id <= 10; id++) {
      const [before, after] = [await legacy.get(`/owners/${id}`), await visit(owners.url).get(`/owners/${id}`)]
      expect(mainOf(after.body)).toBe(mainOf(before.body))
      expect(mainOf(after.body)).toContain('Owner information')
    }
    await Promise.all([clinic.close(), owners.close()])
  })
})
