import { type ChildProcess, fork } from 'node:child_process'
import type { EventEmitter } from 'node:events'
import type { Clock } from './kernel/clock.ts'
import type { Log } from './kernel/log.ts'
import type { FromSupervisor, ToSupervisor } from './model/link.ts'
import { createBackoff } from './supervisor/backoff.ts'
import { createDataplanes } from './supervisor/dataplanes.ts'
import { type Bindings, createPorts } from './supervisor/ports.ts'

/**
 * The supervisor: binds each port once, keeps control and the data-plane processes running, ends them in order.
 *
 *   control starts → asks to serve → ports are bound → data-plane processes inherit them
 *
 * It decides nothing about traffic and holds nothing that could be lost: control may die and come back, and asks
 * again. It imports little, because everything waits for it.
 */
export type SupervisorOptions = {
  /** Module of the control process, and its arguments. */
  readonly control: { readonly file: string; readonly args: readonly string[] }
  /** Module of a data-plane process. */
  readonly dataplane: string
  readonly env: NodeJS.ProcessEnv
  readonly clock: Clock
  readonly log: Log
  /** Where SIGTERM, SIGINT and SIGHUP arrive. */
  readonly signals: EventEmitter
}

/** Runs until the router has ended; resolves with the exit code. */
export function runSupervisor(options: SupervisorOptions): Promise<number> {
  return new Promise((resolve) => supervise(options, resolve))
}

type Asked = Extract<ToSupervisor, { kind: 'serve' }>
type Serve = Omit<Asked, 'unusable'>

function supervise({ control, dataplane, env, clock, log, signals }: SupervisorOptions, end: (code: number) => void) {
  const ports = createPorts()
  const backoff = createBackoff()
  let child: ChildProcess | undefined
  let served: Serve | undefined
  let ending = false
  let finishing = false
  let hurried = false
  // One `serve` after the other: binding takes a moment, and the last one asked for is the one that stays.
  let work: Promise<void> = Promise.resolve()

  const dataplanes = createDataplanes({
    file: dataplane,
    env,
    clock,
    log,
    onStarted: (pid) => tell({ kind: 'dataplane', event: 'started', pid, detail: '' }),
    onExited: (pid, detail) => tell({ kind: 'dataplane', event: 'exited', pid, detail }),
    onTakenOver() {
      if (served !== undefined) ports.keepOnly(served)
    },
  })

  function startControl(): void {
    if (ending) return
    const startedAt = clock.elapsed()
    child = fork(control.file, control.args, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    child.on('message', obey)
    child.on('error', (error) => log.error('the control process cannot be reached', { error }))
    child.on('exit', (code, signal) => {
      child = undefined
      if (ending) return
      // Ended by itself before the router ever served: another start would end the same way.
      if (served === undefined && code !== null) return void finish(code === 0 ? 1 : code)
      const wait = backoff.next(clock.elapsed() - startedAt)
      log.warn(`the control process ended (${signal ?? `code ${code}`}); traffic is served on`, { restartInMs: wait })
      if (wait === 0) startControl()
      else clock.after(wait, startControl)
    })
  }

  function obey(message: ToSupervisor): void {
    if (ending) return
    if (message.kind === 'serve') work = work.then(() => serve(message))
    else if (message.kind === 'replace') dataplanes.replace(message.pid)
    else dataplanes.roll()
  }

  async function serve({ unusable, ...wanted }: Asked): Promise<void> {
    if (ending) return
    const changed = JSON.stringify(served) !== JSON.stringify(wanted)
    if (unusable !== undefined && served !== undefined && changed) {
      await tellServed(served)
      return tell({ kind: 'held', message: unusable })
    }
    const result = await ports.bind(wanted)
    if (ending) return ports.close()
    if (result.kind === 'refused') {
      if (served === undefined) {
        log.error(result.message)
        return finish(1)
      }
      await tellServed(served)
      return tell({ kind: 'listen-failed', address: result.address, message: result.message })
    }
    const { listen, status } = result.bindings
    const { processes, folder, lameDuckMs, graceMs } = wanted
    served = wanted
    if (changed) {
      const descriptors = { listen: listen.map(({ fd }) => fd), status: status.fd }
      dataplanes.serve({ processes, folder, lameDuckMs, graceMs, ...descriptors, listeners: wanted.listen })
    }
    tellListening(result.bindings)
  }

  /** A control process that has come back knows nothing yet of what serves on. */
  async function tellServed(before: Serve): Promise<void> {
    const result = await ports.bind(before)
    if (result.kind === 'bound') tellListening(result.bindings)
  }

  function tellListening({ listen, status }: Bindings): void {
    const pids = dataplanes.pids()
    tell({ kind: 'listening', listen: listen.map(({ bound }) => bound), status: status.bound, pids })
  }

  /** The orderly end: requests first, then what decides about them. */
  async function drain(): Promise<void> {
    ending = true
    log.info('ending: what is in flight is finished first; once more to end at once')
    await dataplanes.drain()
    await finish(hurried ? 1 : 0)
  }

  /** Ends every process and gives up the ports. Control gets a moment to end what it started itself. */
  async function finish(code: number): Promise<void> {
    ending = true
    finishing = true
    dataplanes.kill()
    const last = child
    if (last !== undefined) {
      const exited = new Promise((resolve) => last.once('exit', resolve))
      tell({ kind: 'stop' })
      const cancel = clock.after(CONTROL_ENDS_MS, () => last.kill('SIGKILL'))
      await exited
      cancel()
    }
    ports.close()
    for (const signal of SIGNALS) signals.removeListener(signal, onSignal)
    end(code)
  }

  let firstSignalAt: number | undefined
  function onSignal(signal: string): void {
    firstSignalAt ??= clock.elapsed()
    if (!ending) return void drain()
    // One Ctrl-C may arrive twice, from the terminal and from the launcher; a person needs longer than that.
    if (clock.elapsed() - firstSignalAt < SECOND_SIGNAL_MS) return
    log.warn(`ending at once: ${signal} again`)
    hurried = true
    if (finishing) child?.kill('SIGKILL')
    else dataplanes.kill()
  }

  function tell(message: FromSupervisor): void {
    child?.send(message, () => {})
  }

  for (const signal of SIGNALS) signals.on(signal, onSignal)
  startControl()
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
const SECOND_SIGNAL_MS = 1_000
const CONTROL_ENDS_MS = 5_000
