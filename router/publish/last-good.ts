import { readFileSync } from 'node:fs'
import { seal, unseal } from '../kernel/sealed.ts'
import type { KeptLive, KeptPlan } from '../model/link.ts'
import type { StateFolder } from './state-folder.ts'

/** What the router last served, as the state folder has it. */
export type LastGood = {
  readonly plan: KeptPlan | undefined
  readonly live: KeptLive | undefined
  /** The highest revision known; 0 at the very first start. */
  readonly revision: number
  /** What could not be read and where it is now, one sentence each. */
  readonly notices: readonly string[]
}

/** Reads both files; a corrupt one is set aside and counts as absent. */
export function loadLastGood(folder: StateFolder): LastGood {
  const notices: string[] = []
  const load = (path: string): unknown => {
    const read = readKept(path)
    if (read.kind === 'absent') return undefined
    if (read.kind === 'whole') return read.body
    const aside = folder.setAside(path)
    notices.push(
      `${path} is not used: ${read.reason}. ${aside === undefined ? 'It could not be moved away' : `It is now ${aside}`}; the next plan replaces it.`,
    )
    return undefined
  }
  // The checksum proves that these are the bytes `saveLastGood` wrote.
  const plan = load(folder.paths.plan) as KeptPlan | undefined
  const live = load(folder.paths.live) as KeptLive | undefined
  return { plan, live, revision: Math.max(plan?.revision ?? 0, live?.revision ?? 0), notices }
}

/** Keeps the plan for a start without a YAML or without control. Rejects with FolderFailure. */
export function savePlan(folder: StateFolder, kept: KeptPlan): Promise<void> {
  return folder.write(folder.paths.plan, seal(kept))
}

/** Keeps weights, salts and addresses; they change more often than the plan. Rejects with FolderFailure. */
export function saveLive(folder: StateFolder, kept: KeptLive): Promise<void> {
  return folder.write(folder.paths.live, seal(kept))
}

function readKept(path: string): ReturnType<typeof unseal> | { readonly kind: 'absent' } {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'absent' }
    return { kind: 'corrupt', reason: `it cannot be read (${String(code)})` }
  }
  return unseal(text)
}
