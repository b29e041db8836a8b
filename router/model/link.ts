import type { Live, Plan } from './plan.ts'
import type { Address } from './spec.ts'

/**
 * Messages between the processes. Data plane ↔ control: JSON frames over the unix socket in the state folder,
 * which the data plane dials and redials. Supervisor ↔ child: Node's IPC channel.
 */

/** Control → data plane. `plan` absent: the one with `planHash` that the process has stays. */
export type ToDataplane = {
  readonly kind: 'publish'
  readonly revision: number
  readonly hash: string
  readonly planHash: string
  readonly plan?: Plan
  readonly live: Live
}

/** Data plane → control. */
export type FromDataplane =
  | { readonly kind: 'hello'; readonly pid: number; readonly revision: number; readonly planHash: string }
  /** `draining`: addresses (`host:port`) no longer in the plan that still have requests in flight here. */
  | { readonly kind: 'ack'; readonly revision: number; readonly draining: readonly string[] }
  /** Sent whenever that list gets shorter. */
  | { readonly kind: 'draining'; readonly draining: readonly string[] }
  | { readonly kind: 'counts'; readonly counts: TrafficCounts }

/** Deltas since the last message. */
export type TrafficCounts = {
  /** By rule id, then upstream, then outcome class (`2xx`, `3xx`, `4xx`, `5xx`, `error:CODE`). */
  readonly requests: readonly {
    readonly rule: string
    readonly upstream: string
    readonly outcome: string
    readonly count: number
  }[]
  /** Requests that matched no operation or route and went to the default; bounded, the rest only counted. */
  readonly unclaimed: readonly {
    readonly method: string
    readonly path: string
    readonly upstream: string
    readonly status: number
    readonly count: number
  }[]
}

/** Control → supervisor. */
export type ToSupervisor =
  | {
      readonly kind: 'serve'
      readonly listen: readonly Address[]
      readonly status: Address
      readonly processes: number
      readonly folder: string
      readonly graceMs: number
      readonly lameDuckMs: number
    }
  | { readonly kind: 'replace'; readonly pid: number }
  | { readonly kind: 'roll' }
  /** The start failed: message already printed; end with this exit code. */
  | { readonly kind: 'give-up'; readonly exitCode: number }

/** Supervisor → control. */
export type FromSupervisor =
  | {
      readonly kind: 'listening'
      readonly listen: readonly Bound[]
      readonly status: Bound
      readonly pids: readonly number[]
    }
  | { readonly kind: 'listen-failed'; readonly address: Address; readonly message: string }
  | { readonly kind: 'dataplane'; readonly event: 'started' | 'exited'; readonly pid: number; readonly detail: string }
  | { readonly kind: 'stop' }

export type Bound = { readonly host: string; readonly port: number }

/** Supervisor → data plane. */
export type SupervisorToDataplane = { readonly kind: 'drain' } | { readonly kind: 'stop' }

/** Data plane → supervisor: it accepts connections now. */
export type DataplaneToSupervisor = { readonly kind: 'ready'; readonly pid: number }
