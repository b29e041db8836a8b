import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { PROGRAM_PATH } from './machine.ts'
import { statOf, treeOf } from './processes.ts'

/** A program that runs until it is disposed of; everything it started ends with it. */
export type Child = AsyncDisposable & {
  readonly name: string
  readonly pid: number
  readonly running: boolean
  /** What it has printed so far. */
  output(): string
}

export type ChildOptions = {
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly cwd?: string | undefined
}

/** Starts a program. Whoever asked for it disposes of it. */
export async function startChild(program: string, args: readonly string[], options: ChildOptions = {}): Promise<Child> {
  const child = launch(program, args, options)
  const output = collect(child)
  await once(child, 'spawn')
  const pid = child.pid ?? 0
  return {
    name: [program, ...args].join(' '),
    pid,
    get running() {
      return child.exitCode === null && child.signalCode === null
    },
    output: () => output.stdout + output.stderr,
    [Symbol.asyncDispose]: () => end(child, pid),
  }
}

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** Runs a program to its end. Throws where it fails, takes too long or the signal comes. */
export async function runToEnd(
  program: string,
  args: readonly string[],
  { signal, timeoutMs, env, cwd }: ChildOptions & { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<Ended> {
  signal.throwIfAborted()
  const stopped = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const child = launch(program, args, { env, cwd })
  const output = collect(child)
  const stop = () => child.kill('SIGKILL')
  stopped.addEventListener('abort', stop, { once: true })
  try {
    const [code] = await once(child, 'close')
    signal.throwIfAborted()
    const { stdout, stderr } = output
    if (code === 0) return { code, stdout, stderr }
    const why = stopped.aborted ? `took longer than ${timeoutMs / 1000} s` : `ended with ${code}`
    throw new Error(`${program} ${args.join(' ')} ${why}:\n${stdout}${stderr}`)
  } finally {
    stopped.removeEventListener('abort', stop)
  }
}

function launch(program: string, args: readonly string[], { env, cwd }: ChildOptions): ChildProcess {
  return spawn(program, args, {
    env: { ...process.env, PATH: PROGRAM_PATH, ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Not in this process's group: Ctrl-C reaches the bench alone, which then ends everything in order.
    detached: true,
  })
}

function collect(child: ChildProcess): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  }
  return output
}

// SIGTERM to the one that was started, which ends its own; after that, each that is left, if it is still the same.
async function end(child: ChildProcess, pid: number): Promise<void> {
  const tree = treeOf(pid)
  const left = () =>
    tree.filter((one) => {
      const now = statOf(one.pid)
      return now !== undefined && !now.ended && now.startedAt === one.startedAt
    })
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
  const deadline = performance.now() + ENDS_MS
  while (left().length > 0 && performance.now() < deadline) await sleep(20)
  for (const { pid: one } of left()) process.kill(one, 'SIGKILL')
}

const ENDS_MS = 10_000
