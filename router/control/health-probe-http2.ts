import { type ClientHttp2Session, type ClientHttp2Stream, connect, type SecureClientSessionOptions } from 'node:http2'

/** What one check by HTTP/2 asks. */
export type Http2Probe = {
  readonly host: string
  readonly port: number
  readonly path: string
  readonly authority: string
  readonly timeoutMs: number
  readonly grpc?: { readonly service: string }
}

/** Asks once, with a GET or a call of grpc.health.v1. `secure`: how it is spoken to by TLS. Resolves to why it is not well. */
export function probeHttp2(
  { host, port, path, authority, timeoutMs, grpc }: Http2Probe,
  secure: SecureClientSessionOptions | undefined,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const address = host.includes(':') ? `[${host}]` : host
    const session = connect(`${secure === undefined ? 'http' : 'https'}://${address}:${port}`, secure ?? {})
    const finish = (reason: string | undefined): void => {
      resolve(reason)
      session.destroy()
    }
    const signal = AbortSignal.timeout(timeoutMs)
    signal.addEventListener('abort', () => finish(`no answer within ${timeoutMs / 1000} s`))
    session.on('error', (error) => finish(wordOf(error)))
    session.on('close', () => finish('the connection was closed before an answer'))
    const asked = grpc === undefined ? get(session, path, authority) : call(session, path, authority, grpc.service)
    asked.on('error', (error) => finish(wordOf(error)))
    if (grpc === undefined) hearStatus(asked, finish)
    else hearCheck(asked, finish)
  })
}

/** A stream says that it was cancelled; why, its connection says. */
function wordOf(error: NodeJS.ErrnoException): string {
  const { cause } = error
  return cause instanceof Error ? wordOf(cause) : (error.code ?? error.message)
}

function get(session: ClientHttp2Session, path: string, authority: string): ClientHttp2Stream {
  return session.request({ ':path': path, ':authority': authority, accept: '*/*', 'user-agent': 'banyan-health' })
}

/** grpc.health.v1.Health/Check: one message with the name of the service, field 1. */
function call(session: ClientHttp2Session, path: string, authority: string, service: string): ClientHttp2Stream {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    ':authority': authority,
    'content-type': 'application/grpc',
    te: 'trailers',
    'user-agent': 'banyan-health',
  })
  const name = Buffer.from(service)
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name])
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  stream.end(Buffer.concat([prefix, message]))
  return stream
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >> 7)]
}

function hearStatus(asked: ClientHttp2Stream, finish: (reason: string | undefined) => void): void {
  asked.on('response', ({ ':status': status = 0 }) => {
    finish(status >= 200 && status < 400 ? undefined : `it answered ${status}`)
  })
}

/** The answer holds how the service is, field 1; the status of the call comes behind it, or in the head. */
function hearCheck(asked: ClientHttp2Stream, finish: (reason: string | undefined) => void): void {
  const pieces: Buffer[] = []
  let length = 0
  let status: unknown
  asked.on('response', (head) => {
    if (head[':status'] === 200) status = head['grpc-status']
    else finish(`it answered ${head[':status']}`)
  })
  asked.on('trailers', (trailers) => {
    status ??= trailers['grpc-status']
  })
  asked.on('data', (bytes: Buffer) => {
    length += bytes.length
    if (length <= ANSWER_LIMIT) pieces.push(bytes)
    else finish('its answer is longer than any of grpc.health.v1')
  })
  asked.on('end', () => {
    // Trailers may be told of after the end of the body.
    setImmediate(() => {
      if (status !== '0') finish(`the call failed with grpc-status ${status ?? 'nothing'}`)
      else finish(reasonOf(Buffer.concat(pieces)))
    })
  })
}

const ANSWER_LIMIT = 1024

function reasonOf(answer: Buffer): string | undefined {
  // Behind the prefix of five bytes: field 1 as a number, or nothing where it is 0.
  const serving = answer[5] === 0x08 ? (answer[6] ?? 0) : 0
  return serving === 1 ? undefined : `it is ${SERVING[serving] ?? 'UNKNOWN'}`
}

const SERVING = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']
