import type { ErrorCode } from '../../kernel/errors.ts'
import type { PlanSettings } from '../../model/plan.ts'
import type { FieldEdits } from './field-edits.ts'

/**
 * When a policy's turn is. `admit` may refuse, `answer` answers instead of an upstream, `forward` changes what goes
 * upstream, `relay` what comes back. Within one phase the alphabet of kinds decides, so order never depends on a file.
 */
export const PHASES = ['admit', 'answer', 'forward', 'relay'] as const

/** Something a route does to its requests and answers. Options are the plain JSON that its schema makes. */
export type Policy<Options = unknown> = {
  /** Its key in a route, and what a plan calls it. */
  readonly kind: string
  readonly phase: (typeof PHASES)[number]
  /** Called once for each rule that has it, when a plan is made live: what can be computed before is computed here. */
  create(options: Options, settings: PlanSettings): Effects
  /** What it does, in words for `banyan explain`; never a value, which may be a secret. */
  words(options: Options): string
  /** Status of its answer, where it answers every request: its route needs no upstream. */
  answers?(options: Options): number
}

/** What a policy does, by moment. Nothing here waits; what throws costs one request. */
export type Effects = {
  /** Before an arm is chosen. What it returns is answered at once; otherwise it may change `sentPath` and `sentHost`. */
  before?(request: Policed): Instead | undefined
  /** Longest body, in bytes: one that turns out longer is answered with 413, or reset where the answer has begun. */
  readonly bodyLimit?: number
  /** Changes the fields that go upstream. */
  requestFields?(edits: FieldEdits, request: Policed): void
  /** Changes the fields of a final answer, the upstream's or another policy's; never of our own errors. */
  responseFields?(edits: FieldEdits, request: Policed, status: number): void
}

/** What a policy sees of a request. Names of header fields are asked for in lower case. */
export type Policed = {
  readonly method: string
  /** Lower case, without a port. */
  readonly host: string
  /** Canonical, as the client asked. */
  readonly path: string
  readonly query: string | undefined
  /** `length` is what Content-Length states; 0 or less: nothing. */
  readonly head: { readonly length: number }
  /** The path that goes upstream, behind the prefix of the endpoint; must be canonical. */
  sentPath: string
  /** Host for the upstream; undefined: what the upstream's `hostHeader` says. */
  sentHost: string | undefined
  header(name: string): string | undefined
  cookie(name: string): string | undefined
  /** The client's address. */
  client(): string
  /** The name in the client's certificate, which its listener's authority signed (`DNS:vets.shop.test`). */
  readonly clientName: string | undefined
}

/** What is answered instead of going on: an error of ours, or an answer. */
export type Instead = Refusal | LocalAnswer

export type Refusal = { readonly code: ErrorCode; readonly detail: string }

/** `fields` without framing; `body` has a character for each byte. */
export type LocalAnswer = {
  readonly status: number
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: string
}
