import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { isRunning, type Processes, type ProcessIdentity } from '../kernel/processes.ts'
import { FolderFailure } from './state-folder.ts'

/**
 * One router on one state folder. `run.json` names the owner (the supervisor, by pid and start time) and every
 * process it has running, so that the next router can wait for what a killed one left behind, and end the rest.
 */
export type Lock = {
  /** Every process on record that runs: with a control process that was restarted, what the one before had started. */
  recorded(): readonly RunningProcess[]
  /** Remembers a process that must not outlive the router. */
  record(pid: number, role: Role, name?: string): void
  /** It has ended. */
  forget(pid: number): void
  /** Gives the folder up, where it has not been taken over; only the last process of a router does. */
  release(): void
}

export type Role = 'control' | 'dataplane' | 'workerd'

/** `name` says which one of its role, e.g. `functions/contact`. */
export type RunningProcess = ProcessIdentity & { readonly role: Role; readonly name?: string }

export type LockResult =
  | { readonly kind: 'acquired'; readonly lock: Lock }
  /** Another router runs on this folder. */
  | { readonly kind: 'held'; readonly pid: number; readonly message: string }
  /** Nobody can hold it: the folder cannot be written. The lock works in memory only. */
  | { readonly kind: 'unwritable'; readonly failure: FolderFailure; readonly lock: Lock }

export type LockOptions = {
  /** `run.json` of the state folder. */
  readonly file: string
  /** Pid of the supervisor. */
  readonly owner: number
  /** How long what a dead router left may take to finish. */
  readonly graceMs: number
  readonly clock: Clock
  readonly log: Log
  readonly processes: Processes
}

type Run = { readonly owner: ProcessIdentity; children: readonly RunningProcess[] }

/** Takes the folder. Resolves once nothing of a router that died is running any more, at most `graceMs` later. */
export async function acquireLock(options: LockOptions): Promise<LockResult> {
  const { file, owner, processes } = options
  const mine = { pid: owner, started: processes.started(owner) ?? 'unknown' }
  const taken = await withMutex(options, () => {
    const found = readRun(file)
    const before = found?.owner
    const same = before?.pid === mine.pid && before.started === mine.started
    if (before !== undefined && !same && isRunning(before, processes)) return before.pid
    const run: Run = { owner: mine, children: (found?.children ?? []).filter((child) => isRunning(child, processes)) }
    writeRun(file, run)
    return { run, leftovers: same ? [] : run.children, before: before?.pid }
  })
  if (taken instanceof FolderFailure) {
    return { kind: 'unwritable', failure: taken, lock: createLock(options, { owner: mine, children: [] }) }
  }
  if (typeof taken === 'number') return { kind: 'held', pid: taken, message: heldBy(taken, file) }

  const lock = createLock(options, taken.run)
  await outlive(taken.leftovers, taken.before ?? 0, options)
  for (const { pid } of taken.leftovers) lock.forget(pid)
  return { kind: 'acquired', lock }
}

function heldBy(pid: number, file: string): string {
  return (
    `state folder ${dirname(file)} is in use by the router with pid ${pid}; one folder serves one router. ` +
    'Stop that one, or give this one another folder with the key state'
  )
}

/** Two starts at the same moment must not both find the old owner dead and both take over. */
async function withMutex<T>({ file, clock }: LockOptions, run: () => T): Promise<T | FolderFailure> {
  const mutex = `${file}.taking`
  const start = clock.elapsed()
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  } catch (error) {
    return new FolderFailure(file, error)
  }
  for (;;) {
    try {
      closeSync(openSync(mutex, 'wx', 0o600))
      break
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) return new FolderFailure(file, error)
      // It is held for a few file operations; whoever holds it this long has died meanwhile.
      if (clock.elapsed() - start > MUTEX_MS) rmSync(mutex, { force: true })
      else await pause(clock, MUTEX_POLL_MS)
    }
  }
  try {
    return run()
  } catch (error) {
    return new FolderFailure(file, error)
  } finally {
    rmSync(mutex, { force: true })
  }
}

const MUTEX_MS = 2_000
const MUTEX_POLL_MS = 20

/** Waits for what finishes by itself, then ends what is left. workerd serves data planes and never ends by itself. */
async function outlive(leftovers: readonly RunningProcess[], before: number, options: LockOptions): Promise<void> {
  const { graceMs, clock, log, processes } = options
  const finishing = (): RunningProcess[] =>
    leftovers.filter((child) => child.role !== 'workerd' && isRunning(child, processes))
  const waitedFor = finishing()
  if (waitedFor.length > 0) {
    const pids = waitedFor.map(({ pid }) => pid).join(', ')
    log.info(`the router with pid ${before} died; waiting for its processes (${pids}) to finish what is in flight`)
  }
  const deadline = clock.elapsed() + graceMs
  while (finishing().length > 0 && clock.elapsed() < deadline) await pause(clock, LEFTOVER_POLL_MS)

  for (const child of leftovers.filter((one) => isRunning(one, processes))) {
    processes.signal(child.pid, 'SIGKILL')
    const which = child.name === undefined ? child.role : `${child.role} (${child.name})`
    log.warn(`ended ${which} process ${child.pid}, left over from the router with pid ${before} that died`)
  }
}

const LEFTOVER_POLL_MS = 50

function createLock({ file, log, processes }: LockOptions, run: Run): Lock {
  // A control process whose supervisor was killed lives on for a moment, and the next router may have taken over.
  const mine = (): boolean => {
    const owner = readRun(file)?.owner
    return owner === undefined || (owner.pid === run.owner.pid && owner.started === run.owner.started)
  }
  const change = (children: readonly RunningProcess[]): void => {
    run.children = children
    try {
      if (mine()) writeRun(file, run)
    } catch (error) {
      log.warn(new FolderFailure(file, error).message)
    }
  }
  return {
    recorded: () => run.children.filter((child) => isRunning(child, processes)),
    record(pid, role, name) {
      const started = processes.started(pid)
      if (started === undefined) return
      const child = { pid, started, role, ...(name === undefined ? {} : { name }) }
      change([...run.children.filter((one) => one.pid !== pid), child])
    },
    forget(pid) {
      if (run.children.some((child) => child.pid === pid)) change(run.children.filter((child) => child.pid !== pid))
    },
    release() {
      if (mine()) rmSync(file, { force: true })
    },
  }
}

function writeRun(file: string, run: Run): void {
  const beside = `${file}.${process.pid}.new`
  writeFileSync(beside, `${JSON.stringify(run, undefined, 2)}\n`, { mode: 0o600 })
  renameSync(beside, file)
}

/** Undefined where there is none, or none that can be read: a lock that says nothing holds nothing. */
function readRun(file: string): Run | undefined {
  try {
    const run: Partial<Run> = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof run.owner?.pid !== 'number' || !Array.isArray(run.children)) return undefined
    return { owner: run.owner, children: run.children }
  } catch {
    return undefined
  }
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve)
  })
}
