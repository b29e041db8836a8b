import type { RequestHead } from '../http1/request-head.ts'
import type { Instead } from '../policies/policy.ts'

/** Where a request that came in plain is to be made again: the same host and target by https, method and body kept. */
export function redirectToTls({ authority, path, query }: RequestHead, port: number): Instead {
  // HTTP/1.0 without Host: nobody knows where it was sent.
  if (authority === undefined) return { code: 'request_malformed', detail: 'the request names no host' }
  const host = authority.replace(/:\d*$/, '')
  const target = (path === '*' ? '/' : path) + (query === undefined ? '' : `?${query}`)
  const place = `https://${host}${port === 443 ? '' : `:${port}`}${target}`
  return { status: 308, fields: [['Location', place]], body: '' }
}
