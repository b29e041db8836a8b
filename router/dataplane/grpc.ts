import type { ErrorCode } from '../kernel/errors.ts'
import type { Fields } from './http1/fields.ts'

/** Status codes of gRPC, by their names. */
const STATUS = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const

/**
 * What a gRPC client is told of each of our own errors. It may send a call again where it is told `UNAVAILABLE`, so
 * that stands where a later call may well succeed.
 */
export const GRPC_STATUS = {
  request_malformed: STATUS.INTERNAL,
  request_timeout: STATUS.CANCELLED,
  method_not_allowed: STATUS.INTERNAL,
  body_too_large: STATUS.RESOURCE_EXHAUSTED,
  target_too_long: STATUS.INVALID_ARGUMENT,
  expectation_failed: STATUS.INVALID_ARGUMENT,
  head_too_large: STATUS.RESOURCE_EXHAUSTED,
  client_certificate_refused: STATUS.UNAUTHENTICATED,
  client_left: STATUS.CANCELLED,
  coding_not_supported: STATUS.UNIMPLEMENTED,
  version_not_supported: STATUS.UNIMPLEMENTED,
  loop_detected: STATUS.INTERNAL,
  route_not_found: STATUS.UNIMPLEMENTED,
  route_unavailable: STATUS.UNAVAILABLE,
  no_endpoint: STATUS.UNAVAILABLE,
  upstream_overloaded: STATUS.UNAVAILABLE,
  draining: STATUS.UNAVAILABLE,
  dns_failed: STATUS.UNAVAILABLE,
  connection_refused: STATUS.UNAVAILABLE,
  connection_timeout: STATUS.UNAVAILABLE,
  connection_reset: STATUS.UNAVAILABLE,
  tls_alert_received: STATUS.UNAVAILABLE,
  tls_certificate_error: STATUS.UNAVAILABLE,
  tls_protocol_error: STATUS.UNAVAILABLE,
  connection_read_timeout: STATUS.DEADLINE_EXCEEDED,
  response_malformed: STATUS.INTERNAL,
  response_too_slow: STATUS.DEADLINE_EXCEEDED,
  function_threw: STATUS.INTERNAL,
  state_unwritable: STATUS.UNAVAILABLE,
  internal: STATUS.INTERNAL,
} as const satisfies Record<ErrorCode, number>

/** Whether a request is a gRPC call: its content type is `application/grpc`, with or without `+proto` and the like. */
export function isGrpc(head: Fields): boolean {
  for (let index = 0; index < head.count; index++) {
    const name = head.list[index * 2] ?? ''
    if (name.length !== CONTENT_TYPE.length || name.toLowerCase() !== CONTENT_TYPE) continue
    return /^application\/grpc(?:$|[+;])/i.test(head.list[index * 2 + 1] ?? '')
  }
  return false
}

const CONTENT_TYPE = 'content-type'

/** What `grpc-timeout` allows a call, in milliseconds; undefined where it says nothing that can be understood. */
export function grpcTimeout(head: Fields): number | undefined {
  for (let index = 0; index < head.count; index++) {
    if (head.list[index * 2] !== 'grpc-timeout') continue
    const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(head.list[index * 2 + 1] ?? '') ?? []
    return digits === undefined ? undefined : Number(digits) * (UNIT_MS[unit] ?? 0)
  }
  return undefined
}

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }

/** Lines that tell a gRPC client of one of our errors: all of them in the head, and no body (trailers only). */
export function grpcErrorLines(code: ErrorCode, detail: string): string {
  const message = detail === '' ? code : `${code}: ${detail}`
  return `Content-Type: application/grpc\r\ngrpc-status: ${GRPC_STATUS[code]}\r\ngrpc-message: ${percent(message)}\r\n`
}

/** As gRPC wants its messages: UTF-8, with %XX for what is not visible ASCII. */
function percent(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replace(/[^\x20-\x24\x26-\x7e]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}
