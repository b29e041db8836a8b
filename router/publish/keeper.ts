import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { Edition } from './edition.ts'
import { saveLive, savePlan } from './last-good.ts'
import { FolderFailure, type StateFolder } from './state-folder.ts'

/** Keeps what is served on disk, one write at a time, always ending with the newest. */
export type Keeper = {
  /** Resolves when this edition, or a later one, is kept or could not be. Never rejects. */
  keep(edition: Edition): Promise<void>
  failure(): FolderFailure | undefined
  close(): Promise<void>
}

/** `failureChanged` is called whenever `failure()` says something else. */
export function createKeeper(folder: StateFolder, clock: Clock, log: Log, failureChanged: () => void): Keeper {
  let newest: Edition | undefined
  let keptPlan: string | undefined
  let keptLive: Edition | undefined
  let failure: FolderFailure | undefined
  let writing: Promise<void> = Promise.resolve()
  let cancelRetry = (): void => {}

  /** After the write that is going on, if any; of many that wait, the first one does all the work. */
  function write(): Promise<void> {
    writing = writing.then(writeUntilKept)
    return writing
  }

  async function writeUntilKept(): Promise<void> {
    cancelRetry()
    try {
      for (let edition = newest; edition !== undefined; edition = newest) {
        if (edition.planHash === keptPlan && edition === keptLive) break
        if (edition.planHash !== keptPlan) await writePlan(edition)
        keptPlan = edition.planHash
        if (edition !== keptLive) await writeLive(edition)
        keptLive = edition
      }
      if (failure !== undefined) tell(undefined)
    } catch (error) {
      if (!(error instanceof FolderFailure)) throw error
      cancelRetry = clock.after(RETRY_MS, () => void write())
      if (failure?.message !== error.message) tell(error)
    }
  }

  function tell(now: FolderFailure | undefined): void {
    failure = now
    if (now === undefined) log.info('the state folder can be written again; what is served is kept')
    else log.error(now.message)
    failureChanged()
  }

  function writePlan({ published, planHash }: Edition): Promise<void> {
    return savePlan(folder, { revision: published.revision, planHash, plan: published.plan })
  }

  function writeLive({ published, planHash }: Edition): Promise<void> {
    const { revision, hash, live } = published
    return saveLive(folder, { revision, hash, planHash, live })
  }

  return {
    keep(edition) {
      newest = edition
      return write()
    },
    failure: () => failure,
    async close() {
      cancelRetry()
      await writing
      cancelRetry()
    },
  }
}

const RETRY_MS = 10_000
