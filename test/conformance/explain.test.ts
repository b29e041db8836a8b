import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { compile } from '../../router/compile/compile.ts'
import { type Explanation, explain } from '../../router/compile/explain.ts'
import { createDataplane, type Dataplane } from '../../router/dataplane/dataplane.ts'
import { KeyCookies } from '../../router/dataplane/key-cookie.ts'
import { systemClock } from '../../router/kernel/clock.ts'
import { silentLog } from '../../router/kernel/log.ts'
import type { Live, Plan, Published } from '../../router/model/plan.ts'
import { catalogueOf, shiftsOf, sourcesOf, specOf, type World, type WrittenRoute } from '../unit/compile/build.ts'
import { type Namer, startNamer, type WireAnswer, wireClient } from './fixtures/wire-table.ts'

const TABLES = 1_000
const NAMES = ['clinic', 'owners', 'vets', 'functions/feed'] as const
const SIGNING_KEY = randomBytes(32)
const cookies = new KeyCookies(SIGNING_KEY, randomBytes)

let dataplane: Dataplane
let client: ReturnType<typeof wireClient>
let namers: ReadonlyMap<string, Namer>

beforeAll(async () => {
  namers = new Map(await Promise.all(NAMES.map(async (name) => [name, await startNamer(name)] as const)))
  dataplane = createDataplane({
    clock: systemClock,
    random: Math.random,
    randomBytes,
    log: silentLog,
    signingKey: SIGNING_KEY,
  })
  client = wireClient((await dataplane.listen({ host: '127.0.0.1', port: 0 })).port)
})
afterAll(async () => {
  client.close()
  await dataplane.close()
  for (const namer of namers.values()) namer.close()
})

type Asked = {
  readonly method: string
  readonly target: string
  readonly headers: readonly (readonly [string, string])[]
  readonly hasKey: boolean
}

type Share = { readonly weight: number; readonly active: boolean }

/** What changes without a new plan. */
type Moment = { readonly shares: readonly Share[]; readonly functionServes: boolean }

/** The compiled plan, with every upstream where its namer listens. */
function publish(world: World, { shares, functionServes }: Moment, revision: number): Published {
  const known = { catalogue: catalogueOf(world), sources: sourcesOf(world) }
  const records = shiftsOf(world)
  const { plan } = compile(specOf(world), known, records)
  const at = (name: string) => ({ host: '127.0.0.1', port: namers.get(name)?.port ?? 0 })
  const upstreams = plan.upstreams.map((upstream): Plan['upstreams'][number] => ({
    ...upstream,
    endpoints: upstream.endpoints.map((endpoint) =>
      endpoint.kind === 'symbol' ? endpoint : { ...endpoint, ...at(upstream.name) },
    ),
    timeouts: { connect: 5_000, firstByte: 5_000, idle: 5_000, total: undefined },
  }))
  const moving = plan.rules.flatMap(({ action }) => (action.kind === 'shift' ? [action.shift] : []))
  const salt = records[0]?.salt ?? '0123456789abcdef0123456789abcdef'
  const weights = [...new Set(moving)].map((id, index) => {
    const share = shares[index % shares.length] ?? { weight: 0, active: false }
    return [id, { ...share, salt }] as const
  })
  const addresses = { 'functions/feed': functionServes ? [at('functions/feed')] : [] }
  const live: Live = { weights: Object.fromEntries(weights), addresses, notices: [] }
  return { revision, hash: String(revision), plan: { ...plan, upstreams }, live }
}

/** Who may answer, and with which status, according to the explanation. */
function expected({ upstream, status, shift }: Explanation, { functionServes }: Moment): readonly WireAnswer[] {
  if (status !== undefined) return [{ status, servedBy: undefined }]
  // Without an upstream it depends on a key that the client does not have yet.
  const possible = upstream === undefined ? [shift?.incumbent, shift?.candidate] : [upstream]
  return possible.map((servedBy) =>
    servedBy === 'functions/feed' && !functionServes ? { status: 503, servedBy: undefined } : { status: 200, servedBy },
  )
}

it('the upstream that explain names is the one that answers on the wire', async () => {
  let revision = 0
  const seen = new Map<string, number>()
  const check = async (world: World, moment: Moment, requests: readonly Asked[]): Promise<void> => {
    revision += 1
    const published = publish(world, moment, revision)
    await dataplane.apply(published)
    for (const { method, target, headers, hasKey } of requests) {
      const key = hasKey ? cookies.mint() : undefined
      const cookie = key === undefined ? [] : [['Cookie', `a=b; banyan-key=${key.value}`] as const]
      const explained = explain(published.plan, published.live, { method, url: target, headers, key: key?.id })
      const fields = [...headers, ...cookie].map(([name, value]) => `${name}: ${value}\r\n`).join('')
      const answer = await client.ask(method, `${method} ${target} HTTP/1.1\r\n${fields}\r\n`)
      expect(expected(explained, moment), `${method} ${target} ${fields}`).toContainEqual(answer)
      const kind = answer.servedBy ?? String(answer.status)
      seen.set(kind, (seen.get(kind) ?? 0) + 1)
    }
  }
  const requests = fc.array(asked, { minLength: 5, maxLength: 8 })
  await fc.assert(fc.asyncProperty(anyWorld, anyMoment, requests, check), { numRuns: TABLES })
  // Every way a request can end was among them.
  expect([...seen.keys()].sort()).toEqual([...NAMES, '204', '400', '404', '405', '503'].sort())
}, 60_000)

const share = fc.record({ weight: fc.constantFrom(0, 0.25, 0.5, 0.75, 1), active: fc.boolean() })
const anyMoment: fc.Arbitrary<Moment> = fc.record({
  shares: fc.array(share, { minLength: 1, maxLength: 3 }),
  functionServes: fc.constantFrom(true, true, true, false),
})

const segment = fc.constantFrom('owners', 'vets', 'new', '{id}', '{id}', 'a{x}', 'a%2Fb', 'Vets')
const path = fc
  .tuple(fc.array(segment, { maxLength: 3 }), fc.constantFrom('', '', '/', '/**'))
  .map(([segments, end]) => (segments.length === 0 ? (end === '/**' ? '/**' : '/') : `/${segments.join('/')}${end}`))
const place = fc.oneof(
  { weight: 9, arbitrary: path },
  { weight: 1, arbitrary: fc.constantFrom('~/o.*', '~/[av].*', '~/owners/[0-9]+', '~/.+') },
)
const words = (...choices: readonly string[]) => fc.constantFrom('', '', '', ...choices)
const match = fc
  .record({
    methods: words('GET', 'POST', 'HEAD', 'OPTIONS', 'GET,POST'),
    host: words('a.test', 'b.a.test', '*.test', '*.a.test'),
    place,
    header: words('x-beta=1', 'x-beta~[12]', 'x-beta', '!x-beta', 'origin'),
    query: words('?v=1', '?v~[12]', '?v', '?!v'),
  })
  .map(({ methods, host, place: at, header, query }) =>
    [methods, `${host}${at}`, header, query].filter((word) => word !== '').join(' '),
  )
const named = fc.constantFrom(...NAMES)
const broken = fc.constantFrom('functions/broken', 'functions/nowhere')
const route: fc.Arbitrary<WrittenRoute> = fc
  .record({
    match,
    to: fc.oneof({ weight: 12, arbitrary: named }, { weight: 1, arbitrary: broken }),
    from: fc.option(named, { freq: 2, nil: undefined }),
    capture: fc.boolean(),
  })
  .map(({ from, ...rest }) => (from === undefined ? rest : { ...rest, from }))
const operation = fc
  .tuple(fc.constantFrom('GET', 'GET', 'POST', 'OPTIONS'), path, named, fc.array(named, { maxLength: 2 }))
  .map(([method, at, owner, others]) => [`${method} ${at}`, [owner, ...others].join(' ')] as const)

const anyWorld: fc.Arbitrary<World> = fc
  .record({
    default: fc.option(fc.constant('clinic'), { freq: 3, nil: undefined }),
    insensitive: fc.boolean(),
    routes: fc.uniqueArray(route, { maxLength: 10, selector: (one) => one.match }),
    operations: fc.array(operation, { maxLength: 8 }),
    // Records of shifts that nobody wrote a route for, as `shift start` on an operation makes them.
    shifts: fc.uniqueArray(fc.record({ match, from: named, to: named }), {
      maxLength: 2,
      selector: (one) => one.match,
    }),
  })
  .map(({ default: fallback, insensitive, operations, ...rest }) => ({
    ...rest,
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(insensitive ? { paths: 'insensitive' as const } : {}),
    operations: Object.fromEntries(operations),
    upstreams: { clinic: 'legacy', owners: 'service', vets: 'service' },
    functions: { feed: 'loaded', broken: 'does not load' },
  }))

const written = fc.constantFrom(
  ...[
    'owners',
    'vets',
    'new',
    '7',
    'ax',
    'VETS',
    '%6Fwners',
    '%6fwners',
    'vets;v=1',
    ';jsessionid=1',
    'a%2fb',
    'a%2Fb',
  ],
  ...['', '.', '..', '..;x', '%zz', '%00', '%2e%2e', 'a|b', 'a\\b', 'd%C3%A9', '~me', '%7Eme'],
)
const plain = fc.constantFrom('owners', 'vets', 'new', '7', 'ax')
const target = fc
  .record({
    scheme: fc.constantFrom('', '', '', '', 'http://a.test', 'http://B.A.test:8080', 'HTTPS://c.b.a.test'),
    segments: fc.array(fc.oneof({ weight: 3, arbitrary: plain }, { weight: 1, arbitrary: written }), { maxLength: 4 }),
    end: fc.constantFrom('', '', '', '/', '//', ';a=b/'),
    query: fc.constantFrom('', '', '?v=1', '?v=%31', '?v=3&v=1', '?w=1&v=2', '?v', '?', '?%76=2', '?v=%zz'),
  })
  .map(({ scheme, segments, end, query }) => `${scheme}/${segments.join('/')}${end}${query}`)
const fieldsAsked: fc.Arbitrary<Asked['headers']> = fc.oneof(
  fc.constantFrom(
    [],
    [],
    [['x-beta', '1']] as const,
    [['X-Beta', '2']] as const,
    [['Origin', 'http://a.test']] as const,
  ),
  fc.constant([['x-beta', '1'] as const, ['X-Beta', '2'] as const]),
  fc
    .constantFrom('GET', 'POST', 'HEAD', 'PURGE')
    .map((method) => [['origin', 'http://a.test'] as const, ['Access-Control-Request-Method', method] as const]),
)
const asked: fc.Arbitrary<Asked> = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'POST', 'HEAD', 'HEAD', 'OPTIONS', 'OPTIONS', 'PURGE', 'TRACE'),
  target: fc.oneof(
    { weight: 24, arbitrary: target },
    { weight: 1, arbitrary: fc.constantFrom('*', 'http://a.test', 'http://a.test?v=1') },
  ),
  headers: fc
    .tuple(fc.constantFrom('a.test', 'A.test:8080', 'b.a.test', 'c.b.a.test', 'other', '[::1]:80'), fieldsAsked)
    .map(([host, fields]) => [['Host', host] as const, ...fields]),
  hasKey: fc.boolean(),
})
