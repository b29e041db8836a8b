import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { Instance } from './instance.ts'

/** Ends instances that serve nothing new any more, once nobody waits for an answer from them. */
export type Retirement = {
  /** To be called after the address was taken out of what is published. */
  retire(name: string, instance: Instance): void
  /** Ends all of them now. */
  close(): Promise<void>
}

/** Resolves true once no data-plane process has these addresses (`host:port`) in its plan or requests in flight there. */
export type AwaitDrained = (addresses: readonly string[], deadlineMs: number) => Promise<boolean>

export type RetirementOptions = { readonly awaitDrained: AwaitDrained; readonly clock: Clock; readonly log: Log }

/** How long an old version may go on with what it began. */
export const DRAIN_MS = 30_000
/** How long an instance that should have nothing left to do may take to end. */
export const STOP_MS = 1_000

export function createRetirement({ awaitDrained, clock, log }: RetirementOptions): Retirement {
  const closing = Promise.withResolvers<void>()
  const retiring = new Set<Promise<void>>()

  const end = async (name: string, instance: Instance): Promise<void> => {
    const address = `${instance.address.host}:${instance.address.port}`
    const late = Promise.withResolvers<boolean>()
    const cancel = clock.after(DRAIN_MS, () => late.resolve(false))
    const asked = awaitDrained([address], DRAIN_MS).catch(() => false)
    const drained = await Promise.race([asked, late.promise, closing.promise, instance.ended])
    cancel()
    if (drained === false) {
      log.warn(`${name}: its old version at ${address} still had requests after ${DRAIN_MS / 1_000} s; ended it`)
    }
    await instance.stop(STOP_MS)
  }

  return {
    retire(name, instance) {
      const ending = end(name, instance).finally(() => retiring.delete(ending))
      retiring.add(ending)
    },
    async close() {
      closing.resolve()
      await Promise.all(retiring)
    },
  }
}
