import { randomBytes } from 'node:crypto'
import type { Clock } from '../kernel/clock.ts'
import { askWrapper, type Failure } from './ask.ts'
import type { Bundle } from './bundle.ts'
import { type Declaration, routesOf } from './routes.ts'
import { type Trace, traceOf } from './trace.ts'
import { type PrintedLine, startWorkerd, type Workerd } from './workerd.ts'

/** One workerd process that serves one version of a function. Whoever started it stops it. */
export type Instance = {
  readonly pid: number
  readonly address: FunctionAddress
  /** Read from the function inside workerd; empty where it says nothing. */
  readonly routes: readonly string[]
  /** Why `routes` is empty. */
  readonly note: string | undefined
  /** Resolves when the process has ended, with how: `exit code 1`, `signal SIGKILL`. */
  readonly ended: Promise<string>
  /** Whether it still answers within `deadlineMs`. */
  answers(deadlineMs: number): Promise<boolean>
  /** Takes the source map of a later bundle with the same code: only places in messages change. */
  remap(sourceMap: string): void
  /** Ends it at once. */
  kill(): void
  /** Lets it finish what it serves, at most `graceMs`; resolves when the process is gone. */
  stop(graceMs: number): Promise<void>
}

export type FunctionAddress = { readonly host: string; readonly port: number }

/** A function threw while it answered a request; `place` and `stack` are in its own source. */
export type Thrown = Failure & {
  readonly method: string
  readonly path: string
  readonly place: string | undefined
}

export type InstanceOptions = {
  readonly bundle: Bundle
  readonly wrapper: string
  readonly clock: Clock
  /** What workerd or the function printed. */
  printed(stream: 'stdout' | 'stderr', text: string): void
  threw(thrown: Thrown): void
  /** Called once workerd runs, before it serves: from here on it may have to be ended as an orphan. */
  onProcess(pid: number): void
  onGone(pid: number): void
  /** Ends an unfinished start. */
  readonly signal: AbortSignal
}

/** `failed`: the function did not load; why, with its place in the source where there is one. */
export type Started =
  | { readonly kind: 'instance'; readonly instance: Instance }
  | { readonly kind: 'failed'; readonly failure: string }

/** Starts a workerd and proves that the function loads: resolves when it serves, or with why it does not. */
export async function startInstance(options: InstanceOptions): Promise<Started> {
  const { bundle, clock, signal } = options
  // Not chance that decides anything: a secret between this process and the wrapper.
  const token = randomBytes(16).toString('hex')
  let trace = traceOf(bundle.sourceMap)
  let lastLine: string | undefined
  const workerd = await start(options, token, (stream, text) => {
    const thrown = reportIn(text, token, trace)
    if (thrown !== undefined) return options.threw(thrown)
    lastLine = text.trim() || lastLine
    options.printed(stream, text)
  })
  const kill = (): void => workerd.kill()
  signal.addEventListener('abort', kill, { once: true })
  if (signal.aborted) kill()
  const proof = await prove(workerd, token, bundle, trace, clock)
  signal.removeEventListener('abort', kill)
  if (proof.kind === 'failed') {
    kill()
    const how = await workerd.ended
    return { kind: 'failed', failure: proof.failure ?? `workerd ended (${how}): ${lastLine ?? 'it said nothing'}` }
  }
  const { port, routes, note } = proof
  const instance: Instance = {
    pid: workerd.pid,
    address: { host: '127.0.0.1', port },
    routes,
    note,
    ended: workerd.ended,
    answers: async (deadlineMs) => (await askWrapper(port, token, deadlineMs, clock)) !== undefined,
    remap(sourceMap) {
      trace = traceOf(sourceMap)
    },
    kill,
    stop: workerd.stop,
  }
  return { kind: 'instance', instance }
}

async function start(options: InstanceOptions, token: string, printed: PrintedLine): Promise<Workerd> {
  const { bundle, wrapper, clock } = options
  const modules = {
    wrapper: `const BANYAN_TOKEN = '${token}'\n${wrapper}`,
    code: bundle.code,
    env: bundle.manifest.env,
  }
  const workerd = await startWorkerd(modules, clock, printed)
  try {
    options.onProcess(workerd.pid)
  } catch (error) {
    // A process that nobody has on record would be left behind for ever.
    workerd.kill()
    throw error
  }
  void workerd.ended.then(() => options.onGone(workerd.pid))
  return workerd
}

/** `failure` undefined: the process ended without a word from the wrapper. */
type Proof =
  | {
      readonly kind: 'proven'
      readonly port: number
      readonly routes: readonly string[]
      readonly note: string | undefined
    }
  | { readonly kind: 'failed'; readonly failure: string | undefined }

const START_DEADLINE_MS = 10_000

async function prove(workerd: Workerd, token: string, bundle: Bundle, trace: Trace, clock: Clock): Promise<Proof> {
  const deadline = Promise.withResolvers<'late'>()
  const cancel = clock.after(START_DEADLINE_MS, () => deadline.resolve('late'))
  const late = { kind: 'failed', failure: `did not load within ${START_DEADLINE_MS / 1_000} s` } as const
  // A function that never stops loading never listens.
  const port = await Promise.race([workerd.port, deadline.promise])
  cancel()
  if (port === 'late') return late
  if (port === undefined) return { kind: 'failed', failure: undefined }
  const report = await askWrapper(port, token, START_DEADLINE_MS, clock)
  if (report === undefined) return late
  if (report.kind === 'failed') return { kind: 'failed', failure: loadFailure(report.failure, trace) }
  return proofOf(report.declaration, bundle, port)
}

function proofOf(declaration: Declaration, bundle: Bundle, port: number): Proof {
  const declared = routesOf(declaration, bundle.manifest.routes)
  if (declared.kind === 'invalid') return { kind: 'failed', failure: declared.problem }
  if (declared.kind === 'none') return { kind: 'proven', port, routes: [], note: declared.why }
  return { kind: 'proven', port, routes: declared.routes, note: undefined }
}

function loadFailure({ name, message, stack }: Failure, trace: Trace): string {
  const place = trace.place(stack)
  return `${place === undefined ? '' : `${place} `}${name}: ${message}`
}

// What the wrapper prints when a function throws: one line that starts with the token.
function reportIn(line: string, token: string, trace: Trace): Thrown | undefined {
  const prefix = `banyan:${token} `
  if (!line.startsWith(prefix)) return undefined
  try {
    const { name, message, stack, method, path } = JSON.parse(line.slice(prefix.length)) as Thrown
    return { name, message, stack: trace.stack(stack), method, path, place: trace.place(stack) }
  } catch {
    return undefined
  }
}
