import { ERRORS, type ErrorCode } from '../kernel/errors.ts'
import { grpcErrorLines, isGrpc } from './grpc.ts'
import type { RequestHead } from './http1/request-head.ts'
import { addedFields, type Relaying } from './response-fields.ts'

/** Methods that Allow names where a method is refused or `OPTIONS *` is answered. */
export const ALLOWED = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

/**
 * An error of our own, whole: `application/problem+json` (RFC 9457), and who failed in Proxy-Status (RFC 9209). A gRPC
 * client gets what it understands: 200, and its own status in the head.
 * `detail` is for people; like all of this it never holds an address, a stack or a secret unless debugging is on.
 * `asked` is the address of the endpoint that failed, `framing` the Connection line or nothing.
 */
export function writeErrorAnswer(
  code: ErrorCode,
  detail: string,
  request: Relaying & { readonly requestId: string; readonly method: string; readonly head: RequestHead },
  asked: string,
  now: number,
  framing: string,
): string {
  const { status, proxyStatus } = ERRORS[code]
  if (request.head.major === 2 && isGrpc(request.head)) {
    const start = `HTTP/1.1 200 OK\r\nDate: ${httpDate(now)}\r\n${grpcErrorLines(code, detail)}`
    const told = `Proxy-Status: ${request.pseudonym}; error=${proxyStatus}\r\nX-Request-Id: ${request.requestId}\r\n`
    return `${start}${told}${addedFields(request)}${framing}\r\n`
  }
  const { debug } = request.snapshot.table
  const problem = {
    type: 'about:blank',
    title: REASONS[status] ?? 'Error',
    status,
    code,
    detail: detail === '' ? undefined : detail,
    upstream: request.upstream?.plan.name,
    address: debug && request.upstream !== undefined && asked !== '' ? asked : undefined,
    request_id: request.requestId,
  }
  const body = Buffer.from(`${JSON.stringify(problem)}\n`)
  let head = `HTTP/1.1 ${status} ${problem.title}\r\nDate: ${httpDate(now)}\r\n`
  head += `Content-Type: application/problem+json\r\nContent-Length: ${body.length}\r\nCache-Control: no-store\r\n`
  head += `Proxy-Status: ${request.pseudonym}; error=${proxyStatus}\r\nX-Request-Id: ${request.requestId}\r\n`
  if (status === 405) head += `Allow: ${ALLOWED}\r\n`
  if (RETRY_SOON.has(code)) head += 'Retry-After: 1\r\n'
  head += `${addedFields(request)}${framing}\r\n`
  return request.method === 'HEAD' ? head : head + body.toString('latin1')
}

/** What is over as soon as an endpoint or a process is back. */
const RETRY_SOON: ReadonlySet<ErrorCode> = new Set(['no_endpoint', 'draining', 'upstream_overloaded'])

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  431: 'Request Header Fields Too Large',
  499: 'Client Closed Request',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
  508: 'Loop Detected',
}

let dateSecond = -1
let dateText = ''

/** A time in milliseconds as Date has it; made once a second. */
export function httpDate(now: number): string {
  const second = Math.floor(now / 1000)
  if (second !== dateSecond) {
    dateSecond = second
    dateText = new Date(now).toUTCString()
  }
  return dateText
}
