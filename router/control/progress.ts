import type { LeftView } from '../admin/control.ts'
import { deciderOf } from '../admin/decide.ts'
import { type Drift, findDrift, type Served } from '../catalogue/drift.ts'
import { leftInLegacy } from '../catalogue/left.ts'
import { nextOperations } from '../catalogue/next.ts'
import { quietOperations, WINDOW_MS } from '../catalogue/quiet.ts'
import type { CatalogueOperation } from '../model/catalogue.ts'
import type { Publisher } from '../publish/publisher.ts'
import type { Shifts } from '../shift/shifts.ts'
import { type History, leftByDay, type ServedOperation } from './history.ts'
import type { World } from './world.ts'

export type ProgressOptions = {
  readonly world: World
  readonly shifts: Pick<Shifts, 'find'>
  readonly publisher: Pick<Publisher, 'current'>
  readonly history: Pick<History, 'days' | 'watched'>
}

/** How far the move has come, by the plan in force. */
export type Progress = {
  /** What the monolith still serves, what nobody asks for, and what to move next. */
  left(windowMs?: number): LeftView
  /** Every operation of the catalogue, and who serves it now. */
  servedOperations(): readonly ServedOperation[]
  /** Where those that implement the same operation promise different things. */
  drift(): Drift
}

export function createProgress({ world, shifts, publisher, history }: ProgressOptions): Progress {
  /** Who answers an operation now, by which rule and under which shift; undefined: nobody. */
  function server(): (operation: CatalogueOperation) => (Served & { readonly rule: string }) | undefined {
    const plan = publisher.current()?.plan
    const decide = plan === undefined ? undefined : deciderOf(plan)
    return ({ method, template }) => {
      const decision = decide?.(method, template)
      if (decision === undefined) return undefined
      const shift = decision.shift === undefined ? undefined : shifts.find(decision.shift)
      const upstream = shift?.stage === 'live' ? shift.candidate : decision.upstream
      if (upstream === undefined) return undefined
      const moving = shift && { id: shift.id, between: [shift.incumbent, shift.candidate] }
      return { upstream, rule: decision.rule, shift: moving }
    }
  }

  function left(windowMs = WINDOW_MS): LeftView {
    const served = server()
    const { operations } = world.catalogue()
    const found = leftInLegacy({ catalogue: world.catalogue(), traffic: world.traffic(), tierOf: world.tierOf, served })
    const known = operations.map((one) => ({ ...one, upstream: served(one)?.upstream ?? null }))
    const moving = new Set(operations.filter((one) => served(one)?.shift !== undefined).map(({ key }) => key))
    return {
      ...found,
      days: leftByDay(history.days()),
      quiet: quietOperations(known, history.watched(), windowMs),
      next: nextOperations(found, drift(), moving),
    }
  }

  function servedOperations(): readonly ServedOperation[] {
    const served = server()
    return world.catalogue().operations.map((one) => {
      const { rule, upstream } = served(one) ?? {}
      return { key: one.key, rule, tier: upstream === undefined ? undefined : world.tierOf(upstream) }
    })
  }

  function drift(): Drift {
    return findDrift({ catalogue: world.catalogue(), observations: world.observations(), served: server() })
  }

  return { left, servedOperations, drift }
}
