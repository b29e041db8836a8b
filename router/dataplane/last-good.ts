import { readFileSync } from 'node:fs'
import { unseal } from '../kernel/sealed.ts'
import type { StatePaths } from '../kernel/state-paths.ts'
import type { KeptLive, KeptPlan } from '../model/link.ts'
import type { Published } from '../model/plan.ts'

/**
 * What the router last served, for a process that starts while control is away; undefined where nothing whole was
 * kept. Without known weights every shift stays with its incumbent.
 */
export function loadLastGood(paths: StatePaths): { published: Published; planHash: string } | undefined {
  // The checksum proves that these are the bytes control wrote.
  const plan = read(paths.plan) as KeptPlan | undefined
  const live = read(paths.live) as KeptLive | undefined
  if (plan === undefined) return undefined
  const published: Published = {
    revision: live?.revision ?? plan.revision,
    hash: live?.hash ?? plan.planHash,
    plan: plan.plan,
    live: live?.live ?? { weights: {}, addresses: {}, notices: [] },
  }
  return { published, planHash: plan.planHash }
}

function read(path: string): unknown {
  try {
    const unsealed = unseal(readFileSync(path, 'utf8'))
    return unsealed.kind === 'whole' ? unsealed.body : undefined
  } catch {
    return undefined
  }
}
