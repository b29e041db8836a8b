import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { FunctionState } from '../model/functions.ts'
import { type RestartBudget, restartBudget } from './budget.ts'
import type { Bundle, Bundled } from './bundle.ts'
import type { FunctionAddress, Instance, Started } from './instance.ts'
import { type Retirement, STOP_MS } from './retirement.ts'

/** What is known of one function; never with a value of its environment. */
export type HostedFunction = FunctionState & {
  /** `restarting`: its process ended and is started again; `failed`: it cannot serve until its files change. */
  readonly status: 'starting' | 'ready' | 'restarting' | 'failed'
  readonly address: FunctionAddress | undefined
  /** `functions/contact/index.ts` */
  readonly source: string
  /** Why the newest save does not serve: the version before it still does. */
  readonly refused: string | undefined
}

export type HostedOptions = {
  readonly name: string
  readonly clock: Clock
  readonly log: Log
  readonly watchdog: Watchdog
  readonly retirement: Retirement
  launch(bundle: Bundle, signal: AbortSignal): Promise<Started>
  changed(): void
}

/** How often a function is asked whether it lives, and how long it may take to say so. */
export type Watchdog = { readonly intervalMs: number; readonly deadlineMs: number }

/**
 * One function: the version that serves it, its replacement by a newer one, its restart when it dies.
 * Updates and restarts happen one after another, in `#turn`.
 */
export class Hosted {
  readonly #options: HostedOptions
  readonly #budget: RestartBudget
  readonly #closing = new AbortController()
  #turn: Promise<void> = Promise.resolve()
  /** The last bundle that loaded: what a restart starts. */
  #good: Bundle | undefined
  #serving: Instance | undefined
  #routes: readonly string[] = []
  #status: HostedFunction['status'] = 'starting'
  #failure: string | undefined
  #refused: string | undefined

  constructor(options: HostedOptions) {
    this.#options = options
    this.#budget = restartBudget(options.clock)
  }

  state(): Omit<HostedFunction, 'source'> {
    return {
      name: this.#options.name,
      status: this.#status,
      revision: this.#serving === undefined ? undefined : this.#good?.revision,
      routes: this.#routes,
      address: this.#serving?.address,
      refused: this.#refused,
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
    }
  }

  /** Takes a new bundle, or why there is none; resolves when it serves or was refused. */
  update(bundled: Bundled): Promise<void> {
    return this.#inTurn(() => this.#adopt(bundled))
  }

  /** Its folder is gone: stops serving, and lets what is in flight finish. */
  async remove(): Promise<void> {
    const last = await this.#stopChanging()
    if (last !== undefined) this.#options.retirement.retire(this.#options.name, last)
  }

  /** Ends its process. */
  async close(): Promise<void> {
    const last = await this.#stopChanging()
    await last?.stop(STOP_MS)
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const { name, log } = this.#options
    this.#turn = this.#turn
      .then(() => (this.#closed ? undefined : work()))
      // One that fails must not keep the later ones from their turn.
      .catch((error: unknown) => log.error(`${name}: ${error instanceof Error ? error.stack : error}`))
    return this.#turn
  }

  async #stopChanging(): Promise<Instance | undefined> {
    this.#closing.abort()
    await this.#turn
    const last = this.#serving
    this.#serving = undefined
    return last
  }

  async #adopt(bundled: Bundled): Promise<void> {
    if (bundled.kind === 'broken') return this.#refuse(bundled.failure)
    if (bundled.bundle.revision === this.#good?.revision) return this.#keep(bundled.bundle)
    const started = await this.#options.launch(bundled.bundle, this.#closing.signal)
    if (started.kind === 'failed') return this.#refuse(started.failure)
    const previous = this.#serving
    this.#refused = undefined
    this.#serve(bundled.bundle, started.instance)
    // After the new address is known to whoever publishes it.
    if (previous !== undefined) this.#options.retirement.retire(this.#options.name, previous)
  }

  #refuse(reason: string): void {
    const { name, log, changed } = this.#options
    if (this.#closed || reason === (this.#good === undefined ? this.#failure : this.#refused)) return
    if (this.#good === undefined) {
      this.#status = 'failed'
      this.#failure = reason
      log.error(`${name} does not load: ${reason}`)
    } else {
      this.#refused = reason
      log.error(`${name}: the new version does not load, kept ${this.#good.revision}: ${reason}`)
    }
    changed()
  }

  #keep(same: Bundle): void {
    this.#good = same
    this.#serving?.remap(same.sourceMap)
    if (this.#refused === undefined) return
    this.#refused = undefined
    this.#options.changed()
  }

  #serve(bundle: Bundle, instance: Instance): void {
    const { name, log, changed } = this.#options
    this.#good = bundle
    this.#serving = instance
    this.#routes = instance.routes
    this.#status = 'ready'
    this.#failure = undefined
    const { pid, address, routes, note } = instance
    log.info(`${name} serves`, { revision: bundle.revision, pid, port: address.port, routes })
    if (note !== undefined) log.warn(`${name} declares no routes: ${note}; add export const routes = ['GET /…']`)
    changed()
    void instance.ended.then((how) => this.#died(instance, how))
    this.#watch(instance)
  }

  #watch(instance: Instance): void {
    const { name, clock, log, watchdog } = this.#options
    const current = (): boolean => this.#serving === instance && !this.#closed
    clock.after(watchdog.intervalMs, () => {
      if (!current()) return
      void instance.answers(watchdog.deadlineMs).then((answers) => {
        if (!current()) return
        if (answers) return this.#watch(instance)
        log.error(`${name} has not answered for ${watchdog.deadlineMs / 1_000} s; replacing its process`)
        instance.kill()
      })
    })
  }

  #died(instance: Instance, how: string): void {
    if (this.#serving !== instance || this.#closed) return
    this.#serving = undefined
    this.#restartLater(`its process ended (${how})`)
  }

  #restartLater(why: string): void {
    const { name, clock, log, changed } = this.#options
    const { delayMs, exhausted } = this.#budget.take()
    this.#status = 'restarting'
    this.#failure = exhausted ? `${why}, too often within a minute` : undefined
    log.warn(`${name}: ${why}; starting it again ${delayMs === 0 ? 'now' : `in ${(delayMs / 1_000).toFixed(1)} s`}`)
    changed()
    clock.after(delayMs, () => void this.#inTurn(() => this.#restart()))
  }

  async #restart(): Promise<void> {
    // An update may have been quicker.
    if (this.#serving !== undefined || this.#good === undefined) return
    const started = await this.#options.launch(this.#good, this.#closing.signal)
    if (started.kind === 'instance') this.#serve(this.#good, started.instance)
    else if (!this.#closed) this.#restartLater(started.failure)
  }
}
