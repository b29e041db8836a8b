import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createMatcher, type MatchRequest } from '../../../router/dataplane/match.ts'
import type { PlanRule } from '../../../router/model/plan.ts'

/**
 * The matcher against the documentation read literally: try every rule, keep those that the request satisfies, take
 * the one whose list of ranks is smallest. The oracle shares no code with the matcher.
 */
it('takes the rule that trying all of them and sorting by precedence takes', () => {
  fc.assert(
    fc.property(
      fc.array(anyRule, { maxLength: 25 }),
      fc.array(anyRequest, { minLength: 1, maxLength: 10 }),
      (found, asked) => {
        const rules = found.map((rule, index) => ({ ...rule, id: String(index).padStart(2, '0') }))
        const matcher = createMatcher(rules, { paths: 'sensitive' })
        for (const request of asked) {
          const expected = oracle(rules, request)
          expect(matcher.match(request)).toBe(expected)
          const chosen = matcher.trace(request).find((rule) => rule.lost === undefined)
          expect(chosen?.index).toBe(expected)
        }
      },
    ),
    { numRuns: 2_000 },
  )
})

function oracle(rules: readonly PlanRule[], request: MatchRequest): number | undefined {
  if (request.method === 'OPTIONS') {
    const method = request.header?.('access-control-request-method')
    if (method !== undefined && request.header?.('origin') !== undefined) return best(rules, request, method)
    return best(rules, request, 'OPTIONS', true) ?? best(rules, request, 'GET')
  }
  return best(rules, request, request.method)
}

function best(rules: readonly PlanRule[], request: MatchRequest, method: string, explicit = false): number | undefined {
  const ranked = rules
    .map((rule, index) => ({ index, rule }))
    .filter(({ rule }) => satisfied(rule, request, method, explicit))
    .map(({ index, rule }) => ({ index, rank: rankOf(rule, method) }))
  ranked.sort((a, b) => {
    for (const [at, part] of a.rank.entries()) {
      const other = b.rank[at]
      if (other === undefined) return 1
      if (part !== other) return part < other ? -1 : 1
    }
    return -1
  })
  return ranked[0]?.index
}

function satisfied({ match }: PlanRule, request: MatchRequest, method: string, explicit: boolean): boolean {
  const { host = request.host, methods } = match
  if (host !== request.host && !(host.startsWith('*') && request.host.endsWith(host.slice(1)))) return false
  if (explicit && methods === undefined) return false
  if (methods !== undefined && !methods.includes(method) && !(method === 'HEAD' && methods.includes('GET')))
    return false
  if (!pathExpression(match.path, match.pathRegex).test(request.key)) return false
  const values = new URLSearchParams(request.query)
  const headers = (match.headers ?? []).every((field) => request.header?.(field.name) === field.value)
  return headers && (match.query ?? []).every((field) => values.get(field.name) === field.value)
}

function pathExpression(path: string | undefined, regex: string | undefined): RegExp {
  if (path === undefined) return new RegExp(`^(?:${regex})/?$`)
  if (path === '/') return /^\/$/
  const source = path
    .replace(/[.]/g, '\\.')
    .replace(/\{.\}/g, '[^/]+')
    .replace(/\/\*\*$/, '(?:/.*)?')
  return new RegExp(path.endsWith('/') ? `^${source}$` : `^${source}/?$`)
}

/** Smaller is better, compared place by place. */
function rankOf({ id, match, origin }: PlanRule, method: string): (number | string)[] {
  const { host, methods, headers = [], query = [] } = match
  const segments = (match.path ?? '').split('/').slice(1)
  const slash = segments.length > 1 && segments.at(-1) === ''
  if (slash || match.path === '/') segments.pop()
  const path = segments.flatMap((segment): (number | string)[] => {
    if (segment === '**') return [9, 0, 0]
    if (segment === '{x}') return [2, 0, 0]
    const parameters = segment.split('{').length - 1
    if (parameters === 0) return [0, 0, 0]
    return [1, -segment.replace(/\{.\}/g, '').length, segment.replace(/\{.\}/g, '{}')]
  })
  return [
    origin === 'default' ? 1 : 0,
    host === undefined ? 2 : host.startsWith('*') ? 1 : 0,
    host === undefined ? 0 : -host.length,
    match.path === undefined ? 1 : 0,
    match.path === undefined ? -(match.pathRegex ?? '').length : 0,
    match.path === undefined ? (match.pathRegex ?? '') : '',
    ...(match.path === undefined ? [] : [...path, ...(segments.at(-1) === '**' ? [] : [3, slash ? 0 : 1])]),
    method === 'HEAD' && methods?.includes('HEAD') ? 0 : 1,
    methods === undefined ? 1 : 0,
    -headers.length,
    -query.length,
    id,
  ]
}

const segment = fc.constantFrom('a', 'b', 'ab', '{x}', '{x}', 'a{x}', '{x}b', 'a{x}b')
const path = fc
  .tuple(fc.array(segment, { maxLength: 3 }), fc.constantFrom('', '', '/', '/**'))
  .map(([segments, end]) => (segments.length === 0 ? (end === '/**' ? '/**' : '/') : `/${segments.join('/')}${end}`))
const place = fc.oneof(
  { weight: 9, arbitrary: path.map((text) => ({ path: text })) },
  { weight: 1, arbitrary: fc.constantFrom('/a.*', '/a/[ab]', '/.+', '/ab/').map((text) => ({ pathRegex: text })) },
)
const field = (name: string) => fc.constantFrom('1', '2').map((value) => ({ name, kind: 'exact' as const, value }))
const fields = fc.constantFrom('x', 'y').chain((name) => fc.array(field(name), { minLength: 1, maxLength: 1 }))
const optional = <T>(key: string, value: fc.Arbitrary<T>) =>
  fc.option(value, { nil: undefined, freq: 3 }).map((it) => (it === undefined ? {} : { [key]: it }))

const anyRule: fc.Arbitrary<PlanRule> = fc
  .record({
    place,
    host: optional('host', fc.constantFrom('a.t', 'b.a.t', '*.t', '*.a.t')),
    methods: optional('methods', fc.constantFrom(['GET'], ['POST'], ['HEAD'], ['OPTIONS'], ['GET', 'POST'])),
    headers: optional('headers', fields),
    query: optional('query', fields),
    origin: fc.constantFrom<PlanRule['origin']>('route', 'route', 'route', 'route', 'route', 'route', 'default'),
  })
  .map(({ place, host, methods, headers, query, origin }) => ({
    id: '',
    origin,
    match: origin === 'default' ? { path: '/**' } : { ...place, ...host, ...methods, ...headers, ...query },
    action: { kind: 'forward', upstream: 'x' },
    timeouts: {},
    because: '',
  }))

const anyRequest: fc.Arbitrary<MatchRequest> = fc
  .record({
    host: fc.constantFrom('a.t', 'b.a.t', 'c.b.a.t', 't', 'x'),
    method: fc.constantFrom('GET', 'GET', 'POST', 'HEAD', 'OPTIONS', 'PUT'),
    key: fc
      .tuple(fc.array(fc.constantFrom('a', 'b', 'ab', 'aab', 'c'), { maxLength: 4 }), fc.constantFrom('', '', '/'))
      .map(([segments, end]) => `/${segments.join('/')}${segments.length === 0 ? '' : end}`),
    query: fc.constantFrom(undefined, 'x=1', 'x=2&y=1', 'y=2'),
    fields: fc.constantFrom(
      {},
      { x: '1' },
      { x: '2', y: '1' },
      { origin: 'o', 'access-control-request-method': 'POST' },
      { origin: 'o', 'access-control-request-method': 'HEAD' },
    ),
  })
  .map(({ fields, ...request }) => ({ ...request, header: (name) => new Map(Object.entries(fields)).get(name) }))
