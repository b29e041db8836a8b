import type { Balance } from '../../model/spec.ts'
import { hash } from './hash.ts'
import { leastRequests } from './least-requests.ts'
import { random } from './random.ts'
import { roundRobin } from './round-robin.ts'

/** What balancing looks at: `inFlight` is what this process has there now. */
export type Balanced = { readonly pool: { readonly address: string; readonly inFlight: number } }

/** What a request can be told apart by. Names of header fields are lower case; `client` is an IP address. */
export type Keyed = {
  header(name: string): string | undefined
  cookie(name: string): string | undefined
  client(): string
}

/** Picks an endpoint for a request; undefined where there is none. One serves one upstream of one snapshot. */
export type Picker = {
  pick<E extends Balanced>(among: readonly E[], request: Keyed, random: () => number): E | undefined
}

/** A way to spread requests over the endpoints of an upstream. */
export type Balancer = {
  /** What a plan calls it. */
  readonly kind: Balance['kind']
  /** `scattered`: requests may be moved to another endpoint, so a fresh one can be given few at first. */
  readonly scattered: boolean
  create(balance: Balance): Picker
}

/** The whole list. Add yours here, alphabetically, and nowhere else. */
export const BALANCERS: readonly Balancer[] = [hash, leastRequests, random, roundRobin]
