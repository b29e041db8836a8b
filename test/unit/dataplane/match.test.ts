import { describe, expect, it } from 'vitest'
import { buildMatcher, createMatcher, type MatchRequest } from '../../../router/dataplane/match.ts'
import type { PlanRule } from '../../../router/model/plan.ts'
import type { RouteMatch } from '../../../router/model/spec.ts'

/** `GET,POST api.clinic.test/v2/** ?a=1 x-y:1`: methods, host and path, then conditions. `~` starts a regular expression. */
function matchOf(text: string): RouteMatch {
  const words = text.split(' ')
  const methods = /^[A-Z,]+$/.test(words[0] ?? '') ? words.shift()?.split(',').sort() : undefined
  const place = words.shift() ?? ''
  const start = place.search(/[/~]/)
  const path = place.slice(start)
  const fields = (prefix: boolean) =>
    words
      .filter((word) => word.startsWith('?') === prefix)
      .map((word) => word.replace('?', '').split(/[=:]/))
      .map(([name = '', value = '']) => ({ name, kind: 'exact' as const, value }))
  const query = fields(true)
  const headers = fields(false)
  return {
    ...(methods === undefined ? {} : { methods }),
    ...(start > 0 ? { host: place.slice(0, start) } : {}),
    ...(path.startsWith('~') ? { pathRegex: path.slice(1) } : { path }),
    ...(query.length > 0 ? { query } : {}),
    ...(headers.length > 0 ? { headers } : {}),
  }
}

function rule(text: string, match: RouteMatch = matchOf(text)): PlanRule {
  return {
    id: text,
    origin: text === 'default' ? 'default' : 'route',
    match: text === 'default' ? { path: '/**' } : match,
    action: { kind: 'forward', upstream: 'x' },
    timeouts: {},
    because: '',
  }
}

function request(text: string): MatchRequest {
  const [method = '', target = '', ...headers] = text.split(' ')
  const [place = '', query] = target.split('?')
  const start = place.indexOf('/')
  const fields = new Map(headers.map((header) => [header.split(':')[0] ?? '', header.split(':')[1] ?? '']))
  return { method, host: place.slice(0, start), key: place.slice(start), query, header: (name) => fields.get(name) }
}

function winner(rules: readonly string[], asked: string, paths: 'sensitive' | 'insensitive' = 'sensitive') {
  const planned = rules.map((text) => rule(text))
  const index = createMatcher(planned, { paths }).match(request(asked))
  const reversed = createMatcher(planned.toReversed(), { paths }).match(request(asked))
  const name = index === undefined ? undefined : rules[index]
  expect(reversed === undefined ? undefined : rules.toReversed()[reversed]).toBe(name)
  return name
}

describe('paths', () => {
  it.each<[string[], string, string | undefined, string]>([
    [['/a/**', '/a/b'], '/a/b', '/a/b', 'a literal beats a rest'],
    [['/owners/{id}', '/owners/new'], '/owners/new', '/owners/new', 'a literal beats a parameter'],
    [['/owners/*', '/owners/new'], '/owners/7', '/owners/*', 'an unnamed segment takes one segment'],
    [['/vets.{format}', '/{page}'], '/vets.json', '/vets.{format}', 'a partial beats a parameter'],
    [['/vets.{format}', '/vets.html'], '/vets.html', '/vets.html', 'a literal beats a partial'],
    [['/v{x}', '/vets.{x}'], '/vets.json', '/vets.{x}', 'more literal characters win among partials'],
    [['/{base}...{head}'], '/a...b', '/{base}...{head}', 'a partial may hold two parameters'],
    [['/{base}...{head}'], '/...b', undefined, 'a parameter of a partial is never empty'],
    [['/vets.{format}'], '/vets.', undefined, 'nor at its end'],
    [['/a/{x}', '/a/**'], '/a/b', '/a/{x}', 'a parameter beats a rest'],
    [['/a', '/a/**'], '/a', '/a', 'the end of the path beats a rest'],
    [['/a/**'], '/a', '/a/**', 'a rest may be none'],
    [['/a/**'], '/a/b/c/d', '/a/**', 'a rest may be long'],
    [['/**'], '/', '/**', 'a rest takes the root'],
    [['/vets/**'], '/vetsfoo', undefined, 'a prefix knows segments'],
    [['/vets/**'], '/vets.json', undefined, 'a prefix does not take a suffix of a segment'],
    [['/a'], '/a/', '/a', 'one trailing slash is ignored'],
    [['/{x}'], '/a/', '/{x}', 'after a parameter too'],
    [['/a/'], '/a', undefined, 'unless the pattern has it'],
    [['/a', '/a/'], '/a/', '/a/', 'then it beats the one without'],
    [['/{x}', '/{x}/'], '/a/', '/{x}/', 'with parameters too'],
    [['/a', '/{x}/'], '/a/', '/a', 'segments decide before the slash'],
    [['/a/{x}/c', '/a/b/**'], '/a/b/c', '/a/b/**', 'the first difference decides'],
    [['/a/{x}/c', '/a/b/d'], '/a/b/c', '/a/{x}/c', 'a branch that leads nowhere is left again'],
    [['/{a}/b/{c}', '/x/{b}/y', '/**'], '/x/b/z', '/{a}/b/{c}', 'from any depth'],
    [['~/v[0-9]+/.*'], '/v2/x', '~/v[0-9]+/.*', 'a regular expression matches the whole path'],
    [['~/v[0-9]+'], '/v2/x', undefined, 'and not a part of it'],
    [['~/v[0-9]+'], '/v2/', '~/v[0-9]+', 'but for one trailing slash'],
    [['~/v2', '/**'], '/v2', '/**', 'templates come before regular expressions'],
    [['~/v2', 'default'], '/v2', '~/v2', 'and the default after them'],
    [['~/v[0-9]+', '~/v.'], '/v2', '~/v[0-9]+', 'the longest regular expression comes first'],
    [['~/va|/v2', '~/v2|/vb'], '/v2', '~/v2|/vb', 'then the alphabet'],
  ])('%j: %s goes to %s: %s', (rules, path, expected) => expect(winner(rules, `GET h${path}`)).toBe(expected))

  it('folds case where asked', () => {
    expect(winner(['/Owners/{Id}.HTML', '~/V[A-Z]'], 'GET h/owners/x.html', 'insensitive')).toBe('/Owners/{Id}.HTML')
    expect(winner(['/Owners/{Id}.HTML', '~/V[A-Z]'], 'GET h/vx', 'insensitive')).toBe('~/V[A-Z]')
    expect(winner(['/Owners'], 'GET h/owners')).toBeUndefined()
  })
})

describe('hosts', () => {
  const rules = ['/a', 'api.clinic.test/**', '*.clinic.test/a', '*.test/a', '*.api.clinic.test/a']
  it.each<[string, string | undefined, string]>([
    ['api.clinic.test/a', 'api.clinic.test/**', 'an exact host beats everything about the path'],
    ['api.clinic.test/x', 'api.clinic.test/**', 'an exact host'],
    ['www.clinic.test/a', '*.clinic.test/a', 'the longer wildcard first'],
    ['x.api.clinic.test/a', '*.api.clinic.test/a', 'a wildcard takes several labels, the longest pattern first'],
    ['clinic.test/a', '*.test/a', 'a wildcard does not take its own suffix'],
    ['other.org/a', '/a', 'no host takes any'],
    ['/a', '/a', 'also none'],
    ['www.clinic.test/b', undefined, 'a host that matches does not make the path match'],
  ])('%s goes to %s: %s', (asked, expected) => expect(winner(rules, `GET ${asked}`)).toBe(expected))

  it('falls back to a worse host where the better one has no rule for the path', () => {
    expect(winner(['x.test/a', '*.test/b', '/c'], 'GET x.test/b')).toBe('*.test/b')
    expect(winner(['x.test/a', '*.test/b', '/c'], 'GET x.test/c')).toBe('/c')
  })
})

describe('methods', () => {
  it.each([
    [['GET /a', '/a'], 'GET /a', 'GET /a', 'given beats not given'],
    [['GET /a', '/a'], 'POST /a', '/a', 'a method that differs is no match'],
    [['GET /a', 'default'], 'POST /a', 'default', 'and leads to no 405'],
    [['GET /a/b', '/a/**'], 'POST /a/b', '/a/**', 'a less specific rule takes it'],
    [['GET /a', '/a'], 'HEAD /a', 'GET /a', 'HEAD follows GET'],
    [['GET /a', 'HEAD /a'], 'HEAD /a', 'HEAD /a', 'unless a rule names HEAD'],
    [['POST /a', '/**'], 'HEAD /a', '/**', 'and follows nothing else'],
    [['GET /a', '/a'], 'PROPFIND /a', '/a', 'unknown methods are methods'],
    [['PROPFIND /a', '/a'], 'PROPFIND /a', 'PROPFIND /a', 'that a rule may name'],
    [['GET /a', 'POST /a', 'OPTIONS /**'], 'OPTIONS /a', 'OPTIONS /**', 'OPTIONS goes to a rule that names it'],
    [['GET /a', 'POST /a', '/**'], 'OPTIONS /a', 'GET /a', 'else where GET goes'],
    [['POST /a', '/**'], 'OPTIONS /a', '/**', 'else to a rule without methods'],
    [['POST /a', 'default'], 'OPTIONS /a', 'default', 'else to the default'],
    [
      ['GET /a', 'POST /a', 'OPTIONS /a'],
      'OPTIONS /a origin:x access-control-request-method:POST',
      'POST /a',
      'a preflight follows the method it asks for',
    ],
    [['GET /a', '/**'], 'OPTIONS /a origin:x access-control-request-method:HEAD', 'GET /a', 'HEAD there follows GET'],
    [['GET /a', '/**'], 'OPTIONS /a origin:x access-control-request-method:PUT', '/**', 'and nothing else'],
    [
      ['GET /a', 'OPTIONS /a'],
      'OPTIONS /a access-control-request-method:GET',
      'OPTIONS /a',
      'no preflight without Origin',
    ],
  ])('%j: %s goes to %s: %s', (rules, asked, expected) => expect(winner(rules, asked)).toBe(expected))
})

describe('headers and query', () => {
  it.each([
    [['/a', '/a x:1'], 'GET /a x:1', '/a x:1', 'a header match beats none'],
    [['/a x:1', '/a x:1 y:2'], 'GET /a x:1 y:2', '/a x:1 y:2', 'more beat fewer'],
    [['/a x:1', '/a'], 'GET /a x:2', '/a', 'a value that differs is no match'],
    [['GET /a', '/a x:1'], 'GET /a x:1', 'GET /a', 'methods come before headers'],
    [['/a ?q=1 ?r=2', '/a x:1'], 'GET /a?q=1&r=2 x:1', '/a x:1', 'headers come before query'],
    [['/a ?q=1', '/a'], 'GET /a?r=0&q=1', '/a ?q=1', 'a query match beats none'],
    [['/a ?q=1', '/a'], 'GET /a?q=2&q=1', '/a', 'the first value of a parameter counts'],
    [['/a ?q=a&b', '/a'], 'GET /a?%71=a%26b', '/a ?q=a&b', 'names and values are decoded'],
    [['/a/b x:1', '/a/{y}', '/a/**'], 'GET /a/b', '/a/{y}', 'a more specific path is left when its conditions fail'],
  ])('%j: %s goes to %s: %s', (rules, asked, expected) => expect(winner(rules, asked)).toBe(expected))

  const present = (value: boolean) => rule('/a', { path: '/a', headers: [{ name: 'X', kind: 'present', value }] })
  const regex = rule('/a', { path: '/a', query: [{ name: 'q', kind: 'regex', value: '[0-9]+' }] })
  it.each([
    [present(true), 'GET /a x:', true],
    [present(true), 'GET /a', false],
    [present(false), 'GET /a', true],
    [present(false), 'GET /a x:1', false],
    [regex, 'GET /a?q=12', true],
    [regex, 'GET /a?q=12x', false],
    [regex, 'GET /a', false],
  ])('%j: %s', (planned, asked, expected) => {
    expect(createMatcher([planned], { paths: 'sensitive' }).match(request(asked)) === 0).toBe(expected)
  })

  it('asks for a header only where a rule needs it', () => {
    const asked: string[] = []
    const matcher = createMatcher([rule('/a x:1'), rule('/a'), rule('/b y:1'), rule('/b')], { paths: 'sensitive' })
    const header = (name: string) => {
      asked.push(name)
      return undefined
    }
    expect(matcher.match({ method: 'GET', host: '', key: '/b', header })).toBe(3)
    expect(asked).toEqual(['y'])
  })
})

describe('trace', () => {
  it('tells every rule considered, best first, and why it lost', () => {
    const texts = [
      '/**',
      'GET /owners/{id}',
      '/owners/new x:1',
      'POST /owners/new',
      'api.test/owners/**',
      '/owners/new/',
      '~/o.*',
      '/vets',
    ]
    const matcher = createMatcher(
      texts.map((text) => rule(text)),
      { paths: 'sensitive' },
    )
    const asked = request('GET www.test/owners/new')
    expect(matcher.trace(asked).map(({ index, ...rest }) => ({ rule: texts[index], ...rest }))).toEqual([
      { rule: 'POST /owners/new', lost: 'method', detail: 'is for POST' },
      { rule: '/owners/new x:1', lost: 'header', detail: 'needs header x: 1' },
      { rule: '/owners/new/', lost: 'path', detail: 'needs a trailing slash' },
      { rule: 'GET /owners/{id}' },
      { rule: '/**', lost: 'precedence' },
      { rule: '~/o.*', lost: 'precedence' },
      { rule: 'api.test/owners/**', lost: 'host', detail: 'needs host api.test' },
    ])
    expect(matcher.match(asked)).toBe(1)
  })
})

describe('buildMatcher', () => {
  it('pauses after every rule and gives the same matcher', async () => {
    const rules = Array.from({ length: 50 }, (_, index) => rule(`/a/${index}/{x}`))
    let pauses = 0
    const matcher = await buildMatcher(rules, { paths: 'sensitive' }, () => {
      pauses++
      return pauses % 10 === 0 ? Promise.resolve() : undefined
    })
    expect(pauses).toBe(50)
    expect(rules.map((_, index) => matcher.match(request(`GET /a/${index}/y`)))).toEqual(rules.map((_, index) => index))
  })

  it('refuses a rule whose path is no template', () => {
    expect(() => createMatcher([rule('/a/**/b')], { paths: 'sensitive' })).toThrow('may only be the last segment')
  })
})
