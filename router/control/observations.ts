import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { seal, unseal } from '../kernel/sealed.ts'
import type { Observation, SourceObservation } from '../model/catalogue.ts'
import type { StateFolder } from '../publish/state-folder.ts'

/**
 * What discovery last knew, kept in the state folder: a restarted router decides at once as it did before, instead of
 * moving routes to and fro until everybody has been asked again.
 */
export type Known = {
  readonly observations: readonly Observation[]
  /** Words of the sources that have somebody to ask. */
  readonly sources: readonly SourceObservation[]
}

/** What detectors last knew. `folder` is the state folder; empty where nothing was kept. */
export function loadObservations(folder: string): readonly Observation[] {
  return load<Observation>(observationsFile(folder))
}

/** Where upstreams were last found; empty where nothing was kept. */
export function loadSources(folder: string): readonly SourceObservation[] {
  return load<SourceObservation>(sourcesFile(folder))
}

function load<T>(file: string): readonly T[] {
  try {
    const unsealed = unseal(readFileSync(file, 'utf8'))
    // The checksum proves that these are the bytes the keeper wrote.
    return unsealed.kind === 'whole' ? (unsealed.body as readonly T[]) : []
  } catch {
    return []
  }
}

/** Keeps the newest, a second after it changed. */
export function observationKeeper(folder: StateFolder, clock: Clock, log: Log) {
  let newest: Known | undefined
  let kept = ''
  let writing: Promise<void> = Promise.resolve()

  function write(): Promise<void> {
    writing = writing.then(async () => {
      const known = newest
      newest = undefined
      if (known === undefined) return
      const answered = known.observations.filter(({ state }) => state === 'answered')
      await keepIn(observationsFile(folder.paths.folder), seal(answered))
      const asked = seal(known.sources.filter(isAsked))
      if (asked === kept) return
      kept = asked
      await keepIn(sourcesFile(folder.paths.folder), asked)
    })
    return writing
  }

  function keepIn(file: string, text: string): Promise<void> {
    return folder.write(file, text).catch((error: Error) => log.warn(error.message))
  }

  return {
    keep(known: Known): void {
      if (newest === undefined) clock.after(DELAY_MS, () => void write())
      newest = known
    },
    close: () => write(),
  }
}

const DELAY_MS = 1_000

// The file and the functions folder are read again at once; what they said before is no news.
function isAsked({ sighting, upstreams }: SourceObservation): boolean {
  return sighting !== undefined || upstreams.some((upstream) => upstream.sighting !== undefined)
}

/** Where they are kept. */
export function observationsFile(folder: string): string {
  return join(folder, 'catalogue.json')
}

function sourcesFile(folder: string): string {
  return join(folder, 'sources.json')
}
