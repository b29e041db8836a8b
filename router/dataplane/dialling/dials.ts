import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { PlanUpstream } from '../../model/plan.ts'
import { type Dial, PLAIN } from './dial.ts'
import { TlsDial, tlsId } from './tls-dial.ts'

/** The ways in which the upstreams of the plan in force are dialled. Upstreams with the same options share one. */
export class Dials {
  readonly #clock: Clock
  readonly #log: Log
  #secure = new Map<string, { readonly dial: TlsDial; upstreams: readonly string[] }>()

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  /** Makes those that a plan needs ready: what their files say has been read when this resolves. */
  async open(upstreams: readonly PlanUpstream[]): Promise<void> {
    await Promise.all(upstreams.map((upstream) => this.#open(upstream)))
  }

  /** How an upstream of a plan that `open` has seen is dialled. */
  of({ name, tls }: PlanUpstream): Dial {
    if (tls === undefined) return PLAIN
    const found = this.#secure.get(tlsId(tls))
    if (found === undefined) throw new Error(`upstream "${name}": its TLS was never opened`)
    return found.dial
  }

  /** Lets go of those that no upstream of this plan needs; connections that stand are not touched. */
  keep(upstreams: readonly PlanUpstream[]): void {
    const names = Map.groupBy(
      upstreams.filter(({ tls }) => tls !== undefined),
      ({ tls }) => (tls === undefined ? '' : tlsId(tls)),
    )
    for (const [id, known] of this.#secure) {
      known.upstreams = names.get(id)?.map(({ name }) => name) ?? []
      if (known.upstreams.length > 0) continue
      known.dial.close()
      this.#secure.delete(id)
    }
  }

  /** What is wrong with their files now, a sentence each. */
  problems(): readonly string[] {
    return this.#secure
      .values()
      .flatMap(({ dial, upstreams }) =>
        dial.problem === undefined ? [] : [`${named(upstreams)}: tls: ${dial.problem}`],
      )
      .toArray()
  }

  close(): void {
    for (const { dial } of this.#secure.values()) dial.close()
    this.#secure.clear()
  }

  async #open({ name, tls }: PlanUpstream): Promise<void> {
    if (tls === undefined) return
    const id = tlsId(tls)
    const known = this.#secure.get(id)
    if (known !== undefined) {
      known.upstreams = [...new Set([...known.upstreams, name])]
      return
    }
    const made: { readonly dial: TlsDial; upstreams: readonly string[] } = {
      dial: new TlsDial(tls, () => named(made.upstreams), this.#clock, this.#log),
      upstreams: [name],
    }
    this.#secure.set(id, made)
    await made.dial.open()
    if (made.dial.problem !== undefined) this.#log.error(`${named(made.upstreams)}: tls: ${made.dial.problem}`)
  }
}

function named(upstreams: readonly string[]): string {
  return `upstream ${upstreams.map((name) => `"${name}"`).join(', ')}`
}
