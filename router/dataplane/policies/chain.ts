import type { PlanSettings } from '../../model/plan.ts'
import type { PolicySpec } from '../../model/spec.ts'
import { FieldEdits } from './field-edits.ts'
import { POLICIES } from './index.ts'
import { policyOf } from './known.ts'
import type { Effects, Instead, Policed } from './policy.ts'

/** The policies of one rule, made ready: each moment has its functions, in the order of the plan. */
export class PolicyChain {
  /** Longest body, in bytes; undefined: any. */
  readonly bodyLimit: number | undefined
  readonly #befores: readonly NonNullable<Effects['before']>[]
  readonly #requestFields: readonly NonNullable<Effects['requestFields']>[]
  readonly #responseFields: readonly NonNullable<Effects['responseFields']>[]

  constructor(effects: readonly Effects[]) {
    this.#befores = effects.flatMap(({ before }) => before ?? [])
    const limits = effects.flatMap(({ bodyLimit }) => bodyLimit ?? [])
    this.bodyLimit = limits.length === 0 ? undefined : Math.min(...limits)
    this.#requestFields = effects.flatMap(({ requestFields }) => requestFields ?? [])
    this.#responseFields = effects.flatMap(({ responseFields }) => responseFields ?? [])
  }

  /** Before an arm is chosen: what the first policy that answers says, or undefined. */
  before(request: Policed): Instead | undefined {
    for (const before of this.#befores) {
      const instead = before(request)
      if (instead !== undefined) return instead
    }
    return undefined
  }

  /** Changes to the fields that go upstream. */
  requestFields(request: Policed): FieldEdits | undefined {
    if (this.#requestFields.length === 0) return undefined
    const edits = new FieldEdits()
    for (const change of this.#requestFields) change(edits, request)
    return edits
  }

  /** Changes to the fields of the answer. */
  responseFields(request: Policed, status: number): FieldEdits | undefined {
    if (this.#responseFields.length === 0) return undefined
    const edits = new FieldEdits()
    for (const change of this.#responseFields) change(edits, request, status)
    return edits
  }
}

/** Makes a rule's policies ready; undefined: it has none. Throws on a kind that this version does not have. */
export function chainOf(
  rule: { readonly id: string; readonly policies?: readonly PolicySpec[] },
  settings: PlanSettings,
): PolicyChain | undefined {
  if (rule.policies === undefined || rule.policies.length === 0) return undefined
  return new PolicyChain(rule.policies.map((planned) => effectsOf(rule.id, planned, settings)))
}

function effectsOf(rule: string, { kind, options }: PolicySpec, settings: PlanSettings): Effects {
  const policy = policyOf(kind)
  if (policy !== undefined) return policy.create(options, settings)
  const known = POLICIES.map((each) => each.kind).join(', ')
  throw new Error(`rule "${rule}": policy "${kind}" is unknown to this version; it has ${known}`)
}
