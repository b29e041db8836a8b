import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { StateSpec } from '../model/spec.ts'
import type { OpenedStore } from '../model/store.ts'

/** What a store needs besides its spec. */
export type StoreContext = { readonly clock: Clock; readonly log: Log }

/**
 * One kind of store. `open` always gives a store: what cannot be read or written is said in the condition and
 * the notices, because a router whose memory is damaged still has to serve. The caller closes the store.
 */
export type StoreKind = {
  readonly kind: StateSpec['kind']
  open(spec: StateSpec, context: StoreContext): OpenedStore
}
