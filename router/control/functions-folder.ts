import type { FunctionHost } from '../functions/host.ts'
import { endOrphans, type OwnProcess, startTimeOf } from '../functions/orphans.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { FunctionFeed } from '../model/functions.ts'
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
  close(): Promise<void>
}

export type FunctionsFolderOptions = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly log: Log
  readonly lock: Lock
  /** Addresses that were last published. */
  readonly inherited: Live['addresses']
  /** Resolves when every data-plane process obeys `addresses()`. */
  readonly publish: () => Promise<void>
  readonly drained: (addresses: readonly string[], deadlineMs: number) => Promise<boolean>
}

export function createFunctionsFolder(options: FunctionsFolderOptions): FunctionsFolder {
  const { lock, log } = options
  const listeners = new Set<() => void>()
  const orphans = lock
    .recorded()
    .filter(({ role }) => role === 'workerd')
    .flatMap(({ pid }) => identified(pid))
  let inherited = orphans.length > 0 ? options.inherited : {}
  let used: string | undefined
  let host: FunctionHost | undefined
  let turn: Promise<void> = Promise.resolve()

  /** Data-plane processes have let go of these addresses, or the deadline has passed. */
  async function awaitDrained(addresses: readonly string[], deadlineMs: number): Promise<boolean> {
    await options.publish()
    return options.drained(addresses, deadlineMs)
  }

  function announce(): void {
    for (const listener of listeners) listener()
    void options.publish()
  }

  async function change(folder: string | undefined): Promise<void> {
    const before = host
    host = undefined
    if (folder !== undefined) {
      // It brings a bundler along, so only who has functions waits for it.
      const { createFunctionHost } = await import('../functions/host.ts')
      host = createFunctionHost({
        ...options,
        folder,
        onChange: announce,
        onProcess: (pid, role) => lock.record(pid, 'workerd', role),
        onGone: lock.forget,
        awaitDrained,
      })
      await host.start()
    }
    announce()
    if (before !== undefined) {
      await awaitDrained(
        addressesOf(before).flatMap(([, list]) => list.map(addressText)),
        DRAIN_MS,
      )
      await before.close()
    }
    await replaceOrphans()
  }

  async function replaceOrphans(): Promise<void> {
    if (orphans.length === 0) return
    const old = Object.values(inherited).flat().map(addressText)
    inherited = {}
    await awaitDrained(old, DRAIN_MS)
    const ended = await endOrphans(orphans.splice(0), ORPHAN_GRACE_MS, options.clock)
    for (const pid of ended) lock.forget(pid)
    log.info(`functions of the control process before are replaced; ended workerd ${ended.join(', ')}`)
  }

  return {
    feed: {
      // Without a folder there is nothing to wait for: everything is known.
      state: () => (used === undefined ? [] : host?.state()),
      changed(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    use(folder) {
      if (folder === used) return
      used = folder
      turn = turn
        .then(() => change(folder))
        .catch((error: unknown) => {
          log.error('the functions folder cannot be served', { folder, error })
        })
    },
    addresses: () => ({ ...inherited, ...Object.fromEntries(host === undefined ? [] : addressesOf(host)) }),
    logs: (name) => (host?.logs(name) ?? []).map(({ at, text }) => `${new Date(at).toISOString()} ${text}`),
    async close() {
      await turn
      await host?.close()
    },
  }
}

const DRAIN_MS = 30_000
const ORPHAN_GRACE_MS = 1_000

type Addresses = Live['addresses'][string]

function addressesOf(host: FunctionHost): [string, Addresses][] {
  return Object.entries(host.addresses()).filter(([, addresses]) => addresses.length > 0)
}

function addressText({ host, port }: Addresses[number]): string {
  return `${host}:${port}`
}

function identified(pid: number): OwnProcess[] {
  const startTime = startTimeOf(pid)
  return startTime === undefined ? [] : [{ pid, startTime }]
}
