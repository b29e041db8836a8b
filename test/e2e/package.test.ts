import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../redis.ts'

const REPOSITORY = join(import.meta.dirname, '../..')
const INSTALL_TIMEOUT_MS = 180_000

/** The machine's own commands, as a user's shell finds them: without this repository's runtime. */
const PATH = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(delimiter)

describe('the package that npm pack makes', () => {
  let folder: string
  let packed: { readonly filename: string; readonly files: readonly { readonly path: string }[] }
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'banyan-package-'))
    const said = run('npm', ['pack', '--json', '--pack-destination', folder], REPOSITORY)
    ;[packed] = JSON.parse(said.slice(said.indexOf('[')))
    writeFileSync(join(folder, 'package.json'), '{ "private": true }')
    run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${packed.filename}`], folder)
  }, INSTALL_TIMEOUT_MS)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('holds the launcher, the compiled router, README and licence, and nothing else', () => {
    const paths = packed.files.map(({ path }) => path)
    expect(paths).toEqual(expect.arrayContaining(['bin/banyan.js', 'dist/router/main.js']))
    const others = paths.filter((path) => !/^(dist\/router\/.*\.js(\.map)?|bin\/banyan\.js)$/.test(path))
    expect(['LICENSE', 'README.md', 'package.json']).toEqual(expect.arrayContaining(others))
  })

  it('runs on its pinned runtime, whatever the machine has', () => {
    const { version } = JSON.parse(run('node', ['-p', 'JSON.stringify(require("banyan/package.json"))'], folder))
    expect(run(banyan(folder), ['version'], folder)).toContain(`banyan ${version} (node ${process.versions.node})`)
  })

  it('serves, and one signal ends it', async () => {
    const upstream = createServer((request, response) => response.end(`upstream saw ${request.url}`)).listen(0)
    await once(upstream, 'listening')
    const [listen, admin, status] = [await freePort(), await freePort(), await freePort()]
    writeFileSync(
      join(folder, 'banyan.yaml'),
      [
        `listen: [{ port: ${listen}, host: 127.0.0.1 }]`,
        `admin: { port: ${admin} }`,
        `status: { port: ${status}, host: 127.0.0.1 }`,
        'processes: 1',
        'lameDuck: 0s',
        'default: app',
        `upstreams: { app: { url: 'http://127.0.0.1:${portOf(upstream)}' } }`,
      ].join('\n'),
    )
    const router = spawn(banyan(folder), ['up'], { cwd: folder, env: { ...process.env, PATH }, stdio: 'pipe' })
    try {
      await untilReady(router, `http://127.0.0.1:${status}/readyz`)
      expect(await (await fetch(`http://127.0.0.1:${listen}/hello`)).text()).toBe('upstream saw /hello')
      router.kill('SIGTERM')
      expect(await once(router, 'exit')).toEqual([0, null])
    } finally {
      if (router.exitCode === null) {
        router.kill('SIGTERM')
        await once(router, 'exit')
      }
      upstream.closeAllConnections()
      upstream.close()
    }
  })
})

function banyan(folder: string): string {
  return join(folder, 'node_modules', '.bin', 'banyan')
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the upstream does not listen')
  return address.port
}

/** Asks until it answers 200; throws with what the router said where it ends before that. */
async function untilReady(router: ChildProcess, url: string): Promise<void> {
  const said: string[] = []
  for (const stream of [router.stdout, router.stderr]) stream?.on('data', (chunk: Buffer) => said.push(String(chunk)))
  while (router.exitCode === null) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`the router ended before it was ready:\n${said.join('')}`)
}

function run(program: string, options: readonly string[], cwd: string): string {
  return execFileSync(program, options, { cwd, env: { ...process.env, PATH }, encoding: 'utf8', stdio: 'pipe' })
}
