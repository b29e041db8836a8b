import { createHash, timingSafeEqual } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'

/** A caller who may use the admin API, and what for. */
export type Caller = { readonly name: string; readonly role: 'read' | 'operate' }

export type GuardOptions = {
  /** Names under which this API is reached without a token: `127.0.0.1`, `localhost`, the configured host. */
  readonly hosts: readonly string[]
  /** Token values by name, none of them empty; no tokens: the loopback address is trust enough. */
  readonly tokens: readonly { readonly name: string; readonly value: string; readonly role: 'read' | 'operate' }[]
}

export type AdminEnv = { Variables: { caller: Caller } }

/**
 * Shuts the admin door. Where tokens are configured, one of them is needed, which no page of another site has, under
 * whatever name the API is reached. Otherwise `Host` must be a name of ours, so that a rebound DNS name does not reach
 * us. `Origin`, where a browser sends one, must be our own, and changes must be JSON, which a plain form on another
 * page cannot send.
 */
export function guard(options: GuardOptions): MiddlewareHandler<AdminEnv> {
  const tokens = options.tokens.map((token) => ({ ...token, digest: digest(token.value) }))
  return async (c, next) => {
    const host = c.req.header('host') ?? ''
    if (tokens.length === 0 && !options.hosts.includes(hostName(host))) {
      return refuse(
        c,
        403,
        'host_not_ours',
        `Host "${host}" is not a name of this admin API; known: ${options.hosts.join(', ')}`,
      )
    }
    const origin = c.req.header('origin')
    if (origin !== undefined && origin !== `http://${host}`) {
      return refuse(c, 403, 'origin_not_ours', `Origin "${origin}" may not use this admin API`)
    }
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD') {
      const type = c.req.header('content-type') ?? ''
      if (!/^application\/json\s*(;|$)/i.test(type)) {
        return refuse(c, 415, 'json_only', `Content-Type "${type}" is not application/json`)
      }
    }
    const caller = callerOf(tokens, c.req.header('authorization'))
    if (caller === undefined) {
      c.header('WWW-Authenticate', 'Bearer realm="banyan"')
      return refuse(
        c,
        401,
        'token_needed',
        'this admin API needs a token: Authorization: Bearer TOKEN, or BANYAN_TOKEN',
      )
    }
    if (caller.role === 'read' && c.req.method !== 'GET' && c.req.method !== 'HEAD') {
      return refuse(c, 403, 'read_only', `token "${caller.name}" may read, not operate`)
    }
    c.set('caller', caller)
    return next()
  }
}

/** Answers with problem+json, the form of every error of this API. */
export function refuse(c: Context, status: 400 | 401 | 403 | 404 | 409 | 415 | 503, code: string, detail: string) {
  return c.json({ type: 'about:blank', title: code, status, detail }, status, {
    'content-type': 'application/problem+json',
  })
}

function callerOf(
  tokens: readonly { readonly name: string; readonly role: 'read' | 'operate'; readonly digest: Buffer }[],
  authorization: string | undefined,
): Caller | undefined {
  if (tokens.length === 0) return { name: 'local', role: 'operate' }
  const written = /^Bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1]
  if (written === undefined) return undefined
  const given = digest(written)
  // Every token is compared, and digests have one length: the time taken tells nothing about any of them.
  let found: Caller | undefined
  for (const token of tokens) if (timingSafeEqual(token.digest, given)) found = { name: token.name, role: token.role }
  return found
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest()
}

function hostName(host: string): string {
  return host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase()
}
