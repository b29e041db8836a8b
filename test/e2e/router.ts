import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Status } from '../../router/admin/control.ts'
import type { Published } from '../../router/model/plan.ts'
import type { LedgerEntry } from '../../router/model/shift.ts'
import { freePorts, ROOT, runVerb, stop, untilReady } from '../estate.ts'

/** `banyan up` with a configuration and a state folder of its own, as a test sees it from outside. */
export type Router = {
  readonly port: number
  readonly adminUrl: string
  readonly statusUrl: string
  readonly stateFolder: string
  /** Its configuration file. */
  readonly config: string
  /** The process of `banyan up`, while it runs: the supervisor. */
  process(): ChildProcess
  /** What it has printed since it was last started. */
  output(): string
  /** Starts it; resolves once it is ready. */
  up(): Promise<void>
  stop(signal?: NodeJS.Signals): Promise<number | null>
  /** One verb of the command; throws what it printed where it fails. */
  banyan(...args: readonly string[]): Promise<string>
  /** Every process it has on record. */
  pids(): Pids
  status(): Promise<Status>
  plan(): Promise<Published>
  ledger(): Promise<readonly LedgerEntry[]>
  /** A change through the admin API, without the command's own start and end around it. */
  act(action: string, body: object): Promise<{ readonly kind: string; readonly message: string }>
  /** Ends whatever of it still runs, and removes its folder. */
  close(): Promise<void>
}

export type Pids = {
  readonly supervisor: number
  readonly control: number
  readonly dataplanes: readonly number[]
  readonly workerds: readonly number[]
}

/**
 * Prepares a router; `yaml` is what comes after ports, state and drain times, `files` are others in its folder by
 * their paths. Nothing runs until `up`.
 */
export async function prepareRouter(yaml: string, files: Readonly<Record<string, string>> = {}): Promise<Router> {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-router-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const [port = 0, admin = 0, status = 0] = await freePorts(3)
  const config = join(folder, 'banyan.yaml')
  const stateFolder = join(folder, 'state')
  writeFileSync(
    config,
    `listen: [{ host: 127.0.0.1, port: ${port} }]
admin: { port: ${admin} }
status: { host: 127.0.0.1, port: ${status} }
state: sqlite:state/state.db
processes: 2
lameDuck: 0s
grace: 5s
${yaml}`,
  )
  const adminUrl = `http://127.0.0.1:${admin}`
  const statusUrl = `http://127.0.0.1:${status}`
  let child: ChildProcess | undefined
  let printed = ''
  const running = (): ChildProcess => {
    if (child === undefined) throw new Error('the router was not started')
    return child
  }
  const read = async <T>(path: string): Promise<T> => (await fetch(adminUrl + path)).json() as Promise<T>

  const router: Router = {
    port,
    adminUrl,
    statusUrl,
    stateFolder,
    config,
    process: running,
    output: () => printed,
    async up() {
      printed = ''
      child = spawnUp(config)
      const keep = (chunk: Buffer): void => {
        printed += chunk.toString()
      }
      child.stdout?.on('data', keep)
      child.stderr?.on('data', keep)
      await untilReady(`${statusUrl}/readyz`, child, () => printed)
    },
    stop: (signal = 'SIGTERM') => stop(child, signal),
    async banyan(...args) {
      const { code, stdout, stderr } = await runVerb(args, { BANYAN_ADMIN: adminUrl })
      if (code !== 0) throw new Error(`banyan ${args.join(' ')} ended with ${code}\n${stdout}${stderr}`)
      return stdout
    },
    pids: () => recordedPids(stateFolder),
    status: () => read('/api/status'),
    plan: () => read('/api/plan'),
    ledger: async () => (await read<{ entries: LedgerEntry[] }>('/api/ledger')).entries,
    async act(action, body) {
      const answer = await fetch(`${adminUrl}/api/shifts/${action}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      if (!answer.ok) throw new Error(`${action} was answered with ${answer.status}: ${await answer.text()}`)
      return (await answer.json()) as { kind: string; message: string }
    },
    async close() {
      await stop(child, 'SIGTERM')
      endRecorded(stateFolder)
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return router
}

/** A second `banyan up` with the same configuration file, say. Whoever starts it waits for its end. */
export function spawnUp(config: string): ChildProcess {
  return spawn(process.execPath, [join(ROOT, 'bin/banyan.js'), 'up', '-c', config], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

type Run = { readonly owner: { readonly pid: number }; readonly children: readonly { pid: number; role: string }[] }

function recorded(stateFolder: string): Run {
  return JSON.parse(readFileSync(join(stateFolder, 'run.json'), 'utf8'))
}

/** What a router that a test has killed, and not started again, has left. */
function endRecorded(stateFolder: string): void {
  if (!existsSync(join(stateFolder, 'run.json'))) return
  for (const { pid } of recorded(stateFolder).children) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
}

function recordedPids(stateFolder: string): Pids {
  const run = recorded(stateFolder)
  const of = (role: string): number[] => run.children.filter((one) => one.role === role).map(({ pid }) => pid)
  return {
    supervisor: run.owner.pid,
    control: of('control')[0] ?? 0,
    dataplanes: of('dataplane'),
    workerds: of('workerd'),
  }
}
