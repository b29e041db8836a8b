import { ERRORS, type ErrorCode } from '../kernel/errors.ts'
import type { Keyed } from './balancing/index.ts'
import type { Circuit, Waiting } from './circuit.ts'
import type { BodySink } from './http1/chunked.ts'
import type { RequestHead } from './http1/request-head.ts'
import { KeptBody } from './kept-body.ts'
import type { Plane } from './plane.ts'
import type { Receiver, UpstreamSide } from './sides.ts'
import type { Endpoint, Upstream } from './snapshot.ts'
import type { EndpointPool } from './transports/pool.ts'
import { Deadline } from './wheel.ts'

/** Whose request it is: hears of connection and answer, and fails where there will be none. */
export type Asking = Receiver & { fail(code: ErrorCode): void }

type Shared = Pick<Plane, 'random' | 'log' | 'wheel'>

/**
 * The upstream's side of one request: the endpoint that was picked, the connection to it, and what may be tried when
 * it fails. Never leaves the upstream. One belongs to each client connection and is used again for every request.
 */
export class Attempt implements Waiting {
  /** Set while a connection is being made or used. */
  endpoint: Endpoint | undefined
  connection: UpstreamSide | undefined
  /** `host:port` of the endpoint that was asked last, by this request or one before. */
  asked = ''
  readonly #exchange: Asking
  readonly #plane: Shared
  #upstream: Upstream | undefined
  #request: Keyed | undefined
  #connectMs = 0
  #connected = false
  /** How often it may be tried again, besides what does not count; below 1: never. */
  #left = 0
  #retried = 0
  /** How often its server said that it did nothing with it. */
  #repeats = 0
  /** Why it is to be tried again, while it waits for that. */
  #failure: ErrorCode | undefined
  /** Endpoints that failed it: others are asked first. */
  #refused: Endpoint[] = []
  #body: KeptBody | undefined
  /** Where it has or waits for a place; undefined: its upstream has no limits. */
  #circuit: Circuit | undefined
  #wait: Deadline | undefined

  constructor(exchange: Asking, plane: Shared) {
    this.#exchange = exchange
    this.#plane = plane
  }

  /**
   * Picks an endpoint and gets a connection: `onConnected` follows, or came already. Else returns why there will be
   * none. Where the upstream is full, the request waits as long as it would for a connection; then it fails.
   */
  begin(upstream: Upstream | undefined, request: Keyed, connectMs: number, attempts: number): ErrorCode | undefined {
    this.#upstream = upstream
    this.#request = request
    this.#connectMs = connectMs
    this.#body = undefined
    this.#left = attempts - 1
    this.#retried = 0
    this.#repeats = 0
    if (attempts > 1) upstream?.retries.count(this.#plane.wheel.now())
    if (this.#refused.length > 0) this.#refused = []
    if (upstream?.circuit !== undefined) return this.#enter(upstream.circuit)
    return this.#pick() ? undefined : 'no_endpoint'
  }

  /** It has waited for a place at its upstream, and has one. */
  onPlace(): void {
    this.#wait?.clear()
    if (!this.#pick()) this.#exchange.fail('no_endpoint')
    this.#exchange.flush()
  }

  /** The connection that the pool gave: the request goes out on it. */
  connected(connection: UpstreamSide): void {
    this.connection = connection
    this.#connected = true
    if (this.endpoint?.pool.note(true) === true) this.#tellReached()
  }

  /** Where the request's body goes. A copy is kept where the request might have to be sent once more. */
  bodySink(head: RequestHead, connection: UpstreamSide): BodySink {
    const { writer } = connection
    this.#body?.moveTo(writer)
    const again = (connection.reused || this.#left > 0) && IDEMPOTENT.has(head.method)
    if (again || connection.refusable) this.#body ??= new KeptBody(writer)
    return this.#body ?? writer
  }

  /**
   * Tries once more what `connection` failed to do, where that does no harm. Nothing was sent: another endpoint may
   * have it, whatever the method. The connection had waited: its server may have closed it just as the request was
   * written, so where repeating changes nothing and no answer began, a fresh one gets it (RFC 9112 §9.3.1). Or its
   * server said that it did nothing with it (RFC 9113 §8.7): then that is so whatever the method. None of them
   * counts; what is left then is a retry, after a pause, where the configuration allows one.
   */
  retry(head: RequestHead, connection: UpstreamSide, code: ErrorCode): boolean {
    const { endpoint } = this
    if (endpoint === undefined) return false
    if (!this.#connected) {
      if (endpoint.pool.note(false)) this.#tellUnreached(code, connection.reason)
      this.#drop()
      this.#refused.push(endpoint)
      return this.#pick() || this.#tryLater(code)
    }
    if (ERRORS[code].retry !== 'if_idempotent' || connection.answering) return false
    const whole = (head.length <= 0 && !head.chunked) || this.#body?.whole === true
    if (whole && connection.unprocessed && this.#repeats++ < REPEATS_LIMIT) {
      this.#drop()
      this.#dial(endpoint, true)
      return true
    }
    if (!IDEMPOTENT.has(head.method) || !whole) return false
    if (code === 'connection_reset' && connection.reused) {
      this.#drop()
      this.#dial(endpoint, true)
      return true
    }
    if (!this.#tryLater(code)) return false
    this.#drop()
    this.#refused.push(endpoint)
    return true
  }

  /** The connection failed. What says something of the endpoint counts against it. */
  faulted(connection: UpstreamSide, code: ErrorCode): void {
    // A connection that had waited may just have been closed, as servers do.
    if (code === 'connection_reset' && connection.reused && !connection.answering) return
    // One that is busy, or about to stop, and says so is well.
    if (connection.unprocessed) return
    if (code !== 'function_threw') this.#failed(code)
  }

  /** The answer ended cleanly; `whole`: so did the request, and the connection may serve another. */
  release(whole: boolean): void {
    const { connection, endpoint } = this
    this.connection = undefined
    if (connection !== undefined && connection.head.status >= 502) this.#answered(connection.head.status)
    else if (endpoint !== undefined && endpoint.health.failures > 0) endpoint.health.failures = 0
    connection?.release(whole)
    this.#leave()
    if (this.#circuit !== undefined) this.#giveUpPlace()
  }

  /** Nothing of the upstream's answer is wanted any more. */
  letGo(): void {
    this.#drop()
    this.#wait?.clear()
    this.#failure = undefined
    if (this.#circuit !== undefined) this.#giveUpPlace()
  }

  #enter(circuit: Circuit): ErrorCode | undefined {
    const place = circuit.enter(this)
    if (place === 'full') return 'upstream_overloaded'
    this.#circuit = circuit
    if (place === 'entered') return this.#pick() ? undefined : 'no_endpoint'
    this.#waitFor(this.#connectMs)
    return undefined
  }

  /** Takes one of the retries that are left, here and for the whole upstream, and waits for its moment. */
  #tryLater(code: ErrorCode): boolean {
    if (this.#left < 1 || this.#upstream?.retries.take(this.#plane.wheel.now()) !== true) return false
    this.#left--
    this.#failure = code
    // Full jitter: whoever failed together does not come back together.
    const longest = Math.min(BACK_OFF_MS * 2 ** this.#retried++, LONGEST_BACK_OFF_MS)
    this.#waitFor(this.#plane.random() * longest)
    return true
  }

  #waitFor(ms: number): void {
    this.#wait ??= new Deadline(this.#plane.wheel, () => this.#waited())
    this.#wait.set(ms)
  }

  #waited(): void {
    const failure = this.#failure
    this.#failure = undefined
    if (failure === undefined) this.#exchange.fail('upstream_overloaded')
    else if (!this.#pick() && !this.#pickAgain()) this.#exchange.fail(failure)
    this.#exchange.flush()
  }

  /** Every endpoint has failed it once: any of them may have it again. */
  #pickAgain(): boolean {
    this.#refused = []
    return this.#pick()
  }

  #giveUpPlace(): void {
    this.#wait?.cancel()
    this.#circuit?.leave(this)
    this.#circuit = undefined
  }

  #drop(): void {
    const { connection } = this
    this.connection = undefined
    connection?.destroy()
    this.#leave()
  }

  #pick(): boolean {
    const upstream = this.#upstream
    const request = this.#request
    if (upstream === undefined || request === undefined) return false
    const endpoint = upstream.availability.pick(request, this.#refused, this.#plane.random)
    if (endpoint !== undefined) this.#dial(endpoint, false)
    return endpoint !== undefined
  }

  #dial(endpoint: Endpoint, fresh: boolean): void {
    this.endpoint = endpoint
    this.asked = endpoint.pool.address
    this.#connected = false
    endpoint.pool.enter()
    if (this.#circuit !== undefined) this.#makeRoom(this.#circuit, endpoint.pool, fresh)
    const connection = endpoint.pool.connect(this.#exchange, fresh, this.#connectMs)
    // One from the pool has been used already, and may even be done with.
    if (!this.#connected) this.connection = connection
  }

  #makeRoom(circuit: Circuit, pool: EndpointPool, fresh: boolean): void {
    if (!fresh && pool.idle > 0) return
    circuit.makeRoom(this.#upstream?.endpoints.map((endpoint) => endpoint.pool) ?? [pool])
  }

  /** An outage is told when it begins and when it is over; in between the counts of errors tell it. */
  #tellUnreached(code: string, reason = ''): void {
    const told = code.startsWith('tls_') && reason !== ''
    const why = told ? reason : 'start what should listen there, or correct the url'
    this.#plane.log.warn(`upstream "${this.#name()}" cannot be reached at ${this.asked} (${code}): ${why}`)
  }

  #tellReached(): void {
    this.#plane.log.info(`upstream "${this.#name()}" can be reached at ${this.asked} again`)
  }

  #answered(status: number): void {
    const { endpoint } = this
    const availability = this.#upstream?.availability
    if (availability?.isFailure(status) === true) this.#failed(`it answered ${status}`)
    else if (endpoint !== undefined) endpoint.health.failures = 0
  }

  #failed(reason: string): void {
    const { endpoint } = this
    if (endpoint === undefined) return
    const ms = this.#upstream?.availability.failed(endpoint)
    if (ms === undefined) return
    const what = `upstream "${this.#name()}": ${endpoint.pool.address} is not asked for ${ms / 1000} s`
    this.#plane.log.warn(`${what}: it failed again and again, at last with ${reason}`)
  }

  #name(): string {
    return this.#upstream?.plan.name ?? ''
  }

  #leave(): void {
    const { endpoint } = this
    this.endpoint = undefined
    endpoint?.pool.leave()
  }
}

/** Methods whose request may be sent twice (RFC 9110 §9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])
/** A server that closes its connections one after another says so of each. */
const REPEATS_LIMIT = 3
const BACK_OFF_MS = 50
const LONGEST_BACK_OFF_MS = 1_000
