import { runToEnd } from './children.ts'
import type { Load } from './wrk.ts'

export type StreamsOptions = {
  readonly url: string
  readonly seconds: number
  /** A file to POST as a gRPC message; absent: GET. */
  readonly message?: string
  readonly signal: AbortSignal
}

/** Drives one URL with 64 requests at once, on 8 connections by HTTP/2. Anything but success throws. */
export async function driveStreams({ url, seconds, message, signal }: StreamsOptions): Promise<Load> {
  const call =
    message === undefined ? [] : ['-d', message, '-H', 'content-type: application/grpc', '-H', 'te: trailers']
  const args = ['-t1', '-c8', '-m8', '-D', String(seconds), ...call, url]
  const { stdout } = await runToEnd('h2load', args, { signal, timeoutMs: (seconds + 15) * 1000 })
  const load = parseH2load(stdout, seconds)
  if (load === undefined) throw new Error(`h2load printed no figures for ${url}:\n${stdout}`)
  if (load.errors > 0 || load.requests === 0) throw new Error(`h2load met errors at ${url}:\n${stdout}`)
  return load
}

/** Reads what h2load printed; undefined where its figures are not in it. */
export function parseH2load(text: string, seconds: number): Load | undefined {
  const counts = /^requests: .*, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout$/m.exec(text)
  const statuses = /^status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx$/m.exec(text)
  if (counts === null || statuses === null) return undefined
  const [done = 0, , ...wrong] = counts.slice(1).map(Number)
  const [, ...others] = statuses.slice(1).map(Number)
  return { requests: done, perSecond: done / seconds, errors: [...wrong, ...others].reduce((sum, one) => sum + one, 0) }
}
