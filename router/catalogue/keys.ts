import { operationKey } from '../kernel/template.ts'
import type { Observation } from '../model/catalogue.ts'

/** Keys of an observation's operations, in their order. */
export function operationKeys({ operations }: Observation): readonly string[] {
  const known = keysOfList.get(operations)
  if (known !== undefined) return known
  const keys = operations.map(({ method, template }) => operationKey(method, template))
  keysOfList.set(operations, keys)
  return keys
}

// Reading ten thousand templates takes most of a join, and a list stays the same until its upstream says otherwise.
const keysOfList = new WeakMap<Observation['operations'], readonly string[]>()
