import type { StateSpec } from '../model/spec.ts'
import type { OpenedStore } from '../model/store.ts'
import type { StoreContext, StoreKind } from './kind.ts'
import { sqlite } from './sqlite/index.ts'

/** The whole list of stores. Add yours here, alphabetically, and nowhere else. */
export const STORES: readonly StoreKind[] = [sqlite]

/** Opens the store that the spec names and logs every notice as a warning. Never throws; the caller closes it. */
export function openStore(spec: StateSpec, context: StoreContext): OpenedStore {
  const kind = STORES.find((candidate) => candidate.kind === spec.kind) ?? sqlite
  const opened = kind.open(spec, context)
  for (const notice of opened.notices) context.log.warn(notice)
  return opened
}
