import { type ChildProcess, fork } from 'node:child_process'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { DataplaneOrder, DataplaneToSupervisor, SupervisorToDataplane } from '../model/link.ts'
import { type Backoff, createBackoff } from './backoff.ts'

/** What every data-plane process of one generation is started with; `listen` and `status` are our descriptors. */
export type DataplaneService = {
  readonly processes: number
  readonly folder: string
  readonly lameDuckMs: number
  readonly graceMs: number
  readonly listen: readonly number[]
  readonly status: number
}

/** The data-plane processes, kept alive in generations: a new one is ready before the one before it drains. */
export type Dataplanes = {
  /** Starts a generation with this service. */
  serve(service: DataplaneService): void
  /** The same service, fresh processes. */
  roll(): void
  /** Ends one process at once; its place is filled again. */
  replace(pid: number): void
  pids(): readonly number[]
  /** The router ends: resolves when every process has finished what was in flight, or its time was over. */
  drain(): Promise<void>
  /** Ends every process at once. */
  kill(): void
}

export type DataplanesOptions = {
  /** Module of a data-plane process. */
  readonly file: string
  readonly env: NodeJS.ProcessEnv
  readonly clock: Clock
  readonly log: Log
  onStarted(pid: number): void
  onExited(pid: number, detail: string): void
  /** The newest generation is ready, whole, and those before it have been told to drain. */
  onTakenOver(): void
}

type Child = {
  readonly process: ChildProcess
  /** Its generation is the service it was started with: each `serve` makes a new one. */
  readonly service: DataplaneService
  readonly startedAt: number
  readonly backoff: Backoff
  state: 'starting' | 'ready' | 'draining'
}

/** Nothing runs until `serve`. */
export function createDataplanes(options: DataplanesOptions): Dataplanes {
  const { clock, log } = options
  const children = new Set<Child>()
  let current: DataplaneService | undefined
  let ending = false
  let emptied = (): void => {}

  function start(service: DataplaneService, backoff: Backoff): void {
    if (service !== current || ending) return
    const process = forkDataplane(options, service)
    const child: Child = { process, service, startedAt: clock.elapsed(), backoff, state: 'starting' }
    children.add(child)
    process.on('message', (message: DataplaneToSupervisor) => {
      if (message.kind === 'ready') becomeReady(child)
    })
    // Without a process (no memory, no descriptors) there is no `exit`, only `error`; `ended` takes whichever is first.
    process.on('error', (error) => {
      if (process.pid === undefined) ended(child, error.message)
    })
    process.on('exit', (code, signal) => ended(child, signal ?? `code ${code}`))
    if (process.pid !== undefined) options.onStarted(process.pid)
  }

  function becomeReady(child: Child): void {
    if (child.state === 'starting') child.state = 'ready'
    const peers = [...children].filter((one) => one.service === current)
    if (current === undefined || peers.length < current.processes) return
    if (!peers.every((one) => one.state === 'ready')) return
    for (const one of children) if (one.service !== current) retire(one, true)
    options.onTakenOver()
  }

  function retire(child: Child, handover: boolean): void {
    if (child.state === 'draining') return
    child.state = 'draining'
    tell(child, { kind: 'drain', handover })
    // It holds to this time itself; one that hangs must keep neither a roll nor the router from ending.
    const { lameDuckMs, graceMs } = child.service
    clock.after(lameDuckMs + graceMs + OVERTIME_MS, () => child.process.kill('SIGKILL'))
  }

  function ended(child: Child, detail: string): void {
    if (!children.delete(child)) return
    const { pid } = child.process
    if (pid !== undefined) options.onExited(pid, detail)
    if (children.size === 0) emptied()
    if (child.service !== current || ending) return
    const wait = child.backoff.next(clock.elapsed() - child.startedAt)
    log.warn(`data-plane process ${pid ?? 'without a pid'} ended (${detail}); starting another`, { inMs: wait })
    if (wait === 0) start(child.service, child.backoff)
    else clock.after(wait, () => start(child.service, child.backoff))
  }

  function serve(service: DataplaneService): void {
    current = service
    for (let index = 0; index < service.processes; index += 1) start(service, createBackoff())
  }

  return {
    serve,
    roll() {
      if (current !== undefined) serve({ ...current })
    },
    replace(pid) {
      for (const child of children) if (child.process.pid === pid) child.process.kill('SIGKILL')
    },
    pids: () => [...children].flatMap((child) => child.process.pid ?? []),
    kill() {
      ending = true
      for (const child of children) child.process.kill('SIGKILL')
    },
    async drain() {
      ending = true
      if (children.size === 0) return
      const empty = new Promise<void>((resolve) => {
        emptied = resolve
      })
      for (const child of children) retire(child, false)
      await empty
    },
  }
}

const OVERTIME_MS = 2_000

function tell(child: Child, message: SupervisorToDataplane): void {
  // A process that is ending may have closed its channel already: its exit says all there is to say.
  child.process.send(message, () => {})
}

function forkDataplane({ file, env }: DataplanesOptions, service: DataplaneService): ChildProcess {
  const descriptors = [...service.listen, service.status]
  const first = 4
  const order: DataplaneOrder = {
    folder: service.folder,
    listen: service.listen.map((_, index) => first + index),
    status: first + service.listen.length,
    lameDuckMs: service.lameDuckMs,
    graceMs: service.graceMs,
  }
  return fork(file, [JSON.stringify(order)], { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...descriptors] })
}
