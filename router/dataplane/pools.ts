import type { Dial } from './dialling/dial.ts'
import type { Dials } from './dialling/dials.ts'
import type { PoolSource } from './snapshot.ts'
import { TRANSPORTS, type TransportParts } from './transports/index.ts'
import type { EndpointPool } from './transports/pool.ts'

/** Every pool by its transport and address. Pools outlive snapshots, so that a reload breaks no connection. */
export class Pools {
  readonly #parts: Omit<TransportParts, 'dial'>
  readonly #dials: Pick<Dials, 'of'>
  readonly #pools = new Map<string, EndpointPool>()
  /** Those that no snapshot names any more, while they have requests in flight. */
  readonly #retired = new Map<string, EndpointPool>()
  /** Called whenever a retired one has finished. */
  onDrained: (() => void) | undefined

  constructor(parts: Omit<TransportParts, 'dial'>, dials: Pick<Dials, 'of'>) {
    this.#parts = parts
    this.#dials = dials
  }

  /** The pool of an address; made where there is none. */
  readonly source: PoolSource = (upstream, host, port) => {
    const dial = this.#dials.of(upstream)
    const { transport: kind } = upstream
    const key = `${kind} ${host}:${port} ${dial.id}`
    const known = this.#pools.get(key) ?? this.#retired.get(key)
    const pool = known ?? this.#open(kind, host, port, dial)
    if (this.#retired.delete(key)) pool.revive()
    this.#pools.set(key, pool)
    return pool
  }

  /** Retires every pool that is not among `used`. */
  keep(used: readonly EndpointPool[]): void {
    const wanted = new Set(used)
    for (const [key, pool] of this.#pools) {
      if (wanted.has(pool)) continue
      this.#pools.delete(key)
      this.#retire(key, pool)
    }
  }

  /** Addresses of retired pools that still have requests in flight. */
  draining(): readonly string[] {
    return [...new Set([...this.#retired.values()].map((pool) => pool.address))]
  }

  /** Closes every connection that waits. */
  close(): void {
    for (const pool of this.#pools.values()) pool.closeIdle()
  }

  #open(kind: string, host: string, port: number, dial: Dial): EndpointPool {
    const transport = TRANSPORTS.find((one) => one.kind === kind)
    if (transport === undefined) {
      const known = TRANSPORTS.map((one) => one.kind).join(', ')
      throw new Error(`transport "${kind}" is unknown to this version; it has ${known}`)
    }
    return transport.open(host, port, { ...this.#parts, dial })
  }

  #retire(key: string, pool: EndpointPool): void {
    if (pool.inFlight > 0) this.#retired.set(key, pool)
    pool.retire(() => {
      if (this.#retired.get(key) !== pool) return
      this.#retired.delete(key)
      this.onDrained?.()
    })
  }
}
