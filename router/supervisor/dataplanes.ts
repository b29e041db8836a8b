import { type ChildProcess, fork } from 'node:child_process'
import { tmpdir } from 'node:os'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { createTally, type Tally } from '../kernel/tally.ts'
import type { DataplaneOrder, DataplaneToSupervisor, SupervisorToDataplane } from '../model/link.ts'
import type { ListenerOptions } from '../model/spec.ts'
import { type Backoff, createBackoff } from './backoff.ts'

/** What every data-plane process of one generation is started with; `listen` and `status` are our descriptors. */
export type DataplaneService = {
  readonly processes: number
  readonly folder: string
  readonly lameDuckMs: number
  readonly graceMs: number
  readonly listen: readonly number[]
  /** What is done on the connections of each of them, which is none of our business. */
  readonly listeners: readonly ListenerOptions[]
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

/** What one `serve` began. */
type Generation = {
  readonly service: DataplaneService
  /** By which its processes take turns in accepting; absent where one is alone, or no folder can be written to. */
  readonly tally: Tally | undefined
}

type Child = {
  readonly process: ChildProcess
  readonly generation: Generation
  /** Its index in its generation. */
  readonly place: number
  readonly startedAt: number
  readonly backoff: Backoff
  state: 'starting' | 'ready' | 'draining'
}

/** Nothing runs until `serve`. */
export function createDataplanes(options: DataplanesOptions): Dataplanes {
  const { clock, log } = options
  const children = new Set<Child>()
  let current: Generation | undefined
  let ending = false
  let emptied = (): void => {}

  function start(generation: Generation, place: number, backoff: Backoff): void {
    if (generation !== current || ending) return
    const process = forkDataplane(options, generation, place)
    const child: Child = { process, generation, place, startedAt: clock.elapsed(), backoff, state: 'starting' }
    children.add(child)
    process.on('message', (message: DataplaneToSupervisor) => {
      if (message.kind === 'ready') becomeReady(child)
      else tellOthers(child)
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
    const peers = [...children].filter((one) => one.generation === current)
    if (current === undefined || peers.length < current.service.processes) return
    if (!peers.every((one) => one.state === 'ready')) return
    for (const one of children) if (one.generation !== current) retire(one, true)
    options.onTakenOver()
  }

  function retire(child: Child, handover: boolean): void {
    if (child.state === 'draining') return
    child.state = 'draining'
    tell(child, { kind: 'drain', handover })
    // It holds to this time itself; one that hangs must keep neither a roll nor the router from ending.
    const { lameDuckMs, graceMs } = child.generation.service
    clock.after(lameDuckMs + graceMs + OVERTIME_MS, () => child.process.kill('SIGKILL'))
  }

  function tellOthers({ generation, place }: Child): void {
    for (const one of children) if (one.generation === generation && one.place !== place) tell(one, { kind: 'look' })
  }

  function ended(child: Child, detail: string): void {
    if (!children.delete(child)) return
    const { pid } = child.process
    if (pid !== undefined) options.onExited(pid, detail)
    if (children.size === 0) emptied()
    const { generation, place } = child
    if (generation !== current || ending) return
    // The others would go on waiting for it.
    generation.tally?.write(place, [0, 0, 0])
    tellOthers(child)
    const wait = child.backoff.next(clock.elapsed() - child.startedAt)
    log.warn(`data-plane process ${pid ?? 'without a pid'} ended (${detail}); starting another`, { inMs: wait })
    if (wait === 0) start(generation, place, child.backoff)
    else clock.after(wait, () => start(generation, place, child.backoff))
  }

  function serve(service: DataplaneService): void {
    current?.tally?.close()
    current = { service, tally: openTally(service, log) }
    for (let place = 0; place < service.processes; place += 1) start(current, place, createBackoff())
  }

  return {
    serve,
    roll() {
      if (current !== undefined) serve(current.service)
    },
    replace(pid) {
      for (const child of children) if (child.process.pid === pid) child.process.kill('SIGKILL')
    },
    pids: () => [...children].flatMap((child) => child.process.pid ?? []),
    kill() {
      ending = true
      current?.tally?.close()
      current = undefined
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

/** Memory comes first: a file on a disk would be written to it again and again. */
function openTally({ processes, folder }: DataplaneService, log: Log): Tally | undefined {
  if (processes === 1) return undefined
  const folders = ['/dev/shm', tmpdir(), folder]
  const tally = createTally(processes, folders)
  if (tally === undefined) {
    log.warn(`none of ${folders.join(', ')} can be written to: data-plane processes share connections less evenly`)
  }
  return tally
}

function forkDataplane({ file, env }: DataplanesOptions, { service, tally }: Generation, place: number): ChildProcess {
  const descriptors = [...service.listen, service.status, ...(tally === undefined ? [] : [tally.fd])]
  const first = 4
  const last = first + descriptors.length - 1
  const order: DataplaneOrder = {
    folder: service.folder,
    listen: service.listen.map((_, index) => first + index),
    listeners: service.listeners,
    status: first + service.listen.length,
    lameDuckMs: service.lameDuckMs,
    graceMs: service.graceMs,
    ...(tally === undefined ? {} : { turns: { fd: last, place, places: service.processes } }),
  }
  return fork(file, [JSON.stringify(order)], { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...descriptors] })
}
