import type { Control, Learned, Learning, Preview, Reloaded, Status } from '../admin/control.ts'
import { driftOfRoutes } from '../catalogue/route-drift.ts'
import { compile } from '../compile/compile.ts'
import { compileObserving, observingText } from '../compile/observe.ts'
import { countDiagnostics, mergeDiagnostics } from '../config/format.ts'
import { readText, UnreadableFile } from '../config/load.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { packageVersion } from '../kernel/version.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Bound } from '../model/link.ts'
import type { Live, Plan } from '../model/plan.ts'
import type { Spec } from '../model/spec.ts'
import type { Publisher } from '../publish/publisher.ts'
import { reconcile } from '../shift/reconcile.ts'
import type { Shifts } from '../shift/shifts.ts'
import {
  type Configuration,
  type FirstConfiguration,
  problemText,
  type ReadOptions,
  readConfiguration,
} from './configuration.ts'
import { createEndpointStates } from './endpoint-states.ts'
import type { FunctionsFolder } from './functions-folder.ts'
import type { HealthChecks } from './health-checks.ts'
import type { History } from './history.ts'
import { createProgress, type Progress } from './progress.ts'
import { setAside } from './set-aside.ts'
import type { World } from './world.ts'

/** The parts that the control loop joins; the composition root makes and closes them. */
export type ControlParts = {
  readonly file: string
  readonly first: FirstConfiguration
  readonly world: World
  readonly shifts: Shifts
  readonly publisher: Publisher
  readonly store: string
  /** Everything goes to the default upstream; nothing is moved. */
  readonly observe: boolean
  readonly functions: FunctionsFolder
  readonly health: Pick<HealthChecks, 'unhealthy'>
  readonly history: Pick<History, 'days' | 'watched'>
  /** Data-plane processes that run. */
  readonly processes: () => number
  /** What is wrong with state folder and store, in words. */
  readonly notices: () => readonly string[]
  /** Takes over a spec that was accepted: ports, functions folder, last good text. */
  readonly adopt: (configuration: Configuration) => void
  readonly read: ReadOptions
  readonly metrics: () => Promise<string>
  readonly where: () => {
    readonly listen: readonly Bound[]
    readonly admin: Bound | undefined
    readonly status: Bound | undefined
  }
  readonly rollProcesses: () => void
  readonly clock: Clock
  readonly log: Log
}

/** The control loop: spec, world and shifts in, plans out. */
export type RunningControl = Control &
  Pick<Progress, 'servedOperations'> & {
    /** Publishes for the first time, and says what is worth knowing. */
    start(): Promise<void>
    /** Compiles what is known now and publishes it; resolves when every data-plane process obeys. */
    publish(): Promise<void>
    /** The same where nobody waits for it: what goes wrong is logged. */
    refresh(): void
    /** The file has this text now; one that was looked at already, by `reload`, is not looked at again. */
    changed(text: string): void
    /** The file cannot be read, in words; undefined: it can again. */
    fileProblem(message: string | undefined): void
  }

export function createControl(parts: ControlParts): RunningControl {
  const { world, shifts, publisher, clock, log } = parts
  const startedAt = clock.now()
  const endpointStates = createEndpointStates()
  const progress = createProgress(parts)
  let configuration: Configuration = parts.first
  let publishedAt = startedAt
  let unreadable: string | undefined
  /** What is worth knowing about the configuration in force in the world as it is now. */
  let found: readonly Diagnostic[] = []
  /** The text looked at last, accepted or refused. */
  let seen = parts.first.fileText

  function compileNow() {
    const now = { catalogue: world.catalogue(), sources: world.sources() }
    if (parts.observe) return compileObserving(configuration.spec, now)
    return compile(configuration.spec, now, shifts.records())
  }

  function notices(plan: Plan | undefined): readonly string[] {
    const { current, diagnostics, loadedAt } = configuration
    const since = new Date(loadedAt).toISOString()
    const kept = `serves the configuration of ${since}; ${parts.file} has ${countDiagnostics(diagnostics)}, see: banyan status`
    const folder = publisher.failure()?.message
    return [
      ...(current ? [] : [kept]),
      ...(unreadable === undefined ? [] : [`${parts.file}: ${unreadable}; the last good configuration serves`]),
      ...(folder === undefined ? [] : [folder]),
      ...parts.notices(),
      ...new Set(publisher.connected().flatMap(({ figures }) => figures?.problems ?? [])),
      ...shifts.notices(),
      ...(plan === undefined ? [] : setAside(plan, world.sources())),
    ]
  }

  /** What is wrong with the file; where nothing is, what is worth knowing about it now. */
  function diagnosed(): readonly Diagnostic[] {
    const { current, diagnostics } = configuration
    return current
      ? mergeDiagnostics(diagnostics, [...shifts.diagnostics(), ...world.clashes(), ...found])
      : diagnostics
  }

  /** The configuration in force under another spec: nothing is asked and nothing changes. */
  function compileFor(spec: Spec) {
    const foreseen = { catalogue: world.catalogue(), sources: world.sourcesFor(spec) }
    if (!parts.observe) return compile(spec, foreseen, shifts.records())
    const { diagnostics } = compile(spec, foreseen, shifts.records())
    const { plan } = compileObserving(spec, foreseen)
    return { plan, diagnostics: spec.defaultUpstream === undefined ? [...diagnostics, NO_DEFAULT] : diagnostics }
  }

  async function publish({ plan, diagnostics } = compileNow()): Promise<void> {
    found = diagnostics
    const before = publisher.current()?.revision
    const unhealthy = Object.entries(parts.health.unhealthy()).map(([name, found]) => [name, Object.keys(found)])
    const live: Live = {
      weights: shifts.weights(),
      addresses: parts.functions.addresses(),
      notices: notices(plan),
      // Told only where limits are divided: else every start of a process would make a revision.
      ...(plan.upstreams.some(({ circuit }) => circuit !== undefined) ? { processes: parts.processes() } : {}),
      ...(unhealthy.length === 0 ? {} : { health: Object.fromEntries(unhealthy) }),
    }
    const done = publisher.publish(plan, live)
    if (publisher.current()?.revision !== before) publishedAt = clock.now()
    const { revision, refused, replaced } = await done
    if (refused > 0) log.error(`plan revision ${revision} could not be built by ${refused} data-plane processes`)
    if (replaced > 0) log.warn(`plan revision ${revision}: ${replaced} silent data-plane processes were replaced`)
  }

  // A mistake in it must not end this process: the plan before serves on, and the next change is another chance.
  function refresh(): void {
    publish().catch((error: unknown) => log.error('the plan could not be published', { error }))
  }

  async function start(): Promise<void> {
    await publish()
    // A file that is refused has been complained of before anything was opened.
    if (configuration.current) warn()
  }

  function warn(): void {
    if (diagnosed().length > 0) log.warn(problemText(parts.file, diagnosed()))
  }

  async function take(text: string): Promise<Reloaded> {
    seen = text
    unreadable = undefined
    // Judged in the world as it is, so that it need not be compiled once more for that.
    const read = await readConfiguration(parts.file, text, parts.read, compileFor)
    const before = publisher.current()
    if (read.spec === undefined) {
      const serving = `kept plan ${before?.hash.slice(0, 6)} of ${new Date(publishedAt).toTimeString().slice(0, 8)}`
      log.error(`${parts.file} is refused\n${problemText(parts.file, read.diagnostics, serving)}`)
      configuration = { ...configuration, current: false, diagnostics: read.diagnostics }
      await publish()
      return reloaded(false)
    }
    configuration = { spec: read.spec, text, current: true, diagnostics: read.diagnostics, loadedAt: clock.now() }
    parts.adopt(configuration)
    world.update(read.spec)
    shifts.accept(read.spec.routes)
    const compiled = compileNow()
    const published = publish(compiled)
    warn()
    await published
    log.info(`${parts.file} is in force`, { revision: publisher.current()?.revision })
    return reloaded(true)
  }

  async function reload(): Promise<Reloaded> {
    const text = await readText(parts.file).catch((error: unknown) => {
      if (error instanceof UnreadableFile) return error
      throw error
    })
    if (typeof text === 'string') return take(text)
    fileProblem(text.message)
    return reloaded(false)
  }

  function fileProblem(message: string | undefined): void {
    if (message === unreadable) return
    unreadable = message
    if (message !== undefined) log.error(`${parts.file}: ${message}; the last good configuration serves`)
    refresh()
  }

  function learn({ upstream, detector, source, operations }: Learning): Learned {
    const name = upstream ?? configuration.spec.defaultUpstream
    const names = world.sources().flatMap((source) => source.upstreams.map((one) => one.name))
    if (name === undefined)
      return { kind: 'refused', message: 'there is no default upstream: name one with --upstream' }
    if (!names.includes(name)) {
      const message = `upstream "${name}" does not exist; there are ${names.join(', ')}`
      return { kind: 'refused', message }
    }
    const outcome = `${operations.length} operation${operations.length === 1 ? '' : 's'}`
    world.learn({ upstream: name, detector, operations, source, outcome, at: clock.now() })
    return { kind: 'learned', upstream: name, operations: operations.length }
  }

  function reloaded(accepted: boolean): Reloaded {
    const now = publisher.current()
    return { accepted, diagnostics: diagnosed(), revision: now?.revision ?? 0, hash: now?.hash ?? '' }
  }

  async function preview(text: string, file: string): Promise<Preview> {
    const read = await readConfiguration(file, text, parts.read)
    if (read.spec === undefined) return { diagnostics: read.diagnostics, plan: undefined }
    const { plan, diagnostics } = compileFor(read.spec)
    const stranded = reconcile(read.spec.routes, shifts.records()).diagnostics
    const drifted = driftOfRoutes(read.spec.routes, world.catalogue(), world.observations())
    return { diagnostics: mergeDiagnostics(read.diagnostics, [...stranded, ...diagnostics, ...drifted]), plan }
  }

  function status(): Status {
    const now = publisher.current()
    const all = notices(now?.plan)
    const { listen, admin, status: statusPort } = parts.where()
    return {
      version: packageVersion(),
      state: now === undefined ? 'starting' : all.length > 0 ? 'degraded' : 'ok',
      notices: all,
      pid: process.pid,
      startedAt,
      plan: now && { revision: now.revision, hash: now.hash, publishedAt },
      configuration: {
        file: parts.file,
        current: configuration.current,
        loadedAt: configuration.loadedAt,
        diagnostics: diagnosed(),
      },
      listen,
      admin,
      statusPort,
      observing: parts.observe,
      processes: publisher.connected().map(({ pid, revision }) => ({ pid, revision })),
      store: parts.store,
    }
  }

  return {
    status,
    spec: () => configuration.spec,
    published: () => publisher.current(),
    catalogue: () => world.catalogue(),
    observations: () => world.observations(),
    sources: () => world.sources(),
    traffic: () => world.traffic(),
    endpointStates: () =>
      endpointStates({
        upstreams: world.sources().flatMap((source) => source.upstreams),
        processes: publisher.connected(),
        unhealthy: parts.health.unhealthy(),
      }),
    ...progress,
    learn,
    shifts,
    functionLog: parts.functions.logs,
    preview,
    reload,
    rollProcesses: parts.rollProcesses,
    observing: () => (parts.observe ? observingText(configuration.spec.defaultUpstream) : undefined),
    unready: (upstream) => unready(upstream, world),
    metrics: parts.metrics,
    start,
    publish: () => publish(),
    refresh,
    changed(text) {
      if (text === seen) return
      take(text).catch((error: unknown) => log.error(`${parts.file} could not be taken over`, { error }))
    },
    fileProblem,
  }
}

const NO_DEFAULT: Diagnostic = {
  severity: 'error',
  code: 'observe-default',
  message: 'there is no default upstream, and up --observe sends everything there',
  hint: 'write default: NAME',
  path: 'default',
}

function unready(name: string, world: World): string | undefined {
  const upstream = world
    .sources()
    .flatMap((source) => source.upstreams)
    .find((candidate) => candidate.name === name)
  if (upstream === undefined) return `upstream "${name}" does not exist; see: banyan upstreams`
  if (upstream.failure !== undefined) return `upstream "${name}" cannot serve: ${upstream.failure}`
  if (upstream.sighting !== undefined && upstream.endpoints.length === 0) {
    return `upstream "${name}" has no endpoint now; see: banyan upstreams`
  }
  return undefined
}
