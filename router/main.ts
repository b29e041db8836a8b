import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { observingText } from './compile/observe.ts'
import { watchSpec } from './config/watch.ts'
import { type AdminPort, openAdmin } from './control/admin-port.ts'
import { type Configuration, firstConfiguration, problemText, saveLastGood } from './control/configuration.ts'
import { createControl } from './control/control.ts'
import { createFunctionsFolder } from './control/functions-folder.ts'
import { createHealthChecks } from './control/health-checks.ts'
import { probe } from './control/health-probe.ts'
import { createHistory } from './control/history.ts'
import type { Metrics } from './control/metrics.ts'
import { loadObservations, loadSources, observationKeeper } from './control/observations.ts'
import { createServing } from './control/serving.ts'
import { createWorld } from './control/world.ts'
import { systemClock } from './kernel/clock.ts'
import { systemProcesses } from './kernel/processes.ts'
import type { FromSupervisor } from './model/link.ts'
import type { Plan } from './model/plan.ts'
import { loadLastGood } from './publish/last-good.ts'
import { acquireLock } from './publish/lock.ts'
import { createPublisher } from './publish/publisher.ts'
import { openStateFolder } from './publish/state-folder.ts'
import { openSupervisorLink } from './publish/supervisor-link.ts'
import { lostRecords } from './shift/reconcile.ts'
import { createShifts } from './shift/shifts.ts'
import { openStore } from './state/index.ts'
import { createLog } from './telemetry/log.ts'

/**
 * Root of the control process, which the supervisor starts: every part in order. It may die at any moment and is
 * started again; the data plane serves on meanwhile.
 *
 *   configuration → state folder → store → shifts → publisher → world → control loop → ports → functions → admin
 */
const clock = systemClock
/** By then all that a start loads has been compiled. */
const COMPILED_MS = 2_000
/** As long as a start waits for name servers and engines; what they say later makes another plan. */
const HEARD_MS = 2_000
const { values } = parseArgs({
  options: { config: { type: 'string', default: 'banyan.yaml' }, observe: { type: 'boolean', default: false } },
})
const file = values.config
// Speaks to the supervisor that started us; from here on signals are its business.
const supervisor = openSupervisorLink(process)
const log = createLog({ level: 'info', pretty: process.stdout.isTTY === true })
const read = { env: process.env, cores: availableParallelism(), now: clock.now }

// Reads banyan.yaml, or the last good text of it. Neither: everything that is wrong, and the end.
const first = await firstConfiguration(file, read)
if ('problems' in first) {
  giveUp(problemText(file, first.problems, 'nothing is served: there is no last good configuration'))
}
if (!first.current) log.error(`${file} is refused\n${problemText(file, first.diagnostics, 'the last good one serves')}`)
let { spec } = first
const { observe } = values
if (observe && spec.defaultUpstream === undefined) {
  giveUp(`${file} has no default upstream, and up --observe sends everything there: write default: NAME`)
}
if (observe) log.warn(observingText(spec.defaultUpstream))

// The state folder, for this router alone. What cannot be written there is said; traffic is served all the same.
const runKey = Buffer.from(process.env.BANYAN_RUN_KEY ?? '', 'hex')
const folder = openStateFolder({ path: spec.state.folder, now: clock.now, randomBytes, runKey })
const owner = process.ppid
const locking = { file: folder.paths.run, owner, graceMs: spec.graceMs, clock, log, processes: systemProcesses }
const taken = await acquireLock(locking)
if (taken.kind === 'held') giveUp(taken.message)
const { lock } = taken
lock.record(process.pid, 'control')

// What the router remembers, and what it last served.
const opened = openStore(spec.state, { clock, log })
const { store } = opened
const lastGood = loadLastGood(folder)
// Data-plane processes serve it while control is slow to come, and it has routes.
if (observe && isMoving(lastGood.plan?.plan))
  for (const kept of [folder.paths.plan, folder.paths.live]) rmSync(kept, { force: true })
const notices = [...folder.notices, ...opened.notices, ...lastGood.notices]
for (const notice of [...folder.notices, ...lastGood.notices]) log.warn(notice)

// Publishes plans to the data plane; hears what it counts.
const publisher = await createPublisher({
  folder,
  log,
  clock,
  initialRevision: lastGood.revision,
  requestReplace: (pid) => supervisor.send({ kind: 'replace', pid }),
  onCounts(_, counts) {
    world.count(counts)
    history.count(counts.requests)
  },
  failureChanged: () => control.refresh(),
  metrics: metricsText,
}).catch((error: Error) => giveUp(error.message))

// Shifts: what the store holds, or the last-known copy where the store lost it.
const shifts = createShifts({
  store,
  clock,
  log,
  salt: () => randomBytes(16).toString('hex'),
  publish: () => control.publish(),
  lost: lostRecords(store, lastGood.plan?.plan, lastGood.live?.live.weights ?? {}, spec.routes, clock.now()),
  lastKnown: lastGood.live?.live.weights ?? {},
  onFinished: (record, upstream) => world.hand(record.match, upstream),
  noticesChanged: () => control.refresh(),
})

// Functions in workerd, one process each; those an earlier control process left behind serve until ours do.
const functions = createFunctionsFolder({
  folder: spec.functions,
  env: process.env,
  clock,
  log,
  lock,
  processes: systemProcesses,
  inherited: lastGood.live?.live.addresses ?? {},
  publish: () => control.publish(),
  changed: () => control.refresh(),
  drained: publisher.drained,
})

// Who exists and what they implement; begins with what was known before.
const keeper = observationKeeper(folder, clock, log)
const world = createWorld({
  spec,
  store,
  functions: functions.feed,
  remembered: loadObservations(folder.paths.folder),
  rememberedSources: loadSources(folder.paths.folder),
  unhealthy: () => health.unhealthy(),
  clock,
  random: Math.random,
  log,
  changed() {
    keeper.keep({ observations: world.observations(), sources: world.sources() })
    health.update(spec, world.sources())
    control.refresh()
  },
})

// Asks endpoints whether they are well, for all data-plane processes.
const health = createHealthChecks({
  probe,
  remembered: lastGood.live?.live.health ?? {},
  clock,
  random: Math.random,
  log,
  changed: () => control.refresh(),
})

// How many requests each tier answers by day, and when each operation was last asked for.
const history = createHistory({
  store: store.history,
  clock,
  log,
  tierOf: world.tierOf,
  operations: () => control.servedOperations(),
})

// Ports and data-plane processes, which the supervisor holds for us.
const serving = createServing({
  folder: folder.paths.folder,
  lock,
  publisher,
  clock,
  log,
  send: supervisor.send,
  changed: () => control.refresh(),
})
let admin: AdminPort | undefined
let metrics: Metrics | undefined

const control = createControl({
  file,
  first,
  read,
  world,
  shifts,
  publisher,
  functions,
  health,
  history,
  observe,
  processes: serving.processes,
  store: store.description,
  notices: () => [...notices, ...serving.notices()],
  adopt,
  metrics: metricsText,
  where: () => ({ ...serving.where(), admin: admin?.bound() }),
  rollProcesses: serving.roll,
  clock,
  log,
})

// Before anything can be published: what the routes have left behind moves no traffic.
shifts.accept(spec.routes)

// The admin port is taken before anything is served: a port in use must be said at the start.
admin = await openAdmin({ control, address: spec.admin, log }).catch((error: Error) => giveUp(error.message))

const watching = new AbortController()
supervisor.onMessage(hear)
supervisor.onGone(() => void afterSupervisor())
adopt(first)
// What is found elsewhere than in the file is part of the first plan, where it answers at all.
await world.heard(HEARD_MS)
await control.start()
watchSpec(file, control.changed, {
  clock,
  signal: watching.signal,
  onProblem: control.fileProblem,
  ...(first.fileText === undefined ? {} : { current: first.fileText }),
})

// Compiled code is kept now: a process that is killed, or runs for weeks, would never write it.
clock.after(COMPILED_MS, flushCompileCache)

/** Takes over what is not in the plan: ports, the functions folder, the last good text. */
function adopt(configuration: Configuration): void {
  spec = configuration.spec
  serving.ask(spec)
  functions.use(spec.functions)
  health.update(spec, world.sources())
  if (!configuration.current) return
  try {
    saveLastGood(folder.paths.folder, configuration.text)
  } catch (error) {
    log.warn('the last good configuration could not be kept', { reason: String(error) })
  }
}

function hear(message: FromSupervisor): void {
  if (message.kind === 'stop') void close().then(() => process.exit(0))
  else serving.hear(message)
}

/** The supervisor was killed: the data plane finishes what is in flight, functions included, and then all is over. */
async function afterSupervisor(): Promise<void> {
  await publisher.deserted(spec.graceMs + spec.lameDuckMs)
  await close()
  process.exit(0)
}

async function close(): Promise<void> {
  watching.abort()
  health.close()
  try {
    await admin?.close()
    await world.close()
    await functions.close()
    await keeper.close()
    await publisher.close()
  } catch (error) {
    log.error('a part did not end in order', { error })
  }
  history.close()
  store.close()
  lock.release()
}

/** Loaded by the first question, so that traffic does not wait for it. */
async function metricsText(): Promise<string> {
  metrics ??= (await import('./control/metrics.ts')).createMetrics()
  return metrics.text({
    requests: world.traffic().requests,
    revision: publisher.current()?.revision ?? 0,
    processes: publisher.connected().map(({ pid, figures }) => ({ pid, inFlight: figures?.inFlight ?? 0 })),
    shifts: shifts.records(),
    operations: world.catalogue().operations.length,
    degraded: control.status().state === 'degraded',
  })
}

/** Whether a plan may send a request elsewhere than to the default upstream. */
function isMoving(plan: Plan | undefined): boolean {
  const upstreams = plan?.rules.map(({ action }) => (action.kind === 'forward' ? action.upstream : action.kind))
  return new Set(upstreams).size > 1
}

/** Before the router has ever served, the supervisor ends with this exit code. */
function giveUp(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
