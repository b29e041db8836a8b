import type { Live, Plan } from './plan.ts'
import type { Address, ListenerOptions, ListenerSpec } from './spec.ts'

/**
 * Messages between the processes. Data plane ↔ control: JSON frames over the unix socket in the state folder,
 * which the data plane dials and redials. Supervisor ↔ child: Node's IPC channel.
 */

/** Control → data plane. */
export type ToDataplane =
  /**
   * `plan` absent: the one with `planHash` that the process was sent before stays. `plan.rules` is empty on the
   * wire: the rules come before it, in `rules` frames small enough that parsing one holds nobody up.
   */
  | {
      readonly kind: 'publish'
      readonly revision: number
      readonly hash: string
      readonly planHash: string
      readonly plan?: Plan
      readonly live: Live
    }
  /** `first` starts a new list for the plan with this hash, others append to it. */
  | { readonly kind: 'rules'; readonly planHash: string; readonly first: boolean; readonly rules: Plan['rules'] }
  /** Answers the `metrics` with this id: the whole router's figures, as Prometheus text. */
  | { readonly kind: 'metrics'; readonly id: number; readonly text: string }

/** Data plane → control. */
export type FromDataplane =
  | { readonly kind: 'hello'; readonly pid: number; readonly revision: number; readonly planHash: string }
  /** `draining`: addresses (`host:port`) no longer in the plan that still have requests in flight here. */
  | { readonly kind: 'ack'; readonly revision: number; readonly draining: readonly string[] }
  /** The plan of this revision could not be built; the one before serves on. */
  | { readonly kind: 'refused'; readonly revision: number; readonly reason: string }
  /** Sent whenever that list gets shorter. */
  | { readonly kind: 'draining'; readonly draining: readonly string[] }
  | { readonly kind: 'counts'; readonly counts: TrafficCounts; readonly figures: ProcessFigures }
  | { readonly kind: 'metrics'; readonly id: number }

/** How one data-plane process is, sent with its counts every second. */
export type ProcessFigures = {
  readonly inFlight: number
  readonly residentBytes: number
  readonly cpuSeconds: number
  readonly uptimeSeconds: number
  /** Addresses (`host:port`) by upstream that it leaves alone now, because they failed. */
  readonly ejected?: Readonly<Record<string, readonly string[]>>
  /** What is wrong with its listeners now, a sentence each; absent: nothing. */
  readonly problems?: readonly string[]
}

/** Deltas since the last message. */
export type TrafficCounts = {
  /** By rule id, then upstream, then outcome class (`2xx`, `3xx`, `4xx`, `5xx`, `error:CODE`). */
  readonly requests: readonly {
    readonly rule: string
    readonly upstream: string
    readonly outcome: string
    readonly count: number
  }[]
  /** Requests that no operation's own rule took; bounded, the rest only counted. */
  readonly unclaimed: readonly UnclaimedCount[]
}

/** Requests for one path that were answered alike. */
export type UnclaimedCount = {
  readonly method: string
  readonly path: string
  readonly upstream: string
  readonly status: number
  readonly count: number
  /** A route took them, which is for more than one operation; absent: they went to the default. */
  readonly routed?: true
  /** Bytes of the answer's body, where it said so beforehand. */
  readonly length?: number
  /** Where it redirected to, without query. */
  readonly location?: string
  /** The `Allow` field of a 405. */
  readonly allow?: string
}

/** Control → supervisor. */
export type ToSupervisor =
  | {
      readonly kind: 'serve'
      readonly listen: readonly ListenerSpec[]
      readonly status: Address
      readonly processes: number
      readonly folder: string
      readonly graceMs: number
      readonly lameDuckMs: number
      /** Why the certificates of its listeners cannot be used now: it must not take the place of what serves. */
      readonly unusable?: string
    }
  | { readonly kind: 'replace'; readonly pid: number }
  | { readonly kind: 'roll' }

/** Supervisor → control. */
export type FromSupervisor =
  | {
      readonly kind: 'listening'
      readonly listen: readonly Bound[]
      readonly status: Bound
      readonly pids: readonly number[]
    }
  | { readonly kind: 'listen-failed'; readonly address: Address; readonly message: string }
  /** What was asked for is `unusable`, and something else serves, and serves on. */
  | { readonly kind: 'held'; readonly message: string }
  | { readonly kind: 'dataplane'; readonly event: 'started' | 'exited'; readonly pid: number; readonly detail: string }
  | { readonly kind: 'stop' }

export type Bound = { readonly host: string; readonly port: number }

/**
 * Supervisor → data plane. `drain`: finish what is in flight and end; with `handover` other processes serve on and
 * answer for the router's readiness, without it the router is ending. `stop`: end now. `look`: it may be this
 * process's turn to accept.
 */
export type SupervisorToDataplane =
  | { readonly kind: 'drain'; readonly handover: boolean }
  | { readonly kind: 'stop' }
  | { readonly kind: 'look' }

/** Data plane → supervisor. `ready`: it accepts connections now. `look`: passed on to the others of its generation. */
export type DataplaneToSupervisor = { readonly kind: 'ready'; readonly pid: number } | { readonly kind: 'look' }

/** What a data-plane process is started with, as its only argument in JSON; `listen` and `status` are descriptors. */
export type DataplaneOrder = {
  readonly folder: string
  readonly listen: readonly number[]
  /** What is done on the connections of each of them, in the same order; absent: nothing. */
  readonly listeners?: readonly ListenerOptions[]
  readonly status: number
  readonly lameDuckMs: number
  readonly graceMs: number
  /** What it shares with the other processes of its generation: a descriptor, and which place there is its own. */
  readonly turns?: { readonly fd: number; readonly place: number; readonly places: number }
}

/** What `plan.json` in the state folder holds: the last good plan. */
export type KeptPlan = {
  readonly revision: number
  readonly planHash: string
  readonly plan: Plan
}

/** What `live.json` holds: last-known weights with their salts, and addresses. `hash` is that of the revision. */
export type KeptLive = {
  readonly revision: number
  readonly hash: string
  readonly planHash: string
  readonly live: Live
}
