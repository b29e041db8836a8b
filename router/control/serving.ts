import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { Bound, FromSupervisor, ToSupervisor } from '../model/link.ts'
import type { Spec } from '../model/spec.ts'
import type { Lock } from '../publish/lock.ts'
import type { Publisher } from '../publish/publisher.ts'
import { unusableCertificates } from './unusable-certificates.ts'

/** What the supervisor does for us: the ports it holds and the data-plane processes it runs. */
export type Serving = {
  /**
   * Asks for the ports and processes of this spec. Where a listener's certificates cannot be used, what serves stays
   * until they can.
   */
  ask(spec: Spec): void
  /** Asks for fresh processes, unless they could not serve as those that run do. */
  roll(): void
  /** Takes in what the supervisor tells; `stop` is for the composition root. */
  hear(message: Exclude<FromSupervisor, { kind: 'stop' }>): void
  where(): { readonly listen: readonly Bound[]; readonly status: Bound | undefined }
  /** Data-plane processes that run. */
  processes(): number
  /** What of the spec is not in force, in words. */
  notices(): readonly string[]
}

export type ServingOptions = {
  /** The state folder. */
  readonly folder: string
  readonly lock: Lock
  readonly publisher: Pick<Publisher, 'expectProcesses'>
  readonly clock: Clock
  readonly log: Log
  send(message: ToSupervisor): void
  /** `notices` or `processes` may have changed. */
  changed(): void
}

/** Asks for nothing until `ask`. */
export function createServing({ folder, lock, publisher, clock, log, send, changed }: ServingOptions): Serving {
  const pids = new Set<number>()
  let bound: ReturnType<Serving['where']> = { listen: [], status: undefined }
  let started: Spec | undefined
  let asked: Spec | undefined
  let refused: string | undefined

  function hearProcess({ event, pid }: Extract<FromSupervisor, { kind: 'dataplane' }>): void {
    if (event === 'started') {
      lock.record(pid, 'dataplane')
      pids.add(pid)
    } else {
      lock.forget(pid)
      pids.delete(pid)
    }
  }

  function hearPorts(message: Extract<FromSupervisor, { kind: 'listening' }>): void {
    const before = new Set(bound.listen.map(placeOf))
    bound = message
    for (const pid of message.pids) pids.add(pid)
    for (const place of message.listen.map(placeOf)) if (!before.has(place)) log.info(`listens on ${place}`)
    if (refused === undefined) return
    refused = undefined
    changed()
  }

  /** What was changed that only a new start can do. */
  function waits(): readonly string[] {
    return (['admin', 'state'] as const)
      .filter((key) => asked !== undefined && JSON.stringify(asked[key]) !== JSON.stringify(started?.[key]))
      .map((key) => `${key} has changed, which takes effect at the next start of the router`)
  }

  /** Sends what is asked for, and once more when its certificates can be used, unless something else is asked by then. */
  async function judge(spec: Spec): Promise<void> {
    const { listen, status, processes, lameDuckMs, graceMs } = spec
    const problems = await unusableCertificates(listen)
    if (spec !== asked) return
    const unusable = problems.length === 0 ? {} : { unusable: problems.join('; ') }
    send({ kind: 'serve', listen, status, processes, folder, graceMs, lameDuckMs, ...unusable })
    if (problems.length > 0) awaitUsable(spec)
  }

  function awaitUsable(spec: Spec): void {
    clock.after(LOOK_MS, () => {
      if (spec !== asked) return
      void unusableCertificates(spec.listen).then((problems) => {
        if (problems.length > 0) awaitUsable(spec)
        else void judge(spec)
      })
    })
  }

  async function roll(): Promise<void> {
    const problems = await unusableCertificates(asked?.listen ?? [])
    if (problems.length === 0) return send({ kind: 'roll' })
    log.error(`the data-plane processes were not replaced: ${problems.join('; ')}. Mend that and ask again`)
  }

  return {
    roll: () => void roll(),
    ask(spec) {
      started ??= spec
      const waited = waits()
      asked = spec
      for (const words of waits()) if (!waited.includes(words)) log.warn(words)
      judge(spec).catch((error: unknown) => log.error('the ports could not be asked for', { error }))
    },
    hear(message) {
      const before = pids.size
      if (message.kind === 'listening') hearPorts(message)
      else if (message.kind === 'dataplane') hearProcess(message)
      else {
        refused = `${message.message}; ${message.kind === 'held' ? HELD : REFUSED}`
        log.error(refused)
        changed()
      }
      publisher.expectProcesses([...pids])
      if (pids.size !== before) changed()
    },
    processes: () => pids.size,
    where: () => bound,
    notices: () => [...(refused === undefined ? [] : [refused]), ...waits()],
  }
}

/** How often certificates that cannot be used are looked at again. */
const LOOK_MS = 500
const REFUSED = 'the ports from before serve on. Once that is done: banyan reload'
const HELD = 'ports, their options and processes stay as they were until that is mended'

function placeOf({ host, port }: Bound): string {
  return `port ${port}${host === '::' ? ', every address' : ` of ${host}`}`
}
