import { ERRORS, type ErrorCode } from '../kernel/errors.ts'
import type { TrafficCounts, UnclaimedCount } from '../model/link.ts'
import type { PlanUpstream } from '../model/plan.ts'
import type { Fields } from './http1/fields.ts'
import type { Arm, Rule } from './snapshot.ts'

/** How a request ended, as a small number: a class of statuses, or one of our own errors. */
export type Outcome = number

const CLASSES = ['2xx', '3xx', '4xx', '5xx']
const CODES = Object.keys(ERRORS)
const OUTCOMES: readonly string[] = [...CLASSES, ...CODES.map((code) => `error:${code}`)]
const OF_CODE = Object.fromEntries(CODES.map((code, index) => [code, CLASSES.length + index]))

/** Outcome of a request that the upstream answered with this status. */
export function outcomeOf(status: number): Outcome {
  return Math.max(0, Math.floor(status / 100) - 2)
}

/** Outcome of a request that ended in one of our own errors. */
export function outcomeOfError(code: ErrorCode): Outcome {
  return OF_CODE[code] ?? 0
}

/**
 * Requests of one table by rule, arm and outcome: one cell each, so that counting is one addition. The row behind
 * the last rule is for requests that no rule took.
 */
export class Counters {
  readonly #cells: Uint32Array
  readonly #rules: readonly Rule[]
  readonly #upstreams: readonly PlanUpstream[]
  #open = 0

  constructor(rules: readonly Rule[], upstreams: readonly PlanUpstream[]) {
    this.#rules = rules
    this.#upstreams = upstreams
    this.#cells = new Uint32Array((rules.length + 1) * 2 * OUTCOMES.length)
  }

  /** A request begins; `count` says how it ended. */
  enter(): void {
    this.#open++
  }

  /** Whether requests that began are still to be counted. */
  get open(): boolean {
    return this.#open > 0
  }

  count(rule: Rule | undefined, arm: Arm, outcome: Outcome): void {
    this.#open--
    const row = (rule === undefined ? this.#rules.length : rule.index) * 2 + arm
    const cell = row * OUTCOMES.length + outcome
    this.#cells[cell] = (this.#cells[cell] ?? 0) + 1
  }

  /** Takes what was counted since the last call. `rule` and `upstream` are empty for requests that no rule took. */
  take(): TrafficCounts['requests'] {
    const taken: TrafficCounts['requests'][number][] = []
    for (let cell = 0; cell < this.#cells.length; cell++) {
      const count = this.#cells[cell] ?? 0
      if (count === 0) continue
      this.#cells[cell] = 0
      const row = Math.floor(cell / OUTCOMES.length)
      const rule = this.#rules[row >> 1]
      const upstream = this.#upstreams[rule?.upstreams[row & 1] ?? -1]?.name ?? ''
      taken.push({ rule: rule?.plan.id ?? '', upstream, outcome: OUTCOMES[cell % OUTCOMES.length] ?? '', count })
    }
    return taken
  }
}

/** Most distinct requests remembered between two calls of `take`, and the longest path among them. */
const DISTINCT_LIMIT = 500
const LONGEST_PATH = 2_000

type Entry = UnclaimedCount & { count: number; other: Entry | undefined }

/** An answer's head, as far as it is remembered. */
type AnswerHead = Fields & { readonly length: number }

/** Requests that no operation's own rule took: what nobody is known to implement. Bounded. */
export class Unclaimed {
  #seen = new Map<string, Entry>()
  #distinct = 0

  /** `answer` is the upstream's, where it gave one; `routed`: a route took the request. */
  count(
    method: string,
    path: string,
    upstream: string,
    status: number,
    routed: boolean,
    answer: AnswerHead | undefined,
  ): void {
    const first = this.#seen.get(path)
    for (let seen = first; seen !== undefined; seen = seen.other) {
      if (seen.status === status && seen.method === method && seen.upstream === upstream) {
        seen.count++
        return
      }
    }
    if (this.#distinct >= DISTINCT_LIMIT || path.length > LONGEST_PATH) return
    this.#distinct++
    const look = answer === undefined ? undefined : lookOf(status, answer)
    this.#seen.set(path, {
      method,
      path,
      upstream,
      status,
      ...(routed && { routed }),
      ...look,
      count: 1,
      other: first,
    })
  }

  /** Takes what was counted since the last call. */
  take(): TrafficCounts['unclaimed'] {
    const taken: UnclaimedCount[] = []
    for (const first of this.#seen.values()) {
      for (let seen: Entry | undefined = first; seen !== undefined; seen = seen.other) {
        const { other: _, ...count } = seen
        taken.push(count)
      }
    }
    this.#seen = new Map()
    this.#distinct = 0
    return taken
  }
}

/** What tells one answer from another without its body; read once for each distinct request. */
function lookOf(status: number, answer: AnswerHead): Pick<UnclaimedCount, 'length' | 'location' | 'allow'> {
  const length = answer.length >= 0 ? { length: answer.length } : {}
  if (status === 405) return { ...length, ...named('allow', answer, /$^/) }
  return status >= 300 && status < 400 ? { ...length, ...named('location', answer, /[?#].*$/s) } : length
}

function named<Name extends 'allow' | 'location'>(name: Name, { list, count }: Fields, without: RegExp) {
  for (let index = 0; index < count * 2; index += 2) {
    if (list[index]?.toLowerCase() !== name) continue
    return { [name]: list[index + 1]?.replace(without, '').slice(0, LONGEST_PATH) } as { [name in Name]: string }
  }
  return undefined
}
