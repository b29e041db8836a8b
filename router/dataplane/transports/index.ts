import type { Log } from '../../kernel/log.ts'
import type { Dial } from '../dialling/dial.ts'
import type { Wheel } from '../wheel.ts'
import { http } from './http/index.ts'
import { http2 } from './http2/index.ts'
import type { EndpointPool } from './pool.ts'
import { worker } from './worker/index.ts'

/** A way to talk to the endpoints of an upstream. */
export type Transport = {
  /** What a plan calls it. */
  readonly kind: string
  /** The connections to one endpoint; nothing is opened before the first request. */
  open(host: string, port: number, parts: TransportParts): EndpointPool
}

export type TransportParts = {
  /** How its connections are opened. */
  readonly dial: Dial
  readonly wheel: Wheel
  readonly log: Log
}

/** The whole list. Add yours here, alphabetically, and nowhere else. */
export const TRANSPORTS: readonly Transport[] = [http, http2, worker]
