import type { PlanUpstream } from '../model/plan.ts'
import type { Refusal } from './policies/policy.ts'
import type { Request } from './request.ts'
import type { Rule } from './snapshot.ts'

/** What the rule or its upstream refuses before anything is sent; undefined: nothing. */
export function refusalOf(request: Request, rule: Rule): Refusal | undefined {
  return request.encodedSlash && !keepsEncodedSlash(request.upstream?.plan, rule.isDefault) ? ENCODED_SLASH : undefined
}

/**
 * An encoded slash is a separator to one server and part of a name to the next, so a path that contains one may mean
 * something else behind the router than what was matched. A legacy application that serves all the rest has its own
 * mind about it, and had it before the router came.
 */
export function keepsEncodedSlash(upstream: PlanUpstream | undefined, isDefault: boolean): boolean {
  const { encodedSlash, tier } = upstream ?? {}
  return encodedSlash === undefined ? isDefault && tier === 'legacy' : encodedSlash === 'keep'
}

const ENCODED_SLASH: Refusal = {
  code: 'request_malformed',
  detail: 'the path contains "%2F" or "%5C", which this route does not take',
}
