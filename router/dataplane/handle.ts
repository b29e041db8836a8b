/**
 * The request path. Read this file first.
 *
 *   accept → match → arm → endpoint → forward → respond
 *
 * A request sees one snapshot, read once: a reload never changes the rules under it.
 */
import type { Socket } from 'node:net'
import { canonicalPath } from '../kernel/canonical.ts'
import { ERRORS, type ErrorCode } from '../kernel/errors.ts'
import { chooseArm } from './arm.ts'
import { pickEndpoint } from './balancing/least-requests.ts'
import { type Outcome, outcomeOf, outcomeOfError } from './counts.ts'
import { Downstream, type DownstreamEvents } from './http1/downstream.ts'
import type { Receiver, UpstreamConnection } from './http1/upstream.ts'
import type { Plane } from './plane.ts'
import { Request } from './request.ts'
import { writeRequestHead } from './request-fields.ts'
import { writeErrorAnswer, writeOptionsAnswer } from './respond-error.ts'
import { writeResponseHead } from './response-fields.ts'
import type { Endpoint } from './snapshot.ts'
import { Deadline } from './wheel.ts'

/** Between requests; waiting for a connection; waiting for an answer; passing it on. */
const IDLE = 0
const CONNECTING = 1
const AWAITING = 2
const RELAYING = 3

/** A request may pass through us twice: a legacy proxy may send it round once. */
const PASSES_LIMIT = 2

/** Takes up a client's connection; its requests are served until it ends. */
export function handle(accepted: Socket, plane: Plane, onClosed: (downstream: Downstream) => void): Downstream {
  return new Downstream(accepted, plane.wheel, (downstream) => new Exchange(downstream, plane), onClosed)
}

/** One request and its answer at a time: what the client's side and the upstream's side tell, and what follows. */
class Exchange implements DownstreamEvents, Receiver {
  readonly #downstream: Downstream
  readonly #plane: Plane
  readonly #request: Request
  #phase: number = IDLE
  #endpoint: Endpoint | undefined
  #connection: UpstreamConnection | undefined
  /** Endpoints that did not even take a connection. */
  #refused: Endpoint[] = []
  /** Whether this is the last request of its connection. */
  #last = false
  #total: Deadline | undefined

  constructor(downstream: Downstream, plane: Plane) {
    this.#downstream = downstream
    this.#plane = plane
    this.#request = new Request(downstream.head, downstream.socket.remoteAddress, plane)
  }

  // Accept: a well-formed head has arrived.

  onRequest(): void {
    this.#request.begin()
    this.#accepted()
    try {
      this.#match()
    } catch (error) {
      this.#broken(error)
    }
  }

  onRefused(code: ErrorCode): void {
    this.#request.beginUnread()
    this.#accepted()
    this.#last = true
    this.fail(code)
  }

  #accepted(): void {
    this.#plane.inFlight++
    this.#request.snapshot.table.counters.enter()
    this.#phase = CONNECTING
    this.#last = false
    if (this.#refused.length > 0) this.#refused = []
  }

  // Match: which rule takes it.

  #match(): void {
    const request = this.#request
    const { table } = request.snapshot
    if (request.head.path === '*') {
      this.#answerOptions()
      return
    }
    if (request.passes() >= PASSES_LIMIT) {
      this.fail('loop_detected')
      return
    }
    const canonical = canonicalPath(request.head.path, table.fold)
    if ('error' in canonical) {
      this.fail('request_malformed', `the path ${canonical.error}`)
      return
    }
    request.path = canonical.path
    request.key = canonical.key
    const rule = table.rules[table.matcher.match(request) ?? -1]
    if (rule === undefined) {
      this.fail('route_not_found', 'no route takes this request and nobody implements it')
      return
    }
    request.rule = rule
    if (rule.unavailable !== undefined) {
      this.fail('route_unavailable', rule.unavailable)
      return
    }
    this.#arm()
  }

  // Arm: which side of a shift.

  #arm(): void {
    const request = this.#request
    const { rule, snapshot } = request
    if (rule === undefined) return
    if (rule.shift !== undefined) {
      const weight = snapshot.weights[rule.index]
      request.choice = chooseArm(request.head, weight, request.mayOverride, this.#plane.keys)
    }
    const { arm } = request.choice
    request.upstream = snapshot.upstreams[rule.upstreams[arm]]
    request.timeouts = rule.timeouts[arm]
    if (request.timeouts.total !== undefined) this.#limitTotal(request.timeouts.total)
    this.#pick(false)
  }

  // Endpoint: which address of the upstream, and a connection to it.

  #pick(fresh: boolean): void {
    const { upstream, timeouts } = this.#request
    const endpoints = upstream?.endpoints ?? []
    const untried = this.#refused.length === 0 ? endpoints : endpoints.filter((one) => !this.#refused.includes(one))
    const endpoint = pickEndpoint(untried, this.#plane.random)
    if (endpoint === undefined) {
      this.fail('no_endpoint')
      return
    }
    this.#dial(endpoint, fresh, timeouts.connect)
  }

  #dial(endpoint: Endpoint, fresh: boolean, connectMs: number): void {
    this.#endpoint = endpoint
    this.#request.failedAt = endpoint.pool.address
    this.#phase = CONNECTING
    endpoint.pool.enter()
    const connection = endpoint.pool.connect(this, fresh, connectMs)
    if (this.#phase === CONNECTING) this.#connection = connection
  }

  // Forward: the head, written again, and the body as it comes.

  onConnected(connection: UpstreamConnection): void {
    this.#connection = connection
    this.#phase = AWAITING
    try {
      this.#forward(connection)
    } catch (error) {
      this.#broken(error)
    }
  }

  #forward(connection: UpstreamConnection): void {
    const request = this.#request
    const { head, timeouts } = request
    if (this.#endpoint !== undefined) request.address(this.#endpoint)
    connection.begin(this, head.method === 'HEAD', timeouts.idle)
    connection.writer.text += writeRequestHead(head, request)
    if (this.#downstream.requestComplete) {
      connection.allow(timeouts.firstByte)
      return
    }
    // While a body is on its way it is the client that is waited for, unless it waits for `100 Continue` itself.
    connection.allow(head.expectContinue ? timeouts.firstByte : undefined)
    connection.writer.chunked = head.chunked
    this.#downstream.openBody(connection.writer)
  }

  onRequestEnd(): void {
    const connection = this.#connection
    if (connection === undefined) return
    connection.writer.endBody()
    if (this.#phase === AWAITING) connection.allow(this.#request.timeouts.firstByte)
  }

  onUpstreamWritable(): void {
    const connection = this.#connection
    if (connection === undefined || this.#downstream.requestComplete) return
    connection.allow(undefined)
    this.#downstream.openBody(connection.writer)
  }

  // Respond: interim answers, the final head, and the body as it comes.

  onInterim(connection: UpstreamConnection): void {
    if (!this.#downstream.requestComplete) connection.allow(undefined)
    if (this.#request.head.minor === 0) return
    try {
      this.#downstream.writer.text += writeResponseHead(connection.head, this.#request, '')
    } catch (error) {
      this.#broken(error)
    }
  }

  onResponse(connection: UpstreamConnection): void {
    this.#phase = RELAYING
    connection.sink = this.#downstream.writer
    try {
      this.#respond(connection)
    } catch (error) {
      this.#broken(error)
    }
  }

  #respond(connection: UpstreamConnection): void {
    const request = this.#request
    const { framing } = connection.head
    const unsized = framing === 'chunked' || framing === 'close'
    const chunked = unsized && request.head.minor === 1
    // A body without a stated length can be ended for an HTTP/1.0 client by closing only.
    this.#last = this.#isLast() || (unsized && !chunked)
    const framed = chunked ? 'Transfer-Encoding: chunked\r\n' : ''
    const { writer } = this.#downstream
    writer.text += writeResponseHead(connection.head, request, framed + this.#connectionField())
    writer.chunked = chunked
  }

  onResponseEnd(connection: UpstreamConnection): void {
    const { status } = connection.head
    this.#downstream.writer.endBody()
    this.#release(connection)
    this.#finish(outcomeOf(status), status)
    this.#downstream.ended(this.#last)
  }

  onDownstreamWritable(): void {
    this.#connection?.resume()
  }

  /** Everything that arrived together has been taken: what it led to leaves in one write each way. */
  flush(): void {
    const connection = this.#connection
    if (connection !== undefined && this.#phase !== CONNECTING && connection.writer.flush()) {
      if (!this.#downstream.requestComplete) {
        this.#downstream.holdBody()
        connection.allow(this.#request.timeouts.idle)
      }
    }
    if (this.#downstream.writer.flush() && connection !== undefined) {
      connection.pause()
      this.#downstream.blocked()
    }
  }

  // What may go wrong.

  onUpstreamFault(connection: UpstreamConnection, code: ErrorCode): void {
    if (connection !== this.#connection) return
    const endpoint = this.#endpoint
    const connecting = this.#phase === CONNECTING
    const again = this.#phase === AWAITING && this.#mayRepeat(connection, code)
    if (endpoint === undefined || !(connecting || again)) {
      this.fail(code)
      return
    }
    this.#letGo()
    if (again) {
      this.#dial(endpoint, true, this.#request.timeouts.connect)
      return
    }
    // Nothing was sent, so another endpoint may have it, whatever the method.
    this.#refused.push(endpoint)
    if (this.#refused.length < (this.#request.upstream?.endpoints.length ?? 0)) this.#pick(false)
    else this.fail(code)
  }

  onRequestFault(code: ErrorCode): void {
    this.fail(code)
  }

  onGone(): void {
    if (this.#phase === IDLE) return
    this.#letGo()
    this.#finish(outcomeOfError('client_left'), 499)
  }

  /** Answers with our own error; where an answer has begun, the client learns from a reset that it is not whole. */
  fail(code: ErrorCode, detail = ''): void {
    if (this.#phase === IDLE) return
    const begun = this.#phase === RELAYING
    this.#letGo()
    if (code === 'request_malformed') this.#last = true
    if (!begun) {
      this.#last = this.#isLast()
      const { clock } = this.#plane
      this.#downstream.writer.text += writeErrorAnswer(
        code,
        detail,
        this.#request,
        clock.now(),
        this.#connectionField(),
      )
    }
    this.#finish(outcomeOfError(code), ERRORS[code].status)
    if (begun) this.#downstream.reset()
    else this.#downstream.ended(this.#last)
  }

  /**
   * A server may close an idle connection just as a request is written to it. Where it was such a connection, nothing
   * of an answer came and repeating does no harm, the request goes out once more on a fresh one (RFC 9112 §9.3.1).
   */
  #mayRepeat(connection: UpstreamConnection, code: ErrorCode): boolean {
    if (code !== 'connection_reset' || !connection.reused || connection.answering) return false
    const { method, length, chunked } = this.#request.head
    return IDEMPOTENT.has(method) && length <= 0 && !chunked
  }

  #answerOptions(): void {
    this.#last = this.#isLast()
    this.#downstream.writer.text += writeOptionsAnswer(this.#plane.clock.now(), this.#connectionField())
    this.#finish(outcomeOf(204), 204)
    this.#downstream.ended(this.#last)
  }

  #isLast(): boolean {
    return this.#last || !this.#request.head.keepAlive || this.#plane.draining || !this.#downstream.requestComplete
  }

  #connectionField(): string {
    if (this.#last) return 'Connection: close\r\n'
    return this.#request.head.minor === 0 ? 'Connection: keep-alive\r\n' : ''
  }

  #limitTotal(ms: number): void {
    this.#total ??= new Deadline(this.#plane.wheel, () => {
      this.fail('response_too_slow')
      this.flush()
    })
    this.#total.set(ms)
  }

  /** The answer ended cleanly: the connection may serve another request. */
  #release(connection: UpstreamConnection): void {
    this.#connection = undefined
    connection.release(this.#downstream.requestComplete)
    this.#endpoint?.pool.leave()
    this.#endpoint = undefined
  }

  /** Nothing of the upstream's answer is wanted any more. */
  #letGo(): void {
    const connection = this.#connection
    this.#connection = undefined
    connection?.destroy()
    this.#endpoint?.pool.leave()
    this.#endpoint = undefined
  }

  #finish(outcome: Outcome, status: number): void {
    const { rule, snapshot, choice, path, method, upstream } = this.#request
    this.#phase = IDLE
    this.#total?.cancel()
    snapshot.table.counters.count(rule, choice.arm, outcome)
    if (rule?.isDefault) this.#plane.unclaimed.count(method, path, upstream?.plan.name ?? '', status)
    this.#plane.inFlight--
  }

  /** A mistake of ours costs one request, not the process. */
  #broken(error: unknown): void {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#plane.log.error('a request failed inside the router', { reason, request: this.#request.requestId })
    this.fail('internal')
  }
}

/** Methods whose request may be sent twice (RFC 9110 §9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])
