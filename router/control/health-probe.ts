import { request } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { secureOptions } from '../kernel/tls/identity.ts'
import type { UpstreamTls } from '../model/spec.ts'
import { probeHttp2 } from './health-probe-http2.ts'

/** What one check asks. */
export type Probe = {
  readonly host: string
  readonly port: number
  readonly path: string
  /** Value of Host. */
  readonly authority: string
  readonly timeoutMs: number
  /** How it is spoken to by TLS; absent: in plain. */
  readonly tls?: UpstreamTls
  /** It is spoken to in HTTP/2. */
  readonly http2?: boolean
  /** The service that is asked for by grpc.health.v1 ('': the whole server); absent: a path is asked for with GET. */
  readonly grpc?: { readonly service: string }
}

/** Asks once, on a connection of its own. Resolves undefined where the answer is well, else to why not, in words. */
export async function probe(asking: Probe): Promise<string | undefined> {
  const { host, port, path, authority, timeoutMs, tls } = asking
  const secure = tls && (await secureOptions(host, tls))
  if (asking.http2 === true) return probeHttp2(asking, secure)
  return new Promise((resolve) => {
    const headers = { host: authority, accept: '*/*', 'user-agent': 'banyan-health', connection: 'close' }
    const options = { host, port, path, headers, agent: false as const, setDefaultHeaders: false }
    const asked = secure === undefined ? request(options) : httpsRequest({ ...options, ...secure })
    const finish = (reason: string | undefined): void => {
      resolve(reason)
      asked.destroy()
    }
    // A deadline for the whole, whatever trickles in meanwhile. The status is all that counts: no body is read.
    const signal = AbortSignal.timeout(timeoutMs)
    signal.addEventListener('abort', () => finish(`no answer within ${timeoutMs / 1000} s`))
    asked.on('response', ({ statusCode = 0 }) => {
      finish(statusCode >= 200 && statusCode < 400 ? undefined : `it answered ${statusCode}`)
    })
    asked.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message))
    asked.end()
  })
}
