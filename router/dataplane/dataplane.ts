import { createServer, type Server } from 'node:net'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { TrafficCounts } from '../model/link.ts'
import type { Published } from '../model/plan.ts'
import type { ListenerOptions } from '../model/spec.ts'
import { type Acceptor, openAcceptor } from './accept/acceptor.ts'
import { type Counters, Unclaimed } from './counts.ts'
import { Dials } from './dialling/dials.ts'
import { gateOf } from './gate.ts'
import { KeyCookies } from './key-cookie.ts'
import { slices } from './pause.ts'
import { type Plane, RequestIds } from './plane.ts'
import { Pools } from './pools.ts'
import type { Connection } from './sides.ts'
import { emptySnapshot, realise } from './snapshot.ts'
import type { Turns } from './turns.ts'
import { Wheel } from './wheel.ts'

/** The part of the router that requests pass through. It obeys the snapshot it was given last. */
export type Dataplane = {
  /**
   * Makes a published plan live; resolves when every request that begins from then on sees it. Calls are made live in
   * their order. Rejects where the plan cannot be: what served before serves on.
   */
  apply(published: Published): Promise<void>
  /**
   * Accepts connections, on an inherited descriptor or an address; may be called for several. `options` say what is
   * done on them before any request, `key` what messages call the listener.
   */
  listen(
    place: { readonly fd: number } | { readonly host?: string; readonly port: number },
    options?: ListenerOptions,
    key?: string,
  ): Promise<{ port: number }>
  /** What is wrong with the certificates of listeners and upstreams now, a sentence each. */
  problems(): readonly string[]
  /** What was counted since the last call. */
  counts(): TrafficCounts
  /** `host:port` of endpoints that the snapshot no longer names and that still have requests in flight. */
  draining(): readonly string[]
  /** Called whenever that list gets shorter. */
  onDraining(callback: () => void): void
  /** Addresses by upstream that are left alone now, because they failed. */
  ejected(): Readonly<Record<string, readonly string[]>>
  /** What serves now; undefined: nothing was ever applied, and every request gets an error. */
  current(): { readonly revision: number; readonly hash: string } | undefined
  /** Requests being served now. */
  inFlight(): number
  /**
   * Ends service without losing a request: accepts for `lameDuckMs` more, answering with `Connection: close`, then
   * stops, waits up to `graceMs` for what is in flight, and closes.
   */
  drain(options: { readonly lameDuckMs: number; readonly graceMs: number }): Promise<void>
  /** Ends it at once. */
  close(): Promise<void>
}

export type DataplaneOptions = {
  readonly clock: Clock
  /** Numbers in [0, 1): balancing. */
  readonly random: () => number
  readonly randomBytes: (size: number) => Buffer
  readonly log: Log
  /** Signs the cookies that keep users on their side of a shift. */
  readonly signingKey: Buffer
  /** Our name in Via and Proxy-Status; `banyan` if absent. A token. */
  readonly pseudonym?: string
  /** Absent: nobody else accepts from the same sockets. */
  readonly turns?: Turns | undefined
}

/** Most time that making a plan live may hold up requests at once, in milliseconds. */
const SLICE_MS = 2

/** Makes a data plane that serves nothing yet. Whoever makes one closes it. */
export function createDataplane(options: DataplaneOptions): Dataplane {
  return new LiveDataplane(options)
}

class LiveDataplane implements Dataplane {
  readonly #plane: Plane
  readonly #dials: Dials
  readonly #pools: Pools
  readonly #servers = new Map<Server, Acceptor>()
  readonly #acceptors: Acceptor[] = []
  readonly #signingKey: Buffer
  readonly #connections = new Set<Connection>()
  readonly #turns: Turns | undefined
  /** Counters of earlier tables, until what was in flight when they were replaced has ended. */
  #earlier: Counters[] = []
  #applying: Promise<void> = Promise.resolve()

  constructor(options: DataplaneOptions) {
    const { clock, random, randomBytes, log, signingKey } = options
    this.#turns = options.turns
    this.#signingKey = signingKey
    const wheel = new Wheel(clock)
    this.#dials = new Dials(clock, log)
    this.#pools = new Pools({ wheel, log }, this.#dials)
    this.#plane = {
      clock,
      wheel,
      log,
      random,
      keys: new KeyCookies(signingKey, randomBytes),
      unclaimed: new Unclaimed(),
      pseudonym: options.pseudonym ?? 'banyan',
      requestIds: new RequestIds(randomBytes),
      snapshot: emptySnapshot(),
      draining: false,
      inFlight: 0,
    }
  }

  apply(published: Published): Promise<void> {
    const turn = this.#applying.then(() => this.#apply(published))
    this.#applying = turn.catch(() => undefined)
    return turn
  }

  async #apply(published: Published): Promise<void> {
    const plane = this.#plane
    const before = plane.snapshot
    await this.#dials.open(published.plan.upstreams)
    const next = await realise(
      published,
      before,
      this.#pools.source,
      slices(plane.clock, SLICE_MS),
      plane.clock.elapsed,
    )
    if (next.table !== before.table) this.#earlier.push(before.table.counters)
    plane.snapshot = next
    this.#pools.keep(next.upstreams.flatMap((upstream) => upstream.endpoints.map((endpoint) => endpoint.pool)))
    this.#dials.keep(published.plan.upstreams)
  }

  async listen(
    place: { readonly fd: number } | { readonly host?: string; readonly port: number },
    options: ListenerOptions = {},
    key = 'listen',
  ): Promise<{ port: number }> {
    const acceptor = await openAcceptor({
      key,
      options,
      plane: this.#plane,
      signingKey: this.#signingKey,
      onConnection: (connection) => this.#connections.add(connection),
      onClosed: this.#forget,
    })
    this.#acceptors.push(acceptor)
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
      this.#turns?.accepted()
      acceptor.accept(socket)
    })
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ backlog: 1024, ...place }, () => {
        server.off('error', reject)
        // An accept that fails, for want of descriptors say, must not end the process.
        server.on('error', (error) => this.#plane.log.error('accepting failed', { reason: error.message }))
        this.#servers.set(server, acceptor)
        const gate = this.#turns && gateOf(server)
        if (gate !== undefined) this.#turns?.join(gate)
        const address = server.address()
        resolve({ port: typeof address === 'object' && address !== null ? address.port : 0 })
      })
    })
  }

  problems(): readonly string[] {
    return [...this.#acceptors.flatMap((acceptor) => acceptor.problems()), ...this.#dials.problems()]
  }

  counts(): TrafficCounts {
    const { snapshot, unclaimed } = this.#plane
    const requests = [...this.#earlier.flatMap((counters) => counters.take()), ...snapshot.table.counters.take()]
    this.#earlier = this.#earlier.filter((counters) => counters.open)
    return { requests, unclaimed: unclaimed.take() }
  }

  draining(): readonly string[] {
    return this.#pools.draining()
  }

  onDraining(callback: () => void): void {
    this.#pools.onDrained = callback
  }

  ejected(): Readonly<Record<string, readonly string[]>> {
    const all = this.#plane.snapshot.upstreams.map(({ plan, availability }) => [plan.name, availability.ejected()])
    return Object.fromEntries(all.filter(([, addresses]) => addresses !== undefined && addresses.length > 0))
  }

  current(): { readonly revision: number; readonly hash: string } | undefined {
    const { revision, hash } = this.#plane.snapshot
    return revision < 0 ? undefined : { revision, hash }
  }

  inFlight(): number {
    return this.#plane.inFlight
  }

  async drain({ lameDuckMs, graceMs }: { readonly lameDuckMs: number; readonly graceMs: number }): Promise<void> {
    const { clock } = this.#plane
    this.#plane.draining = true
    this.#turns?.leave()
    // Where it has no certificate it would only take connections from those that have.
    this.#stopAccepting((acceptor) => !acceptor.serves())
    await new Promise<void>((resolve) => clock.after(lameDuckMs, resolve))
    this.#stopAccepting()
    await this.#quiet(graceMs)
    await this.close()
  }

  async close(): Promise<void> {
    this.#turns?.leave()
    this.#stopAccepting()
    for (const acceptor of this.#acceptors) acceptor.close()
    for (const connection of this.#connections) connection.destroy()
    this.#pools.close()
    this.#dials.close()
    this.#plane.wheel.close()
    // Destroyed sockets release their descriptors in the next turns of the loop.
    while (this.#connections.size + this.#arriving() > 0) await new Promise<void>((resolve) => setImmediate(resolve))
  }

  #stopAccepting(chosen: (acceptor: Acceptor) => boolean = () => true): void {
    for (const [server, acceptor] of this.#servers) {
      if (!chosen(acceptor)) continue
      this.#servers.delete(server)
      server.close()
    }
  }

  #arriving(): number {
    return this.#acceptors.reduce((sum, acceptor) => sum + acceptor.arriving(), 0)
  }

  readonly #forget = (connection: Connection): void => {
    this.#connections.delete(connection)
  }

  /** Resolves when every connection has ended, at the latest after `graceMs`; those without a request end now. */
  async #quiet(graceMs: number): Promise<void> {
    const { clock } = this.#plane
    const deadline = clock.elapsed() + graceMs
    const patience = clock.elapsed() + Math.min(graceMs, FIRST_REQUEST_MS)
    for (;;) {
      for (const connection of this.#connections) connection.drain(clock.elapsed() < patience)
      if (this.#connections.size + this.#arriving() === 0 || clock.elapsed() >= deadline) return
      await new Promise<void>((resolve) => clock.after(QUIET_CHECK_MS, resolve))
    }
  }
}

const QUIET_CHECK_MS = 10
/** So long after the last connection was accepted its request may still be on its way. */
const FIRST_REQUEST_MS = 500
