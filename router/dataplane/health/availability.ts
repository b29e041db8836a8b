import type { OutlierSpec } from '../../model/spec.ts'
import type { Balanced, Keyed, Picker } from '../balancing/index.ts'
import type { EndpointHealth } from './endpoint-health.ts'

/** An endpoint as far as its health is concerned. */
export type Watched = Balanced & { readonly health: EndpointHealth }

export type AvailabilityOptions<E extends Watched> = {
  readonly endpoints: readonly E[]
  readonly picker: Picker
  /** Whether the picker lets a request go to another endpoint while one warms up. */
  readonly scattered: boolean
  /** Undefined: nothing is ejected. */
  readonly outlier: OutlierSpec | undefined
  /** Addresses that active checks found unhealthy. */
  readonly unhealthy: ReadonlySet<string>
  /** The one of the snapshot before: it shares what is known of the endpoints. */
  readonly before: Availability<E> | undefined
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/** Fewer healthy endpoints than this share would drown in what all of them were meant for: then all are asked. */
const PANIC = 0.25

/**
 * Which endpoints of one upstream a request may go to. Nothing is done on time: the list is made again when
 * something has changed or an ejection is over, so a request that finds all well costs two comparisons.
 */
export class Availability<E extends Watched> {
  readonly #options: AvailabilityOptions<E>
  /** Counts changes; shared with the snapshots before and after. */
  readonly #changes: { count: number }
  #seen = -1
  #list: readonly E[] = []
  /** When the list has to be made again, and until when some endpoint is warming up. */
  #until = Number.POSITIVE_INFINITY
  #warmAt = Number.NEGATIVE_INFINITY

  constructor(options: AvailabilityOptions<E>) {
    this.#options = options
    this.#changes = options.before === undefined ? { count: 0 } : options.before.#changes
  }

  get endpoints(): readonly E[] {
    return this.#options.endpoints
  }

  /** Picks one that is not among `tried`; where no healthy one is left, any other. */
  pick(request: Keyed, tried: readonly E[], random: () => number): E | undefined {
    const { endpoints, picker, scattered } = this.#options
    if (this.#seen !== this.#changes.count || this.#isOver(this.#until)) this.#refresh()
    const among = tried.length === 0 ? this.#list : this.#untried(tried, endpoints)
    const picked = picker.pick(among, request, random)
    if (!scattered || picked === undefined || this.#warmAt === Number.NEGATIVE_INFINITY) return picked
    return this.#temper(picked, among, request, random)
  }

  /** Something failed that is the endpoint's fault. Returns for how long it is ejected for that, or undefined. */
  failed(endpoint: E): number | undefined {
    const { outlier, endpoints, now } = this.#options
    const { health } = endpoint
    health.failures++
    if (outlier === undefined || health.failures < outlier.consecutive) return undefined
    const time = now()
    const away = endpoints.filter((one) => this.#isAway(one, time))
    if (away.includes(endpoint) || away.length + 1 > endpoints.length * outlier.maxEjected) return undefined
    const ms = health.eject(time, outlier.baseEjectionMs)
    this.#changes.count++
    return ms
  }

  /** Whether answers with these statuses count as failures. */
  isFailure(status: number): boolean {
    return status >= 502 && status <= 504 && this.#options.outlier?.gatewayErrors === true
  }

  /** Whether active checks found this address unhealthy. */
  isUnhealthy(address: string): boolean {
    return this.#options.unhealthy.has(address)
  }

  /** Addresses that are ejected now. */
  ejected(): readonly string[] {
    const time = this.#options.now()
    return this.#options.endpoints.filter(({ health }) => health.ejected(time)).map(({ pool }) => pool.address)
  }

  #isAway({ health, pool }: E, time: number): boolean {
    return health.ejected(time) || this.#options.unhealthy.has(pool.address)
  }

  #isOver(time: number): boolean {
    return time !== Number.POSITIVE_INFINITY && this.#options.now() >= time
  }

  #refresh(): void {
    const { endpoints, now } = this.#options
    const time = now()
    this.#seen = this.#changes.count
    const well = endpoints.filter((one) => !this.#isAway(one, time))
    this.#list = well.length < endpoints.length * PANIC ? endpoints : well
    const over = endpoints.filter(({ health }) => health.ejected(time)).map(({ health }) => health.ejectedUntil)
    this.#until = Math.min(Number.POSITIVE_INFINITY, ...over)
    const warm = endpoints.map(({ health }) => health.warmAt).filter((at) => at > time)
    this.#warmAt = Math.max(Number.NEGATIVE_INFINITY, ...warm)
  }

  #untried(tried: readonly E[], endpoints: readonly E[]): readonly E[] {
    const well = this.#list.filter((one) => !tried.includes(one))
    return well.length > 0 ? well : endpoints.filter((one) => !tried.includes(one))
  }

  /** One that warms up gives part of what it would get to the others. */
  #temper(picked: E, among: readonly E[], request: Keyed, random: () => number): E | undefined {
    const time = this.#options.now()
    if (time >= this.#warmAt) {
      this.#warmAt = Number.NEGATIVE_INFINITY
      return picked
    }
    const warmth = picked.health.warmth(time)
    if (warmth >= 1 || random() < warmth) return picked
    const warm = among.filter(({ health }) => health.warmth(time) >= 1)
    return this.#options.picker.pick(warm, request, random) ?? picked
  }
}
