import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compile } from '../../../router/compile/compile.ts'
import { type ExplainRequest, explain, formatExplanation } from '../../../router/compile/explain.ts'
import { createMatcher } from '../../../router/dataplane/match.ts'
import { keyFraction } from '../../../router/kernel/hash.ts'
import type { Live, Plan, Weight } from '../../../router/model/plan.ts'
import { catalogueOf, shiftsOf, sourcesOf, specOf, type World } from './build.ts'

const SALT = '00112233445566778899aabbccddeeff'

function planOf(world: World): Plan {
  const known = { catalogue: catalogueOf(world), sources: sourcesOf(world) }
  return compile(specOf(world), known, shiftsOf(world)).plan
}

function liveWith(weights: Record<string, Weight> = {}): Live {
  return { weights, addresses: {}, notices: [] }
}

const estate: World = {
  upstreams: { clinic: 'legacy', owners: 'service', vets: 'service' },
  functions: {},
  default: 'clinic',
  routes: [
    { id: 'owner-page', match: 'GET /owners/{id}', from: 'clinic', to: 'owners', timeout: 5_000 },
    { id: 'api', match: 'api.test/**', to: 'vets' },
    { id: 'contact', match: '/contact.html', to: 'functions/contact' },
  ],
  operations: {
    'GET /owners/{ownerId}': 'clinic owners',
    'GET /owners/new': 'clinic',
    'POST /owners/new': 'clinic',
    'GET /vets.html': 'clinic vets',
  },
}

function ask(method: string, url: string, more: Partial<ExplainRequest> = {}, live = liveWith()) {
  return explain(planOf(estate), live, { method, url, headers: [], ...more })
}

describe('explain', () => {
  it('names the rule, why it decides, and what it beat', () => {
    const explanation = ask('GET', '/owners/new')
    expect(explanation).toMatchObject({
      outcome: 'forwarded',
      upstream: 'clinic',
      request: { method: 'GET', host: '', path: '/owners/new', key: '/owners/new' },
      rule: { id: 'operation:GET /owners/new', origin: 'operation', match: 'GET /owners/new', action: 'clinic' },
      why: expect.stringContaining('route "owner-page" covers GET /owners/new, which owners is not known to implement'),
    })
    expect(explanation.beat.map(({ id, lost }) => [id, lost])).toEqual([
      ['route:owner-page', 'segment 2: "new" comes before {id}'],
      ['default', 'the default comes last'],
    ])
    expect(explanation.unmatched.map(({ id, lost }) => [id, lost])).toEqual([
      ['operation:POST /owners/new', 'is for POST'],
      ['kept:api:GET /owners/new', 'needs host api.test'],
      ['kept:api:POST /owners/new', 'needs host api.test'],
      ['kept:api:GET /owners/{}', 'needs host api.test'],
      ['route:api', 'needs host api.test'],
    ])
  })

  it('says which upstream a shift gives a request to, and how a key decides', () => {
    const weight = (share: number, active = true) => liveWith({ 'owner-page': { weight: share, salt: SALT, active } })
    expect(ask('GET', '/owners/7')).toMatchObject({ upstream: 'clinic', shift: { weight: 0, active: false } })
    expect(ask('GET', '/owners/7', {}, weight(1))).toMatchObject({ upstream: 'owners' })
    expect(ask('GET', '/owners/7', {}, weight(0.25, false))).toMatchObject({ upstream: 'clinic' })
    const open = ask('GET', '/owners/7', {}, weight(0.25))
    expect(open).not.toHaveProperty('upstream')
    expect(open.shift?.decides).toContain('25 % of visitors go to owners')
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const fraction = keyFraction(SALT, key)
      expect(ask('GET', '/owners/7', { key }, weight(0.25))).toMatchObject({
        upstream: fraction < 0.25 ? 'owners' : 'clinic',
        shift: { fraction },
      })
    }
  })

  it('tells what the override header does', () => {
    const headers: [string, string][] = [['X-Banyan-Arm', 'candidate']]
    expect(ask('GET', '/owners/7', { headers }).shift?.decides).toContain('x-banyan-arm is ignored')
  })

  it.each([
    ['/a/../../b', 'leads above the root', 'refused'],
    ['/contact.html', 'functions/contact does not exist', 'unavailable'],
  ])('%s: %s', (url, why, outcome) => {
    expect(ask('GET', url)).toMatchObject({ outcome, why: expect.stringContaining(why) })
    expect(ask('GET', url)).not.toHaveProperty('upstream')
  })

  it('lists the policies of the route in the order in which they act, without the values of fields', () => {
    const policies = {
      responseHeaders: { remove: ['Server'] },
      rewrite: { prefix: { from: '/v2', to: '' } },
      requestHeaders: { set: { 'x-key': 'secret' } },
      maxBody: { bytes: 10 },
    }
    const plan = planOf({ upstreams: { a: 'service' }, routes: [{ match: 'GET /v2/**', to: 'a', policies }] })
    const explanation = explain(plan, liveWith(), { method: 'GET', url: '/v2/b', headers: [] })
    expect(explanation.policies.slice(0, 4)).toEqual([
      'maxBody: bodies over 10 bytes are refused with 413',
      'requestHeaders: sets x-key',
      'rewrite: path prefix /v2 becomes /',
      'responseHeaders: removes Server',
    ])
    expect(JSON.stringify(explanation)).not.toContain('secret')
  })

  it('says that a route answers itself', () => {
    const policies = { redirect: { to: '/new', status: 308 } }
    const plan = planOf({ upstreams: { a: 'service' }, routes: [{ match: '/old', to: '', policies }] })
    const explanation = explain(plan, liveWith(), { method: 'GET', url: '/old', headers: [] })
    expect(explanation).toMatchObject({ outcome: 'answered', status: 308, policies: ['redirect: redirects with 308'] })
    expect(explanation).not.toHaveProperty('upstream')
    expect(formatExplanation(explanation)).toContain('→  308')
  })

  it('says so where nobody takes it', () => {
    const plan = planOf({ upstreams: { a: 'service' }, routes: [{ match: 'GET /a', to: 'a' }] })
    const explanation = explain(plan, liveWith(), { method: 'GET', url: '/b', headers: [] })
    expect(explanation).toMatchObject({ outcome: 'not-found', why: expect.stringContaining('404') })
  })

  it.each([
    ['http://API.test:8080/vets.html;jsessionid=1?x=2#top', [], 'route:api', '/vets.html;jsessionid=1'],
    ['/vets.html', [['host', 'api.test:80']], 'route:api', '/vets.html'],
    ['http://www.test', [['host', 'api.test']], 'default', '/'],
    ['//vets.html/', [], 'operation:GET /vets.html', '//vets.html/'],
  ] as [string, [string, string][], string, string][])('reads %s as the wire would', (url, headers, rule, path) => {
    expect(ask('GET', url, { headers })).toMatchObject({ rule: { id: rule }, request: { path } })
  })

  it('formats for people', () => {
    expect(formatExplanation(ask('GET', '/owners/7;x=1'))).toBe(
      [
        'GET /owners/7;x=1  →  clinic',
        '  because     route "owner-page" moves it from clinic to owners',
        '  rule        route:owner-page',
        '  matches     GET /owners/{id}',
        '  written     /estate/banyan.yaml:10:5',
        '  shift       not under way: clinic serves all of it',
        '  matched as  /owners/7',
        '  then        timeouts in ms: connect 1, first byte 2, idle 3, total 5000',
        '              Location, Content-Location, Refresh and Link are rewritten',
        '              Set-Cookie is rewritten',
        '  it beat:',
        '    /**  clinic  (default): the default comes last',
        '  these did not match:',
        '    GET api.test/owners/{ownerId}  clinic → owners  (kept:api:GET /owners/{}): needs host api.test',
        '    api.test/**                    vets  (route:api): needs host api.test',
      ].join('\n'),
    )
  })

  it('agrees with the matcher over random plans, and every rule it beat is named with a reason', () => {
    fc.assert(
      fc.property(anyWorld, fc.constantFrom(...METHODS), anyPath, (world, method, url) => {
        const plan = planOf(world)
        const index = createMatcher(plan.rules, plan.settings).match({ host: '', method, key: url })
        const explanation = explain(plan, liveWith(), { method, url, headers: [] })
        expect(explanation.rule?.id).toBe(index === undefined ? undefined : plan.rules[index]?.id)
        for (const runner of explanation.beat) expect(runner.lost).not.toBe('')
      }),
    )
  })
})

const METHODS = ['GET', 'POST', 'HEAD', 'OPTIONS']
const anyPath = fc.constantFrom('/a', '/a/b', '/a/b/c', '/b/', '/b/a', '/ab')
const template = fc.constantFrom('/a', '/a/{x}', '/{x}/b', '/a/b', '/a/**', '/**', '/a{x}', '/{x}', '/b/', '/b/{x}')
const upstream = fc.constantFrom('a', 'b', 'c')
const anyWorld: fc.Arbitrary<World> = fc
  .record({
    routes: fc.uniqueArray(
      fc.record({ method: fc.constantFrom('', 'GET ', 'POST '), template, to: upstream, capture: fc.boolean() }),
      { maxLength: 6, selector: (route) => route.method + route.template },
    ),
    operations: fc.dictionary(
      fc.tuple(fc.constantFrom('GET', 'POST'), template).map(([method, path]) => `${method} ${path}`),
      fc.uniqueArray(upstream, { minLength: 1 }).map((names) => names.join(' ')),
      { maxKeys: 8 },
    ),
  })
  .map(({ routes, operations }) => ({
    upstreams: { a: 'legacy', b: 'service', c: 'service' },
    default: 'a',
    routes: routes.map(({ method, template: path, to, capture }) => ({ match: `${method}${path}`, to, capture })),
    operations,
  }))
