import type { ToDataplane } from '../model/link.ts'
import type { Plan, PlanRule, Published } from '../model/plan.ts'

/** Takes what control publishes, puts plans together, and applies the newest: one at a time, never an old one late. */
export type Intake = {
  take(message: Extract<ToDataplane, { kind: 'publish' | 'rules' }>): void
  /** The same for a revision from disk. */
  takeKept(published: Published, planHash: string): void
  /** What is served now; undefined: nothing yet. */
  served(): Published | undefined
  /** The newest plan that was received whole, applied or not: control need not send it again. */
  knownPlanHash(): string
}

export type IntakeOptions = {
  apply(published: Published): Promise<void>
  onApplied(published: Published): void
  onRefused(revision: number, reason: string): void
}

export function createIntake({ apply, onApplied, onRefused }: IntakeOptions): Intake {
  let known: { readonly hash: string; readonly plan: Plan } | undefined
  let arriving: { readonly planHash: string; readonly rules: PlanRule[] } | undefined
  let served: Published | undefined
  let pending: Published | undefined
  let applying = false

  function offer(published: Published): void {
    pending = published
    if (!applying) void applyPending()
  }

  async function applyPending(): Promise<void> {
    applying = true
    for (let next = pending; next !== undefined; next = pending) {
      pending = undefined
      try {
        await apply(next)
        served = next
        onApplied(next)
      } catch (error) {
        onRefused(next.revision, error instanceof Error ? error.message : String(error))
      }
    }
    applying = false
  }

  function planOf(planHash: string, plan: Plan | undefined): Plan | undefined {
    if (plan === undefined) return known?.hash === planHash ? known.plan : undefined
    return arriving?.planHash === planHash ? { ...plan, rules: arriving.rules } : undefined
  }

  return {
    take(message) {
      if (message.kind === 'rules') {
        if (message.first) arriving = { planHash: message.planHash, rules: [] }
        arriving?.rules.push(...message.rules)
        return
      }
      const { revision, hash, planHash, live } = message
      const plan = planOf(planHash, message.plan)
      arriving = undefined
      if (plan === undefined) return onRefused(revision, `its plan ${planHash} was never sent here`)
      known = { hash: planHash, plan }
      offer({ revision, hash, plan, live })
    },
    takeKept(published, planHash) {
      known = { hash: planHash, plan: published.plan }
      offer(published)
    },
    served: () => served,
    knownPlanHash: () => known?.hash ?? '',
  }
}
