/**
 * The request path. Read this file first.
 *
 *   accept → match → policies → arm → endpoint → forward → respond
 *
 * A request sees one snapshot, read once: a reload never changes the rules under it.
 */
import type { Socket } from 'node:net'
import type { ErrorCode } from '../kernel/errors.ts'
import type { Client } from './accept/client.ts'
import { chooseArm } from './arm.ts'
import { Attempt } from './attempt.ts'
import { type Outcome, outcomeOf, outcomeOfError } from './counts.ts'
import { grpcTimeout } from './grpc.ts'
import type { BodySink } from './http1/chunked.ts'
import { Downstream, type Successor } from './http1/downstream.ts'
import { trailerLines } from './http1/trailers.ts'
import { UpstreamConnection } from './http1/upstream.ts'
import { DownstreamSession } from './http2/downstream.ts'
import type { Plane } from './plane.ts'
import type { LocalAnswer } from './policies/policy.ts'
import { refusalOf } from './refusal.ts'
import { Request } from './request.ts'
import { writeRequestHead } from './request-fields.ts'
import { writeErrorAnswer } from './respond-error.ts'
import { writeLocalAnswer } from './respond-local.ts'
import { writeResponseHead } from './response-fields.ts'
import { ruleFor } from './rule-for.ts'
import type { Connection, DownstreamEvents, DownstreamSide, Receiver, UpstreamSide } from './sides.ts'
import { protocolsSwitchedTo, upgradeLines } from './upgrade/protocols.ts'
import { Tunnel } from './upgrade/tunnel.ts'
import { Deadline } from './wheel.ts'

/** Between requests; waiting for a connection; waiting for an answer; passing it on. */
const IDLE = 0
const CONNECTING = 1
const AWAITING = 2
const RELAYING = 3

/** Takes up a client's connection; its requests are served until it ends. */
export function handle(
  accepted: Socket,
  client: Client,
  plane: Plane,
  onClosed: (connection: Connection) => void,
): Connection {
  const exchange = (downstream: DownstreamSide) => new Exchange(downstream, plane)
  const http2: Successor = (socket, who, onEnd) => handleHttp2(socket, who, plane, onEnd)
  return new Downstream(accepted, client, plane.wheel, exchange, onClosed, http2)
}

/** The same for a connection on which HTTP/2 is spoken: each of its streams has an exchange. */
export function handleHttp2(
  accepted: Socket,
  client: Client,
  plane: Plane,
  onClosed: (connection: Connection) => void,
): DownstreamSession {
  const exchange = (downstream: DownstreamSide) => new Exchange(downstream, plane)
  return new DownstreamSession(accepted, client, plane.wheel, () => plane.draining, exchange, onClosed)
}

/** One request and its answer at a time: what the client's side and the upstream's side tell, and what follows. */
class Exchange implements DownstreamEvents, Receiver {
  readonly #downstream: DownstreamSide
  readonly #plane: Plane
  readonly #request: Request
  readonly #attempt: Attempt
  #phase: number = IDLE
  /** Whether this is the last request of its connection. */
  #last = false
  /** Where the request's body goes. */
  #sink: BodySink | undefined
  #total: Deadline | undefined

  constructor(downstream: DownstreamSide, plane: Plane) {
    this.#downstream = downstream
    this.#plane = plane
    this.#attempt = new Attempt(this, plane)
    this.#request = new Request(downstream.head, downstream.client, plane)
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
  }

  // Match: which rule takes it.

  #match(): void {
    const found = ruleFor(this.#request)
    // Policies: what its route does first, which may be to answer.
    const instead = 'plan' in found ? found.policies?.before(this.#request) : found
    if (instead === undefined) this.#arm()
    else if ('code' in instead) this.fail(instead.code, instead.detail)
    else this.#answer(instead)
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
    const refusal = refusalOf(request, rule)
    if (refusal !== undefined) {
      this.fail(refusal.code, refusal.detail)
      return
    }
    if (rule.maxBody !== undefined) this.#downstream.limitBody(rule.maxBody)
    const total = totalOf(request)
    if (total !== undefined) this.#limitTotal(total)
    // Endpoint: which address of the upstream, and a connection to it.
    const refused = this.#attempt.begin(request.upstream, request, request.timeouts.connect, rule.attempts[arm])
    if (refused !== undefined) this.fail(refused)
  }

  // Forward: the head, written again, and the body as it comes.

  onConnected(connection: UpstreamSide): void {
    this.#attempt.connected(connection)
    this.#phase = AWAITING
    try {
      this.#forward(connection)
    } catch (error) {
      this.#broken(error)
    }
  }

  #forward(connection: UpstreamSide): void {
    const request = this.#request
    const { head, timeouts } = request
    const { endpoint } = this.#attempt
    if (endpoint !== undefined) request.address(endpoint)
    connection.begin(this, head.method === 'HEAD', timeouts.idle)
    connection.writer.head(writeRequestHead(head, request))
    if (head.length <= 0 && !head.chunked) {
      connection.writer.endBody('')
      connection.allow(timeouts.firstByte)
      return
    }
    connection.writer.chunked = head.chunked
    this.#sink = this.#attempt.bodySink(head, connection)
    if (this.#downstream.requestComplete) {
      this.onRequestEnd()
      return
    }
    // While a body is on its way it is the client that is waited for, unless it waits for `100 Continue` itself.
    connection.allow(head.expectContinue ? timeouts.firstByte : undefined)
    this.#downstream.openBody(this.#sink)
  }

  onRequestEnd(): void {
    const { connection } = this.#attempt
    if (connection === undefined) return
    connection.writer.endBody(trailerLines(this.#downstream.trailers))
    if (this.#phase === AWAITING) connection.allow(this.#request.timeouts.firstByte)
  }

  onUpstreamWritable(): void {
    const { connection } = this.#attempt
    if (connection === undefined || this.#downstream.requestComplete || this.#phase < AWAITING) return
    connection.allow(undefined)
    if (this.#sink !== undefined) this.#downstream.openBody(this.#sink)
  }

  // Respond: interim answers, the final head, and the body as it comes.

  onInterim(connection: UpstreamSide): void {
    if (!this.#downstream.requestComplete) connection.allow(undefined)
    if (this.#request.head.minor === 0) return
    try {
      this.#downstream.writer.head(writeResponseHead(connection.head, this.#request, ''))
    } catch (error) {
      this.#broken(error)
    }
  }

  onSwitch(connection: UpstreamSide): boolean {
    try {
      return this.#switch(connection)
    } catch (error) {
      this.#broken(error)
      return false
    }
  }

  /** Upgrade: the exchange steps aside until both sides have ended what they speak now. */
  #switch(connection: UpstreamSide): boolean {
    const protocols = protocolsSwitchedTo(this.#request.head, connection.head)
    const downstream = this.#downstream
    if (protocols === undefined) return false
    if (!(downstream instanceof Downstream && connection instanceof UpstreamConnection)) return false
    downstream.writer.head(writeResponseHead(connection.head, this.#request, upgradeLines(protocols)))
    this.#phase = RELAYING
    this.#total?.cancel()
    new Tunnel(downstream, connection, protocols, this.#plane.wheel, (clean) => {
      if (clean) this.#attempt.release(false)
      else this.#attempt.letGo()
      this.#finish(outcomeOf(101))
    }).open()
    return true
  }

  onResponse(connection: UpstreamSide): void {
    this.#phase = RELAYING
    connection.sink = this.#downstream.writer
    try {
      this.#respond(connection)
    } catch (error) {
      this.#broken(error)
    }
  }

  #respond(connection: UpstreamSide): void {
    const request = this.#request
    const { framing } = connection.head
    const unsized = framing === 'chunked' || framing === 'close'
    const chunked = unsized && request.head.minor === 1
    // A body without a stated length can be ended for an HTTP/1.0 client by closing only.
    this.#last = this.#isLast() || (unsized && !chunked)
    const framed = chunked ? 'Transfer-Encoding: chunked\r\n' : ''
    const { writer } = this.#downstream
    writer.head(writeResponseHead(connection.head, request, framed + this.#connectionField()))
    writer.chunked = chunked
  }

  onResponseEnd(connection: UpstreamSide): void {
    const { status } = connection.head
    this.#downstream.writer.endBody(trailerLines(connection.trailers))
    if (this.#request.rule?.isUnnamed) this.#remember(status, connection)
    this.#attempt.release(this.#downstream.requestComplete)
    this.#finish(outcomeOf(status))
    this.#downstream.ended(this.#last)
  }

  onDownstreamWritable(): void {
    this.#attempt.connection?.resume()
  }

  /** Everything that arrived together has been taken: what it led to leaves in one write each way. */
  flush(): void {
    const { connection } = this.#attempt
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

  onUpstreamFault(connection: UpstreamSide, code: ErrorCode): void {
    if (connection !== this.#attempt.connection) return
    this.#attempt.faulted(connection, code)
    const began = this.#phase === RELAYING
    if (!began) {
      this.#phase = CONNECTING
      this.#downstream.holdBody()
    }
    if (began || !this.#attempt.retry(this.#request.head, connection, code)) this.fail(code)
  }

  onRequestFault(code: ErrorCode): void {
    this.fail(code)
  }

  onGone(): void {
    if (this.#phase === IDLE) return
    this.#attempt.letGo()
    this.#finish(outcomeOfError('client_left'))
  }

  /** Answers with our own error; where an answer has begun, the client learns from a reset that it is not whole. */
  fail(code: ErrorCode, detail = ''): void {
    if (this.#phase === IDLE) return
    const begun = this.#phase === RELAYING
    this.#attempt.letGo()
    if (code === 'request_malformed') this.#last = true
    if (!begun) {
      this.#last = this.#isLast()
      const now = this.#plane.clock.now()
      const { asked } = this.#attempt
      const { writer } = this.#downstream
      writer.head(writeErrorAnswer(code, detail, this.#request, asked, now, this.#connectionField()))
    }
    this.#finish(outcomeOfError(code))
    if (begun) this.#downstream.reset()
    else this.#downstream.ended(this.#last)
  }

  /** Answers without any upstream. */
  #answer(answer: LocalAnswer): void {
    this.#last = this.#isLast()
    const now = this.#plane.clock.now()
    this.#downstream.writer.head(writeLocalAnswer(answer, this.#request, now, this.#connectionField()))
    this.#finish(outcomeOf(answer.status))
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

  #finish(outcome: Outcome): void {
    const { rule, snapshot, choice } = this.#request
    this.#phase = IDLE
    this.#total?.cancel()
    snapshot.table.counters.count(rule, choice.arm, outcome)
    this.#plane.inFlight--
  }

  /** What it asked for and what came back is all that tells which operation it was for. */
  #remember(status: number, connection: UpstreamSide): void {
    const { method, path, upstream, rule } = this.#request
    const name = upstream?.plan.name ?? ''
    this.#plane.unclaimed.count(method, path, name, status, rule?.isDefault === false, connection.head)
  }

  /** A mistake of ours costs one request, not the process. */
  #broken(error: unknown): void {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#plane.log.error('a request failed inside the router', { reason, request: this.#request.requestId })
    this.fail('internal')
  }
}

/** How long the whole may take: what the configuration allows, or the deadline of a gRPC call where that is less. */
function totalOf({ head, timeouts }: Request): number | undefined {
  if (head.major === 1) return timeouts.total
  const asked = grpcTimeout(head)
  return asked === undefined ? timeouts.total : Math.min(asked, timeouts.total ?? asked)
}
