import { functionFolders } from '../config/load.ts'
import type { FunctionHost } from '../functions/host.ts'
import { type AwaitDrained, DRAIN_MS } from '../functions/retirement.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { endProcesses, type Processes } from '../kernel/processes.ts'
import type { FunctionFeed, FunctionState } from '../model/functions.ts'
import type { Live } from '../model/plan.ts'
import type { Lock } from '../publish/lock.ts'

/**
 * The functions folder that the spec names, which may change or go while the router runs, with the host that serves
 * it. Functions that an earlier control process left behind serve until ours have taken over, and are ended then.
 */
export type FunctionsFolder = {
  /** What discovery reads; the same object whatever folder is used. */
  readonly feed: FunctionFeed
  /** Uses this folder from now on; undefined: none. */
  use(folder: string | undefined): void
  /** Where each function is now; one that is nowhere is absent. */
  addresses(): Live['addresses']
  logs(name: string): readonly string[]
  /** Ends every function, those that still load and those left behind too. */
  close(): Promise<void>
}

export type FunctionsFolderOptions = {
  /** What the spec names at the start; it is served from the first `use`, and known from now. */
  readonly folder: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly log: Log
  readonly processes: Processes
  readonly lock: Lock
  /** Addresses that were last published. */
  readonly inherited: Live['addresses']
  /** Resolves when every data-plane process obeys `addresses()`. */
  readonly publish: () => Promise<void>
  /** Something changed: publish when it suits. */
  readonly changed: () => void
  readonly drained: AwaitDrained
}

export function createFunctionsFolder(options: FunctionsFolderOptions): FunctionsFolder {
  const { clock, lock, log, processes } = options
  const listeners = new Set<() => void>()
  // Whatever the lock knows of now, an earlier control process has started.
  const orphans = lock.recorded().filter(({ role }) => role === 'workerd')
  let inherited = orphans.length > 0 ? options.inherited : {}
  let begun = false
  let used = options.folder
  let host: FunctionHost | undefined
  /** Serves on until `host` does. */
  let outgoing: FunctionHost | undefined
  let turn: Promise<void> = Promise.resolve()
  let closed = false
  const closing = Promise.withResolvers<void>()

  /** Data-plane processes have let go of these addresses, or the deadline has passed. */
  async function awaitDrained(addresses: readonly string[], deadlineMs: number): Promise<boolean> {
    await options.publish()
    return options.drained(addresses, deadlineMs)
  }

  /** The same, for what is ended afterwards in any case. */
  async function letGo(addresses: readonly string[]): Promise<void> {
    await Promise.race([awaitDrained(addresses, DRAIN_MS).catch(() => false), closing.promise])
  }

  function announce(): void {
    for (const listener of listeners) listener()
    options.changed()
  }

  async function change(folder: string | undefined): Promise<void> {
    outgoing = host
    host = undefined
    if (folder !== undefined) await open(folder)
    const before = outgoing
    outgoing = undefined
    announce()
    if (before !== undefined) {
      await letGo(texts(addressesOf(before)))
      await before.close()
    }
    await replaceOrphans()
  }

  async function open(folder: string): Promise<void> {
    // It brings a bundler along, so only who has functions waits for it.
    const { createFunctionHost } = await import('../functions/host.ts')
    if (closed) return
    host = createFunctionHost({
      ...options,
      folder,
      onChange: announce,
      onProcess: (pid, name) => lock.record(pid, 'workerd', name),
      onGone: lock.forget,
      awaitDrained,
    })
    await host.start()
  }

  async function replaceOrphans(): Promise<void> {
    if (orphans.length === 0) return
    const old = texts(inherited)
    inherited = {}
    await letGo(old)
    const ended = await endProcesses(orphans.splice(0), { processes, clock, graceMs: ORPHAN_GRACE_MS })
    for (const pid of ended) lock.forget(pid)
    if (ended.length > 0) {
      log.info(`functions of the control process before are replaced; ended workerd ${ended.join(', ')}`)
    }
  }

  // Until the host has read the folder, what is in it counts by name: to say nothing of functions that serve would
  // give their operations to others.
  function byName(folder: string): readonly FunctionState[] | undefined {
    const listed = functionFolders(folder)?.map((name) => `functions/${name}`)
    const names = new Set([...Object.keys(inherited), ...(listed ?? [])])
    if (listed === undefined && names.size === 0) return undefined
    return [...names].sort().map((name) => ({ name, revision: undefined, routes: [] }))
  }

  return {
    feed: {
      state: () => (used === undefined ? [] : (host?.state() ?? byName(used))),
      changed(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    use(folder) {
      // The first time there may be orphans to end, whatever the folder.
      if (begun && folder === used) return
      begun = true
      used = folder
      turn = turn
        .then(() => change(folder))
        .catch((error: unknown) => {
          log.error('the functions folder cannot be served', { folder, error })
        })
    },
    addresses: () => ({ ...inherited, ...addressesOf(outgoing), ...addressesOf(host) }),
    logs: (name) => (host?.logs(name) ?? []).map(({ at, text }) => `${new Date(at).toISOString()} ${text}`),
    async close() {
      closed = true
      closing.resolve()
      // What still loads is ended, not waited for.
      await host?.close()
      await turn
    },
  }
}

const ORPHAN_GRACE_MS = 1_000

function addressesOf(host: FunctionHost | undefined): Live['addresses'] {
  const all = Object.entries(host?.addresses() ?? {})
  return Object.fromEntries(all.filter(([, addresses]) => addresses.length > 0))
}

function texts(addresses: Live['addresses']): readonly string[] {
  return Object.values(addresses).flatMap((list) => list.map(({ host, port }) => `${host}:${port}`))
}
