import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The example estate: the clinic, its three services, and the router in front of them, all as processes.
 * `npm start` runs it on the ports of banyan.yaml; tests run it on free ones, with a state folder of their own.
 */
export type Estate = {
  readonly routerUrl: string
  readonly adminUrl: string
  readonly statusUrl: string
  readonly clinicUrl: string
  readonly vetsUrl: string
  readonly ownersUrl: string
  readonly counterUrl: string
  /** What the router and the verbs run with. */
  readonly env: Readonly<Record<string, string>>
  /** The state folder. */
  readonly stateFolder: string
  /** The process of `banyan up`, while it runs. */
  router(): ChildProcess | undefined
  /** What `banyan up` has printed so far. */
  output(): string
  /** On this configuration; on that of the options without it. `flags` follow `banyan up`. */
  startRouter(config?: string, flags?: readonly string[]): Promise<void>
  /** Sends the signal and waits for the end; resolves to the exit code, null where a signal ended it. */
  stopRouter(signal?: NodeJS.Signals): Promise<number | null>
  /** Runs one verb of the command and collects what it prints. */
  banyan(
    ...args: readonly string[]
  ): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>
  close(): Promise<void>
}

export type EstateOptions = {
  /** Configuration file; the repository's own by default. */
  readonly config?: string
  /** `fixed`: those of banyan.yaml; `free`: any. */
  readonly ports?: 'fixed' | 'free'
  readonly env?: Readonly<Record<string, string>>
  /** Where the router's and the services' output goes: kept for `output()`, or to this terminal. */
  readonly output?: 'kept' | 'inherit'
  /** False: the services run, `startRouter` is called later. */
  readonly router?: boolean
}

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))

const SERVICES = [
  { name: 'clinic', main: 'legacy/clinic/main.ts', port: 8101 },
  { name: 'vets', main: 'services/vets/main.ts', port: 8102 },
  { name: 'owners', main: 'services/owners/main.ts', port: 8103 },
  { name: 'counter', main: 'services/counter/main.ts', port: 8104 },
] as const

/** Starts it; resolves once every service answers and, unless told otherwise, the router is ready. The caller closes. */
export async function startEstate(options: EstateOptions = {}): Promise<Estate> {
  const fixed = options.ports === 'fixed'
  const ports = fixed ? [8080, 9080, 9081, 8101, 8102, 8103, 8104] : await freePorts(7)
  const [router = 0, admin = 0, status = 0, ...services] = ports
  const folder = fixed ? join(ROOT, '.banyan') : mkdtempSync(join(tmpdir(), 'banyan-estate-'))
  const env = estateEnv({ router, admin, status, services, folder: fixed ? '.banyan' : folder }, options.env)
  const stdio = options.output === 'inherit' ? 'inherit' : 'pipe'
  const children = SERVICES.map((service, index) => startService(service.main, services[index] ?? 0, env, stdio))
  const url = (port: number | undefined) => `http://127.0.0.1:${port}`
  let up: ChildProcess | undefined
  let printed = ''

  const estate: Estate = {
    routerUrl: url(router),
    adminUrl: url(admin),
    statusUrl: url(status),
    clinicUrl: url(services[0]),
    vetsUrl: url(services[1]),
    ownersUrl: url(services[2]),
    counterUrl: url(services[3]),
    env,
    stateFolder: folder,
    router: () => up,
    output: () => printed,
    async startRouter(config = options.config ?? join(ROOT, 'banyan.yaml'), flags = []) {
      up = spawn(process.execPath, [join(ROOT, 'bin/banyan.js'), 'up', '-c', config, ...flags], {
        cwd: ROOT,
        env: { ...process.env, ...env },
        stdio: ['ignore', stdio, stdio],
      })
      const keep = (chunk: Buffer) => {
        printed += chunk.toString()
      }
      up.stdout?.on('data', keep)
      up.stderr?.on('data', keep)
      await untilReady(`${url(status)}/readyz`, up, () => printed)
    },
    stopRouter: (signal = 'SIGTERM') => stop(up, signal),
    banyan: (...args) => runVerb(args, env),
    async close() {
      await stop(up, 'SIGTERM')
      await Promise.all(children.map((child) => stop(child, 'SIGTERM')))
      if (!fixed) rmSync(folder, { recursive: true, force: true })
    },
  }
  try {
    await Promise.all(children.map((child, index) => untilReady(url(services[index]), child, () => '')))
    if (options.router !== false) await estate.startRouter()
  } catch (error) {
    await estate.close()
    throw error
  }
  return estate
}

function estateEnv(
  ports: { router: number; admin: number; status: number; services: readonly number[]; folder: string },
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const [clinic, vets, owners, counter] = ports.services
  return {
    BANYAN_PORT: String(ports.router),
    BANYAN_ADMIN_PORT: String(ports.admin),
    BANYAN_STATUS_PORT: String(ports.status),
    BANYAN_STATE: ports.folder,
    BANYAN_ADMIN: `http://127.0.0.1:${ports.admin}`,
    CLINIC_PORT: String(clinic),
    VETS_PORT: String(vets),
    VETS_URL: `http://127.0.0.1:${vets}`,
    OWNERS_PORT: String(owners),
    COUNTER_PORT: String(counter),
    ...extra,
  }
}

// In a group of its own, so that a Ctrl-C reaches the router first and the services only once it has drained.
function startService(main: string, port: number, env: Readonly<Record<string, string>>, stdio: 'inherit' | 'pipe') {
  return spawn(process.execPath, [join(ROOT, main)], {
    cwd: ROOT,
    env: { ...process.env, ...env, PORT: String(port) },
    stdio: ['ignore', stdio, 'inherit'],
    detached: true,
  })
}

/** Resolves once `url` answers with anything below 500; rejects where the process ends before. */
export async function untilReady(url: string, child: ChildProcess, printed: () => string): Promise<void> {
  const deadline = performance.now() + 30_000
  while (performance.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`${child.spawnargs.slice(1).join(' ')} ended with ${child.exitCode}\n${printed()}`)
    }
    const answer = await fetch(url, { redirect: 'manual' }).catch(() => undefined)
    await answer?.body?.cancel()
    if (answer !== undefined && answer.status < 500) return
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
  throw new Error(`${url} was not ready within 30 s\n${printed()}`)
}

/** Sends the signal and waits for the end; resolves to the exit code, null where a signal ended it. */
export function stop(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<number | null> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve(child?.exitCode ?? null)
  }
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code))
    child.kill(signal)
  })
}

/** Runs one verb of the command to its end. */
export function runVerb(args: readonly string[], env: Readonly<Record<string, string>>) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, 'bin/banyan.js'), ...args], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
}

/**
 * Ports that were free a moment ago; all held at once, so that they differ. They lie below those that the system gives
 * away by itself: a function, or a client's end of a connection, could otherwise be there first.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, holdPort))
  const ports = servers.map((server) => {
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  })
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

function holdPort(): Promise<Server> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(holdPort()))
    server.listen(randomInt(15_000, 32_000), '127.0.0.1', () => resolve(server))
  })
}

async function main(): Promise<void> {
  const estate = await startEstate({ ports: 'fixed', output: 'inherit' })
  const router = estate.router()
  router?.once('exit', (code) => void estate.close().then(() => process.exit(code ?? 1)))
  // Ctrl-C reached the router too; a plain SIGTERM reached only this process. A second one hurries the router.
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => router?.kill('SIGTERM'))
  console.log(`
  the clinic, through the router   ${estate.routerUrl}/
  the clinic itself                ${estate.clinicUrl}/
  admin API                        ${estate.adminUrl}/api/status
  health, metrics                  ${estate.statusUrl}/readyz

  what implements what             npx banyan operations
  move a route, and back           npx banyan shift start "GET /vets.html"
                                   npx banyan shift abort "GET /vets.html"
  one Ctrl-C ends everything
`)
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  })
}
