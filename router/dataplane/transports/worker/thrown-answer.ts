import type { ErrorCode } from '../../../kernel/errors.ts'
import type { Log } from '../../../kernel/log.ts'
import type { BodySink } from '../../http1/chunked.ts'
import { FIELD } from '../../http1/field-kind.ts'
import { firstValue } from '../../http1/fields.ts'
import type { Receiver, UpstreamSide } from '../../sides.ts'

/**
 * Takes the answer of a function that threw in the place of the exchange: the body, which holds the stack, goes to
 * the log and never to the client; the exchange is told that the function threw.
 */
export class ThrownAnswer implements Receiver, BodySink {
  readonly #exchange: Receiver
  readonly #log: Log
  readonly #pieces: Buffer[] = []
  #length = 0
  #header = ''

  constructor(exchange: Receiver, log: Log) {
    this.#exchange = exchange
    this.#log = log
  }

  onResponse(connection: UpstreamSide): void {
    this.#header = firstValue(connection.head, FIELD.functionError) ?? ''
    connection.sink = this
  }

  bodyBytes(bytes: Buffer, start: number, end: number): void {
    if (this.#length >= BODY_LIMIT) return
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)))
    this.#length += end - start
  }

  onResponseEnd(connection: UpstreamSide): void {
    this.#threw(connection)
  }

  onUpstreamFault(connection: UpstreamSide, _code: ErrorCode): void {
    this.#threw(connection)
  }

  onConnected(): void {}

  onInterim(): void {}

  onSwitch(): boolean {
    return false
  }

  onUpstreamWritable(): void {
    this.#exchange.onUpstreamWritable()
  }

  flush(): void {
    this.#exchange.flush()
  }

  #threw(connection: UpstreamSide): void {
    const body = Buffer.concat(this.#pieces).toString()
    const thrown = describe(body) ?? describe(this.#header) ?? { name: 'Error', message: this.#header }
    this.#log.error(`function threw ${thrown.name}: ${thrown.message}`, { ...thrown })
    this.#exchange.onUpstreamFault(connection, 'function_threw')
  }
}

/** Most of a body that is kept for the log. */
const BODY_LIMIT = 64 * 1024

type Thrown = { readonly name: string; readonly message: string; readonly stack?: string }

function describe(json: string): Thrown | undefined {
  try {
    const value: unknown = JSON.parse(json)
    if (typeof value !== 'object' || value === null) return undefined
    if (!('name' in value) || !('message' in value)) return undefined
    const thrown = { name: String(value.name), message: String(value.message) }
    return 'stack' in value ? { ...thrown, stack: String(value.stack) } : thrown
  } catch {
    return undefined
  }
}
