import { canonicalPath } from '../kernel/canonical.ts'
import type { Instead, Refusal } from './policies/policy.ts'
import type { Request } from './request.ts'
import { endsHere } from './request-fields.ts'
import { OPTIONS_ANSWER } from './respond-local.ts'
import type { Rule } from './snapshot.ts'

/** A request may pass through us twice: a legacy proxy may send it round once. */
const PASSES_LIMIT = 2

/**
 * The rule that takes a request, by its canonical path, which the request notes with it; or what is answered because
 * there is none, or none is needed.
 */
export function ruleFor(request: Request): Rule | Instead {
  const { head, known } = request
  if (known !== undefined) {
    request.sentPath = request.path
    request.rule = known
    return known
  }
  const { table } = request.snapshot
  const away = request.turnedAway()
  if (away !== undefined) return away
  if (head.path === '*' || endsHere(head)) return OPTIONS_ANSWER
  if (request.passes() >= PASSES_LIMIT) return LOOP
  const canonical = canonicalPath(head.path, table.fold)
  if ('error' in canonical) return { code: 'request_malformed', detail: `the path ${canonical.error}` }
  request.path = canonical.path
  request.sentPath = canonical.path
  request.key = canonical.key
  request.encodedSlash = canonical.encodedSlash === true
  const rule = table.rules[table.matcher.match(request) ?? -1]
  if (rule === undefined) return NOBODY
  request.rule = rule
  if (rule.unavailable === undefined) {
    request.known = rule
    return rule
  }
  // The reason may quote a file or an exception, which is for whoever runs the router: its status says it.
  return table.debug ? { code: 'route_unavailable', detail: rule.unavailable } : SET_ASIDE
}

const LOOP: Refusal = { code: 'loop_detected', detail: '' }
const NOBODY: Refusal = {
  code: 'route_not_found',
  detail: 'no route takes this request and nobody implements it',
}
const SET_ASIDE: Refusal = {
  code: 'route_unavailable',
  detail: 'the route is set aside; banyan status says why',
}
