import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts, ROOT } from '../estate.ts'
import { untilAnswered } from './ask.ts'
import { type Child, runToEnd, startChild } from './children.ts'
import { descriptionOf } from './described.ts'
import type { SecurePort } from './nginx.ts'

/** A configuration: `routes` of them, to `first`, but for the one that is shifted or moved. */
export type RoutesOptions = {
  readonly count: number
  /** Ports of the two upstreams. */
  readonly upstreams: readonly [first: number, second: number]
  /** This route moves from the first upstream to the second, half of the users at once. */
  readonly shifted?: number
  /** This route is the second upstream's. */
  readonly moved?: number
  /** This route takes POST as well. */
  readonly posted?: number
  /** Data-plane processes; 1 by default. */
  readonly processes?: number
  readonly secure?: SecurePort
  /** The upstreams are spoken to in HTTP/2. */
  readonly h2c?: boolean
  /** So many operations no route names: a description says that the second upstream implements them. */
  readonly described?: number
}

export type RouterOptions = {
  readonly routes: RoutesOptions
  /** An existing folder; the router gets one of its own in it. */
  readonly folder: string
  readonly name: string
  readonly signal: AbortSignal
  /** Where compiled code is kept. */
  readonly compileCache: string
}

export type Router = AsyncDisposable & {
  readonly pid: number
  readonly url: string
  /** Writes the configuration anew; nothing is reloaded by that here. */
  configure(routes: RoutesOptions): Promise<void>
  /** Runs one verb of the command with --json, and reads what it printed. */
  verb(...args: readonly string[]): Promise<unknown>
  /** Process ids by role, as `banyan status` gives them. */
  roles(): Promise<{ readonly control: number; readonly dataplane: readonly number[] }>
}

/** A path that hits route `index` of the table. */
export function pathOf(index: number): string {
  return templateOf(index).replace('{ownerId}', '42').replace('{petId}', '7').replace('**', 'a/b.txt')
}

/** The name of route `index`, for commands. */
export function idOf(index: number): string {
  return `route-${index}`
}

/** Starts the router as a user does and waits until it is ready. The caller disposes of it. */
export async function startRouter(options: RouterOptions): Promise<Router> {
  const { signal } = options
  const prepared = await prepareRouter(options)
  const child = await prepared.launch()
  try {
    await untilAnswered(`${prepared.statusUrl}/readyz`, child, { signal })
  } catch (error) {
    await child[Symbol.asyncDispose]()
    throw error
  }
  const verb = prepared.verb
  return {
    pid: child.pid,
    url: prepared.url,
    configure: prepared.configure,
    verb,
    roles: async () => rolesIn(await verb('status')),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}

export type PreparedRouter = Pick<Router, 'url' | 'configure' | 'verb'> & {
  readonly statusUrl: string
  launch(): Promise<Child>
}

/** Everything but the start: ports, folder and configuration. */
export async function prepareRouter({ routes, folder, name, signal, compileCache }: RouterOptions) {
  const [port = 0, admin = 0, status = 0] = await freePorts(3)
  const own = join(folder, name)
  const file = join(own, 'banyan.yaml')
  await mkdir(own)
  const env = { NODE_COMPILE_CACHE: compileCache, BANYAN_ADMIN: `http://127.0.0.1:${admin}` }
  const command = [join(ROOT, 'bin', 'banyan.js')]
  const prepared: PreparedRouter = {
    url: `http://127.0.0.1:${port}`,
    statusUrl: `http://127.0.0.1:${status}`,
    async configure(wanted) {
      if (wanted.described !== undefined) await writeFile(join(own, DESCRIPTION), descriptionOf(wanted.described))
      await writeFile(file, configuration({ port, admin, status }, wanted))
    },
    launch: () => startChild(process.execPath, [...command, 'up', '-c', file], { env, cwd: own }),
    async verb(...args) {
      const run = { signal, timeoutMs: 20_000, env, cwd: own }
      return JSON.parse((await runToEnd(process.execPath, [...command, ...args, '--json'], run)).stdout)
    },
  }
  await prepared.configure(routes)
  return prepared
}

function configuration(
  ports: { readonly port: number; readonly admin: number; readonly status: number },
  { count, upstreams, shifted, moved, posted, processes = 1, secure, h2c, described }: RoutesOptions,
): string {
  const discover = described === undefined ? '' : `, discover: { openapi: 'file:${DESCRIPTION}' }`
  const lines = Array.from({ length: count }, (_, index) => {
    const methods = index === posted ? 'GET, POST' : 'GET'
    const match = `id: ${idOf(index)}, path: '${templateOf(index)}', methods: [${methods}]`
    if (index === shifted) return `  - { ${match}, from: first, to: second, shift: { steps: [50%] } }`
    return `  - { ${match}, to: ${index === moved ? 'second' : 'first'} }`
  })
  return `listen:
  - { host: 127.0.0.1, port: ${ports.port} }
${secure === undefined ? '' : secureLines(secure)}
admin: { port: ${ports.admin} }
status: { host: 127.0.0.1, port: ${ports.status} }
state: sqlite:state/state.db
processes: ${processes}
lameDuck: 0s
grace: 1s
default: first
upstreams:
  first: { url: 'http://127.0.0.1:${upstreams[0]}'${h2c === true ? ', protocol: h2c' : ''} }
  second: { url: 'http://127.0.0.1:${upstreams[1]}'${h2c === true ? ', protocol: h2c' : ''}${discover} }
routes:
${lines.join('\n')}
`
}

const DESCRIPTION = 'operations.json'

function secureLines({ port, cert, key }: SecurePort): string {
  return `  - { host: 127.0.0.1, port: ${port}, tls: { cert: 'file:${cert}', key: 'file:${key}' } }`
}

// Four kinds of pattern in each area, as applications have them.
function templateOf(index: number): string {
  const kinds = ['owners', 'owners/{ownerId}', 'owners/{ownerId}/pets/{petId}', 'files/**']
  return `/area-${index >> 2}/${kinds[index & 3]}`
}

function rolesIn(status: unknown): { readonly control: number; readonly dataplane: readonly number[] } {
  const { pid, processes } = status as { pid: number; processes: readonly { pid: number }[] }
  return { control: pid, dataplane: processes.map((one) => one.pid) }
}
