import type { ErrorCode } from '../kernel/errors.ts'
import type { Request } from './request.ts'
import type { Rule } from './snapshot.ts'

/** Why a request is not sent to the upstream that would serve it. */
export type Refusal = { readonly code: ErrorCode; readonly detail: string }

/** What the rule or its upstream refuses before anything is sent; undefined: nothing. */
export function refusalOf(request: Request, rule: Rule): Refusal | undefined {
  if (request.encodedSlash && !keepsEncodedSlash(request, rule)) return ENCODED_SLASH
  // Before anything is sent, and so before the upstream could ask for the body with `100 Continue` (H10).
  if (rule.maxBody !== undefined && request.head.length > rule.maxBody) return { code: 'body_too_large', detail: '' }
  return undefined
}

/**
 * An encoded slash is a separator to one server and part of a name to the next, so a path that contains one may mean
 * something else behind the router than what was matched. A legacy application that serves all the rest has its own
 * mind about it, and had it before the router came.
 */
function keepsEncodedSlash({ upstream }: Request, rule: Rule): boolean {
  const { encodedSlash, tier } = upstream?.plan ?? {}
  return encodedSlash === undefined ? rule.isDefault && tier === 'legacy' : encodedSlash === 'keep'
}

const ENCODED_SLASH: Refusal = {
  code: 'request_malformed',
  detail: 'the path contains "%2F" or "%5C", which this route does not take',
}
