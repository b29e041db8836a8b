import type { Log } from '../kernel/log.ts'
import type { Bound, FromSupervisor, ToSupervisor } from '../model/link.ts'
import type { Spec } from '../model/spec.ts'
import type { Lock } from '../publish/lock.ts'
import type { Publisher } from '../publish/publisher.ts'

/** What the supervisor does for us: the ports it holds and the data-plane processes it runs. */
export type Serving = {
  /** Asks for the ports and processes of this spec. */
  ask(spec: Spec): void
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
  readonly log: Log
  send(message: ToSupervisor): void
  /** `notices` or `processes` may have changed. */
  changed(): void
}

/** Asks for nothing until `ask`. */
export function createServing({ folder, lock, publisher, log, send, changed }: ServingOptions): Serving {
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

  return {
    ask(spec) {
      started ??= spec
      const waited = waits()
      asked = spec
      for (const words of waits()) if (!waited.includes(words)) log.warn(words)
      const { listen, status, processes, lameDuckMs, graceMs } = spec
      send({ kind: 'serve', listen, status, processes, folder, graceMs, lameDuckMs })
    },
    hear(message) {
      const before = pids.size
      if (message.kind === 'listening') hearPorts(message)
      else if (message.kind === 'dataplane') hearProcess(message)
      else {
        refused = `${message.message}; the ports from before serve on. Once that is done: banyan reload`
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

function placeOf({ host, port }: Bound): string {
  return `port ${port}${host === '::' ? ', every address' : ` of ${host}`}`
}
