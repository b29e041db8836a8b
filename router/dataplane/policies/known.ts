import { POLICIES } from './index.ts'
import { PHASES, type Policy } from './policy.ts'

/** The policy that a plan calls by this kind. */
export function policyOf(kind: string): Policy | undefined {
  return POLICIES.find((policy) => policy.kind === kind)
}

/** What is ordered by kind, in the one order in which policies act. */
export function inOrder<T extends { readonly kind: string }>(policies: readonly T[]): readonly T[] {
  return policies.toSorted((a, b) => phase(a.kind) - phase(b.kind) || (a.kind < b.kind ? -1 : 1))
}

function phase(kind: string): number {
  const policy = policyOf(kind)
  return policy === undefined ? PHASES.length : PHASES.indexOf(policy.phase)
}
