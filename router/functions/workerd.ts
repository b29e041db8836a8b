import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Clock } from '../kernel/clock.ts'
import { readLines } from './output.ts'

/** A running workerd. Whoever started it stops it; it outlives this process otherwise. */
export type Workerd = {
  readonly pid: number
  /** The loopback port it listens on; undefined where it ended before it listened. Pending while the function loads. */
  readonly port: Promise<number | undefined>
  /** Resolves when the process has ended, with how: `exit code 1`, `signal SIGKILL`. */
  readonly ended: Promise<string>
  kill(): void
  /** Lets it finish what it serves, at most `graceMs`; resolves when the process is gone. */
  stop(graceMs: number): Promise<void>
}

/** What runs in one workerd. Values of `env` are passed through the process's environment, never through a file. */
export type WorkerModules = {
  readonly wrapper: string
  readonly code: string
  readonly env: Readonly<Record<string, string>>
}

/** A line that workerd or the function in it printed. */
export type PrintedLine = (stream: 'stdout' | 'stderr', text: string) => void

/**
 * Starts workerd with one function behind the wrapper, on any free loopback port. Throws where the program cannot
 * be started.
 *
 * workerd is driven directly, not through miniflare: miniflare ends its own process on SIGINT and SIGTERM, which
 * the control process must survive, hides the child's pid, and costs 0.3 s and 80 MB to load. The child gets a
 * session of its own, so that Ctrl-C reaches it only through us, after the requests in flight.
 */
export async function startWorkerd(modules: WorkerModules, clock: Clock, printed: PrintedLine): Promise<Workerd> {
  const program = workerdProgram()
  const folder = await writeConfig(modules, program.compatibilityDate)
  const child = spawn(program.path, ['serve', '--control-fd=3', join(folder, 'config.capnp')], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
    // Nothing of the router's own environment: it may hold tokens.
    env: { TZ: 'UTC', ...variablesOf(modules.env) },
  })
  const ended = endOf(child)
  const port = Promise.race([listeningPort(child), ended.then(() => undefined)])
  // It reads its configuration once, before it listens.
  void port.then(() => rm(folder, { recursive: true, force: true })).catch(() => undefined)
  if (child.pid === undefined) throw new Error(`${program.path} cannot be started: ${await ended}`)
  if (child.stdout) readLines(child.stdout, (text) => printed('stdout', text))
  if (child.stderr) readLines(child.stderr, (text) => printed('stderr', text))
  return {
    pid: child.pid,
    port,
    ended,
    kill: () => void child.kill('SIGKILL'),
    async stop(graceMs) {
      const cancel = clock.after(graceMs, () => child.kill('SIGKILL'))
      child.kill('SIGTERM')
      await ended
      cancel()
    },
  }
}

/** workerd's configuration. Names of variables are identifiers, so nothing has to be escaped. */
export function workerdConfig(names: readonly string[], compatibilityDate: string): string {
  const bindings = names.map((name, index) => `(name = "${name}", fromEnvironment = "${variable(index)}")`)
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "function", worker = .function),
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "function")],
);
const function :Workerd.Worker = (
  compatibilityDate = "${compatibilityDate}",
  compatibilityFlags = ["nodejs_compat"],
  modules = [
    (name = "wrapper.js", esModule = embed "wrapper.js"),
    (name = "function.js", esModule = embed "function.js"),
  ],
  bindings = [${bindings.join(', ')}],
);
`
}

// Found when used, as the package looks for its program when loaded. Required, not imported: the package is CommonJS
// with a `default` of its own, which loaders disagree about.
function workerdProgram(): { readonly path: string; readonly compatibilityDate: string } {
  const workerd: { readonly default: string; readonly compatibilityDate: string } = createRequire(import.meta.url)(
    'workerd',
  )
  return { path: workerd.default, compatibilityDate: workerd.compatibilityDate }
}

async function writeConfig({ wrapper, code, env }: WorkerModules, compatibilityDate: string): Promise<string> {
  // Readable by this user only, as mkdtemp makes it.
  const folder = await mkdtemp(join(tmpdir(), 'banyan-function-'))
  await Promise.all([
    writeFile(join(folder, 'wrapper.js'), wrapper),
    writeFile(join(folder, 'function.js'), code),
    writeFile(join(folder, 'config.capnp'), workerdConfig(Object.keys(env), compatibilityDate)),
  ])
  return folder
}

function variablesOf(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.values(env).map((value, index) => [variable(index), value]))
}

function variable(index: number): string {
  return `BANYAN_ENV_${index}`
}

// stdout may stay open in a grandchild and close early in a confused one: the exit is the one certain sign.
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`))
    child.once('error', (error) => resolve(error.message))
  })
}

// Messages come one a line: {"event":"listen","socket":"http","port":41697}
function listeningPort(child: ChildProcess): Promise<number> {
  const control = child.stdio[3]
  return new Promise((resolve) => {
    if (!(control instanceof Readable)) return
    readLines(control, (line) => {
      const port = /^\{"event":"listen","socket":"http","port":(\d+)/.exec(line)?.[1]
      if (port !== undefined) resolve(Number(port))
    })
  })
}
