import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { seal, unseal } from '../kernel/sealed.ts'
import type { Observation } from '../model/catalogue.ts'
import type { StateFolder } from '../publish/state-folder.ts'

/**
 * What detectors last knew, kept in the state folder: a restarted router decides at once as it did before, instead
 * of moving routes to and fro until every upstream has been asked again. `folder` is the state folder; empty where
 * nothing was kept.
 */
export function loadObservations(folder: string): readonly Observation[] {
  try {
    const unsealed = unseal(readFileSync(observationsFile(folder), 'utf8'))
    // The checksum proves that these are the bytes the keeper wrote.
    return unsealed.kind === 'whole' ? (unsealed.body as readonly Observation[]) : []
  } catch {
    return []
  }
}

/** Keeps the newest observations, a second after they changed. */
export function observationKeeper(folder: StateFolder, clock: Clock, log: Log) {
  let newest: readonly Observation[] | undefined
  let writing: Promise<void> = Promise.resolve()

  function write(): Promise<void> {
    writing = writing.then(async () => {
      const observations = newest
      newest = undefined
      if (observations === undefined) return
      const known = observations.filter(({ state }) => state === 'answered').map(withoutContracts)
      await folder
        .write(observationsFile(folder.paths.folder), seal(known))
        .catch((error: Error) => log.warn(error.message))
    })
    return writing
  }

  return {
    keep(observations: readonly Observation[]): void {
      if (newest === undefined) clock.after(DELAY_MS, () => void write())
      newest = observations
    },
    close: () => write(),
  }
}

const DELAY_MS = 1_000

// They are most of it, nothing is decided by them, and they are read again at the first question.
function withoutContracts(observation: Observation): Observation {
  const operations = observation.operations.map(({ contract: _, ...operation }) => operation)
  return { ...observation, operations }
}

/** Where they are kept. */
export function observationsFile(folder: string): string {
  return join(folder, 'catalogue.json')
}
