import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Miniflare, supportedCompatibilityDate } from 'miniflare'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleFunction } from '../../router/functions/bundle.ts'
import { listen } from '../../services/serve.ts'
import { createVets } from '../../services/vets/app.ts'
import { project } from './fixtures/functions.ts'

// A function is one source that runs anywhere: the same requests get the same answers from our own host, from miniflare
// (the host in which others run and test such functions, given our bundle) and from Node (given the source).

const FUNCTIONS = join(import.meta.dirname, '../../functions')

type Ask = (name: string, path: string, init?: RequestInit) => Promise<Response>
type Answer = { readonly status: number; readonly type: string | null; readonly body: string }
type Handler = { fetch(request: Request, env: object): Response | Promise<Response> }
type Case = { readonly name: string; readonly path: string; readonly init?: () => RequestInit; readonly status: number }

const form = (fields: Readonly<Record<string, string>>) => (): RequestInit => ({
  method: 'POST',
  body: new URLSearchParams(fields),
})
const parts = (fields: Readonly<Record<string, string>>) => (): RequestInit => {
  const body = new FormData()
  for (const [name, value] of Object.entries(fields)) body.append(name, value)
  return { method: 'POST', body }
}
const MESSAGE = { name: 'Zoë <Ada>', email: 'ada@example.org', message: `a < b & "c" – ü` }

const CASES: readonly Case[] = [
  { name: 'contact', path: '/contact.html', status: 200 },
  { name: 'contact', path: '/contact.html;jsessionid=1A2B?a=1', status: 200 },
  { name: 'contact', path: '/contact.html', init: () => ({ method: 'HEAD' }), status: 200 },
  { name: 'contact', path: '/contact.html', init: form(MESSAGE), status: 200 },
  { name: 'contact', path: '/contact.html', init: parts(MESSAGE), status: 200 },
  { name: 'contact', path: '/contact.html', init: form({ name: 'Ada' }), status: 422 },
  { name: 'contact', path: '/contact.html', init: () => ({ method: 'PUT', body: 'x' }), status: 404 },
  { name: 'vets-feed', path: '/vets.xml', status: 200 },
  { name: 'vets-feed', path: '/vets.json', status: 404 },
]

describe('every example function answers alike in our host, in miniflare and in Node', () => {
  let runtimes: Runtimes
  let vets: { readonly url: string; close(): Promise<void> }
  beforeAll(async () => {
    vets = await listen(createVets(), { port: 0 })
    runtimes = await startRuntimes(filesOf(FUNCTIONS), { VETS_URL: vets.url })
  })
  afterAll(async () => {
    await runtimes[Symbol.asyncDispose]()
    await vets.close()
  })

  it.each(CASES.map((one) => ({ ...one, method: one.init?.().method ?? 'GET' })))(
    '$method $path of $name: $status',
    async ({ name, path, init, status }) => {
      const [ours, miniflare, node] = await runtimes.answers(name, path, init)
      expect(ours?.status).toBe(status)
      expect(miniflare).toEqual(ours)
      expect(node).toEqual(ours)
    },
  )

  it('and none is left out', () => {
    expect([...new Set(CASES.map(({ name }) => name))].sort()).toEqual(readdirSync(FUNCTIONS).filter(isFolder).sort())
  })
})

describe('a function that is not portable', () => {
  it('is caught, for example where it asks on what it runs', async () => {
    const source = 'export default { fetch: () => new Response(navigator.userAgent) }\n'
    await using runtimes = await startRuntimes({ 'odd/index.ts': source }, {})
    const [ours, miniflare, node] = await runtimes.answers('odd', '/')
    expect(miniflare).toEqual(ours)
    expect(node).not.toEqual(ours)
  })
})

type Runtimes = AsyncDisposable & {
  /** What our host, miniflare and Node answer, in this order. */
  answers(name: string, path: string, init?: () => RequestInit): Promise<readonly Answer[]>
}

/** Runs the same functions in all three; `files`: path below the functions folder → text. */
async function startRuntimes(files: Readonly<Record<string, string>>, env: Record<string, string>): Promise<Runtimes> {
  const names = [...new Set(Object.keys(files).flatMap((file) => file.match(/^[^/]+(?=\/index\.ts$)/) ?? []))]
  const site = project(files, { env })
  await site.host.start()
  const started = await Promise.all(names.map((name) => start(site.root, name, env)))
  const urls = (host: 'miniflare' | 'node') => new Map(started.map((one) => [one.name, one[host]]))
  const asks: readonly Ask[] = [
    (name, path, init) => site.ask(`functions/${name}`, path, init),
    ...(['miniflare', 'node'] as const).map((host): Ask => {
      const known = urls(host)
      return (name, path, init) => fetch(`${known.get(name)}${path}`, init)
    }),
  ]
  return {
    answers: (name, path, init) => Promise.all(asks.map(async (ask) => answerOf(await ask(name, path, init?.())))),
    async [Symbol.asyncDispose]() {
      await Promise.all(started.map((one) => one.close()))
      await site[Symbol.asyncDispose]()
    },
  }
}

/** One function in miniflare, from our own bundle, and in Node, from its source. */
async function start(root: string, name: string, environment: Record<string, string>) {
  const path = join(root, 'functions', name)
  const entry = join(path, 'index.ts')
  const bundled = await bundleFunction({ name: `functions/${name}`, path, entry }, environment)
  if (bundled.kind === 'broken') throw new Error(bundled.failure)
  const { code, manifest } = bundled.bundle
  const miniflare = new Miniflare({
    // Otherwise it asks the internet what a request there looks like.
    cf: false,
    host: '127.0.0.1',
    port: 0,
    compatibilityDate: supportedCompatibilityDate,
    compatibilityFlags: ['nodejs_compat'],
    bindings: { ...manifest.env },
    modules: [{ type: 'ESModule', path: 'function.js', contents: code }],
  })
  const module: { readonly default: Handler } = await import(entry)
  const node = await listen({ fetch: (request: Request) => module.default.fetch(request, manifest.env) }, { port: 0 })
  return {
    name,
    miniflare: (await miniflare.ready).origin,
    node: node.url,
    async close() {
      await miniflare.dispose()
      await node.close()
    },
  }
}

async function answerOf(response: Response): Promise<Answer> {
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() }
}

function filesOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => !isFolder(name))
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}

function isFolder(name: string): boolean {
  return statSync(join(FUNCTIONS, name)).isDirectory()
}
