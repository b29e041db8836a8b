import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Status } from '../../router/admin/control.ts'
import { freePorts, ROOT, runVerb, stop, untilReady } from '../estate.ts'

/** A router whose configuration is written, broken and mended by the test, as a person at a terminal has it. */
export type WrittenRouter = {
  /** Everything of it is below this folder. */
  readonly folder: string
  readonly file: string
  readonly ports: Ports
  readonly url: string
  /** Puts a configuration in place in one step; ports, state and times are added where `text` names none. */
  save(text: string): void
  /** Starts it; resolves when it is ready. */
  start(): Promise<void>
  /** Starts it where it is expected to end by itself. */
  runToEnd(): Promise<Ended>
  stop(signal?: NodeJS.Signals): Promise<number | null>
  /** Everything it has printed since it was last started. */
  output(): string
  banyan(...args: readonly string[]): Promise<Ended>
  status(): Promise<Status>
  ready(): Promise<{ readonly code: number; readonly body: Readiness }>
  close(): Promise<void>
}

export type Ports = { readonly listen: number; readonly admin: number; readonly status: number }
export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }
export type Readiness = { readonly status: string; readonly notices: readonly string[] }

export type WrittenRouterOptions = {
  readonly processes?: number
  /** User and group it runs as; only root can say another than its own. */
  readonly user?: number
}

/** Makes its folder; nothing runs before `start`. The caller closes. */
export async function writtenRouter(options: WrittenRouterOptions = {}): Promise<WrittenRouter> {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-written-'))
  const [listen = 0, admin = 0, status = 0] = await freePorts(3)
  const ports = { listen, admin, status }
  const file = join(folder, 'banyan.yaml')
  const readyUrl = `http://127.0.0.1:${status}/readyz`
  let running: ChildProcess | undefined
  let printed = ''

  const up = (): ChildProcess => {
    const { user } = options
    printed = ''
    running = spawn(process.execPath, [join(ROOT, 'bin/banyan.js'), 'up', '-c', file], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(user === undefined ? {} : { uid: user, gid: user }),
    })
    for (const stream of [running.stdout, running.stderr]) stream?.on('data', (chunk) => (printed += String(chunk)))
    return running
  }

  return {
    folder,
    file,
    ports,
    url: `http://127.0.0.1:${listen}`,
    save(text) {
      writeFileSync(`${file}.new`, completed(text, ports, options.processes ?? 1))
      renameSync(`${file}.new`, file)
    },
    start: () => untilReady(readyUrl, up(), () => printed),
    runToEnd: () => collect(up()),
    stop: (signal = 'SIGTERM') => stop(running, signal),
    output: () => printed,
    banyan: (...args) => runVerb(args, { BANYAN_ADMIN: `http://127.0.0.1:${admin}` }),
    async status() {
      const answer = await fetch(`http://127.0.0.1:${admin}/api/status`)
      return JSON.parse(await answer.text())
    },
    async ready() {
      const answer = await fetch(readyUrl)
      return { code: answer.status, body: JSON.parse(await answer.text()) }
    },
    async close() {
      await stop(running, 'SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** What the test did not write comes last, so that line numbers are the test's own. */
function completed(text: string, { listen, admin, status }: Ports, processes: number): string {
  const rest = {
    listen: `[{ host: 127.0.0.1, port: ${listen} }]`,
    admin: `{ port: ${admin} }`,
    status: `{ host: 127.0.0.1, port: ${status} }`,
    state: 'sqlite:state/state.db',
    processes,
    lameDuck: '0s',
    grace: '5s',
  }
  const missing = Object.entries(rest).filter(([key]) => !new RegExp(`^${key}:`, 'm').test(text))
  return `${text.trim()}\n${missing.map(([key, value]) => `${key}: ${value}`).join('\n')}\n`
}

function collect(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let [stdout, stderr] = ['', '']
    child.stdout?.on('data', (chunk) => (stdout += String(chunk)))
    child.stderr?.on('data', (chunk) => (stderr += String(chunk)))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
}
