import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { statePaths } from '../kernel/state-paths.ts'
import type {
  DataplaneOrder,
  DataplaneToSupervisor,
  ProcessFigures,
  SupervisorToDataplane,
  TrafficCounts,
} from '../model/link.ts'
import type { Published } from '../model/plan.ts'
import type { ListenerOptions } from '../model/spec.ts'
import { createIntake } from './intake.ts'
import { loadLastGood } from './last-good.ts'
import { createLink } from './link.ts'
import { ownMetrics } from './own-metrics.ts'
import { openStatusServer, type Readiness } from './status-server.ts'
import { createTraffic } from './traffic.ts'
import type { Turns } from './turns.ts'

/** The request path, as far as the life of its process is concerned. */
export type Servable = {
  apply(published: Published): Promise<void>
  listen(socket: { readonly fd: number }, options: ListenerOptions | undefined, key: string): Promise<unknown>
  /** What is wrong with its listeners now, a sentence each. */
  problems(): readonly string[]
  counts(): TrafficCounts
  draining(): readonly string[]
  ejected(): Readonly<Record<string, readonly string[]>>
  onDraining(run: () => void): void
  inFlight(): number
  drain(times: { readonly lameDuckMs: number; readonly graceMs: number }): Promise<void>
  close(): void | Promise<void>
}

export type RunOptions = {
  readonly order: DataplaneOrder
  readonly dataplane: Servable
  /** Those that it takes with others; absent: nobody else accepts from the same sockets. */
  readonly turns?: Turns | undefined
  /** The process itself: its channel to the supervisor and its figures. */
  readonly self: NodeJS.Process
  readonly clock: Clock
  readonly log: Log
}

/**
 * One data-plane process from start to end:
 *
 *   dial control → first plan (its, or the last good one) → accept → ready … drain → end
 *
 * Connections that arrive before there is a plan wait in the socket's queue. Resolves when it may end.
 */
export function runDataplane({ order, dataplane, turns, self, clock, log }: RunOptions): Promise<void> {
  const paths = statePaths(order.folder)
  const traffic = createTraffic()
  let accepting = false
  let draining = false
  let finish = (): void => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })

  const intake = createIntake({
    apply: (published) => dataplane.apply(published),
    onApplied({ revision }) {
      link.send({ kind: 'ack', revision, draining: dataplane.draining() })
      if (!accepting && !draining) void accept()
    },
    onRefused(revision, reason) {
      log.error(`revision ${revision} cannot be served: ${reason}; serving on with the one before`)
      link.send({ kind: 'refused', revision, reason })
    },
  })

  const link = createLink({
    paths: paths.sockets,
    clock,
    log,
    hello: () => ({
      kind: 'hello',
      pid: self.pid,
      revision: intake.served()?.revision ?? 0,
      planHash: intake.knownPlanHash(),
    }),
    onPublish: intake.take,
    onUnreachable: serveLastGood,
  })
  link.open()
  // Control is there but says nothing: it may be stalled, and whoever replaces a dead process cannot wait for it.
  clock.after(SILENT_CONTROL_MS, serveLastGood)

  function serveLastGood(): void {
    if (intake.knownPlanHash() !== '') return
    const kept = loadLastGood(paths)
    if (kept === undefined) return
    log.warn(`control cannot be reached; serving the last good plan, revision ${kept.published.revision}`)
    intake.takeKept(kept.published, kept.planHash)
  }

  async function accept(): Promise<void> {
    accepting = true
    for (const [index, fd] of order.listen.entries()) {
      await dataplane.listen({ fd }, order.listeners?.[index], `listen[${index}]`)
    }
    const ready: DataplaneToSupervisor = { kind: 'ready', pid: self.pid }
    self.send?.(ready, undefined, undefined, () => {})
  }

  const status = openStatusServer({ fd: order.status, readiness, metrics })

  function readiness(): Readiness {
    const served = intake.served()
    const away = link.connected() ? [] : ['control is away: serving on with the last plan, changes wait']
    // Control has them from the figures, up to a second later.
    const notices = [...new Set([...(served?.live.notices ?? []), ...dataplane.problems(), ...away])]
    const fine = notices.length === 0 ? 'ok' : 'degraded'
    return {
      status: draining ? 'draining' : served === undefined ? 'no-plan' : fine,
      notices,
      revision: served?.revision,
    }
  }

  async function metrics(): Promise<string> {
    const relayed = await link.askMetrics()
    if (relayed !== undefined) return relayed
    traffic.collect(dataplane.counts())
    const revision = intake.served()?.revision ?? 0
    return ownMetrics({ pid: self.pid, revision, requests: traffic.totals(), process: figures() })
  }

  function figures(): ProcessFigures {
    const { user, system } = self.cpuUsage()
    const problems = dataplane.problems()
    return {
      inFlight: dataplane.inFlight(),
      ejected: dataplane.ejected(),
      ...(problems.length === 0 ? {} : { problems }),
      residentBytes: self.memoryUsage.rss(),
      cpuSeconds: (user + system) / 1e6,
      uptimeSeconds: self.uptime(),
    }
  }

  function report(): void {
    traffic.collect(dataplane.counts())
    if (link.connected()) link.send({ kind: 'counts', counts: traffic.takeUnsent(), figures: figures() })
  }

  function reportEverySecond(): void {
    report()
    clock.after(1_000, reportEverySecond)
  }
  clock.after(1_000, reportEverySecond)
  dataplane.onDraining(() => link.send({ kind: 'draining', draining: dataplane.draining() }))

  /** `statusToo`: somebody else answers for the router's readiness, or nobody shall any more. */
  async function drain(lameDuckMs: number, statusToo: boolean): Promise<void> {
    if (draining) return
    draining = true
    if (statusToo) status.close()
    if (accepting) await dataplane.drain({ lameDuckMs, graceMs: order.graceMs })
    report()
    status.close()
    await dataplane.close()
    link.close()
    finish()
  }

  self.on('message', (message: SupervisorToDataplane) => {
    if (message.kind === 'stop') finish()
    else if (message.kind === 'look') turns?.look()
    else void drain(order.lameDuckMs, message.handover)
  })
  // The supervisor is gone, and the next one needs the port: no lame duck.
  self.on('disconnect', () => void drain(0, true))
  if (!self.connected) void drain(0, true)
  return finished
}

const SILENT_CONTROL_MS = 3_000
