import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import { connect as connectSocket, isIP } from 'node:net'
import { type ConnectionOptions, connect as connectSecure } from 'node:tls'
import { packageVersion } from '../../../kernel/version.ts'
import { checkedLookup, FETCH_LIMITS } from '../../fetch.ts'
import { isMetadataAddress, isMetadataName, METADATA } from '../../forbidden.ts'

/** One call of a gRPC method with a stream of messages either way. */
export type GrpcCall = {
  /** The next message; undefined: the answer has ended well. Throws a `GrpcFailure`. */
  next(): Promise<Uint8Array | undefined>
  send(message: Uint8Array): void
  /** Ends the call and its connection. */
  close(): void
}

/** What ended a call. `status` is that of gRPC where the server gave one. */
export class GrpcFailure extends Error {
  readonly kind: 'unreachable' | 'refused' | 'status'
  readonly status: number | undefined

  constructor(kind: GrpcFailure['kind'], message: string, status?: number) {
    super(message)
    this.kind = kind
    this.status = status
  }
}

export type GrpcAddress = {
  readonly host: string
  readonly port: number
  /** Absent: HTTP/2 without TLS. */
  readonly secure?: ConnectionOptions
}

/** Starts a call on a connection of its own; the caller closes it. `signal` ends it too. */
export function callGrpc({ host, port, secure }: GrpcAddress, path: string, signal: AbortSignal): GrpcCall {
  // An address is connected to without being looked up.
  if (isMetadataAddress(host) || isMetadataName(host)) throw new GrpcFailure('refused', METADATA)
  const to = { host, port, lookup: checkedLookup() }
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
  const session = connect(`${secure === undefined ? 'http' : 'https'}://${authority}`, {
    createConnection: () =>
      secure === undefined ? connectSocket(to) : connectSecure({ ...to, ...secure, ALPNProtocols: ['h2'] }),
    maxSessionMemory: FETCH_LIMITS.maxBytes / 1024 / 1024 + 1,
  })
  const stream = session.request(
    {
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': `Banyan/${packageVersion()} (+discovery)`,
    },
    { signal },
  )
  const failed = failureOf(session, stream, signal)
  const messages = messagesOf(stream)
  failed.catch(() => {})
  return {
    async next() {
      // What the body says of a broken stream is less than what the stream says.
      const message = messages
        .next()
        .catch((error: unknown) => (error instanceof GrpcFailure ? throwIt(error) : failed))
      return (await Promise.race([message, failed])).value
    },
    send: (message) => void stream.write(message),
    close() {
      stream.destroy()
      session.destroy()
    },
  }
}

function throwIt(failure: GrpcFailure): never {
  throw failure
}

/** Never resolves; rejects with what went wrong, whoever says it first. */
function failureOf(session: ClientHttp2Session, stream: ClientHttp2Stream, signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const broken = (error: Error) => reject(signal.aborted ? aborted(signal) : connectionFailure(error))
    session.on('error', broken)
    stream.on('error', broken)
    stream.on('response', (headers) => {
      const status = headers[':status']
      if (status !== 200) reject(new GrpcFailure('refused', `answered HTTP ${status}: that is no gRPC server`))
      else rejectUnlessWell(headers['grpc-status'], headers['grpc-message'], reject)
    })
    stream.on('trailers', (trailers) => rejectUnlessWell(trailers['grpc-status'], trailers['grpc-message'], reject))
  })
}

function rejectUnlessWell(status: unknown, message: unknown, reject: (failure: GrpcFailure) => void): void {
  const code = Number(status ?? 0)
  if (code === 0) return
  const said = typeof message === 'string' && message !== '' ? `: ${decoded(message)}` : ''
  reject(new GrpcFailure('status', `gRPC status ${code}${said}`, code))
}

function decoded(message: string): string {
  try {
    return decodeURIComponent(message)
  } catch {
    return message
  }
}

function aborted(signal: AbortSignal): GrpcFailure {
  return new GrpcFailure('unreachable', signal.reason instanceof Error ? signal.reason.message : String(signal.reason))
}

function connectionFailure(error: Error): GrpcFailure {
  // A stream that had to wait for its connection says only that it did so in vain.
  const reason = error.cause instanceof Error ? error.cause : error
  if (reason instanceof GrpcFailure) return reason
  if (reason.message === METADATA) return new GrpcFailure('refused', METADATA)
  const code = 'code' in reason ? String(reason.code) : ''
  if (code === 'ECONNREFUSED') return new GrpcFailure('unreachable', 'connection refused')
  if (code === 'ERR_HTTP2_ERROR' || code === 'ERR_HTTP2_SESSION_ERROR') {
    return new GrpcFailure('refused', 'does not speak HTTP/2, which gRPC needs')
  }
  return new GrpcFailure('unreachable', reason.message)
}

/** The messages of a stream: a flag, a length of four bytes, and as many bytes. */
async function* messagesOf(stream: ClientHttp2Stream): AsyncGenerator<Uint8Array, undefined> {
  let held: Buffer = Buffer.alloc(0)
  let taken = 0
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) continue
    taken += chunk.length
    if (taken > FETCH_LIMITS.maxBytes) {
      throw new GrpcFailure('refused', `answers more than ${FETCH_LIMITS.maxBytes / 1024 / 1024} MiB`)
    }
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    while (held.length >= 5 && held.length >= 5 + held.readUInt32BE(1)) {
      const end = 5 + held.readUInt32BE(1)
      if (held[0] !== 0) throw new GrpcFailure('refused', 'answers compressed messages although none were asked for')
      yield held.subarray(5, end)
      held = held.subarray(end)
    }
  }
  return undefined
}
