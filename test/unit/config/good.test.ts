import { describe, expect, it } from 'vitest'
import { decode, specOf, withRoute } from './decoding.ts'

const EXAMPLE = `# yaml-language-server: $schema=banyan.schema.json
listen:
  - port: 8080
  - { port: \${PORT2:-8081}, host: 127.0.0.1 }
admin: { port: 9080 }
status: { port: 9081 }
processes: auto
state: sqlite:.banyan/state.db
trustedProxies: [10.0.0.0/8, 192.0.2.7]
overrides: { from: [10.0.0.0/8] }
default: clinic

upstreams:
  clinic:
    tier: legacy
    url: http://10.0.0.12:8080
    discover: { mappings: /manage/mappings }
  vets:
    tier: service
    urls: [http://10.0.0.20, "http://[::1]:3000/app/"]
    discover: { openapi: auto }
    timeout: { connect: 500ms, total: 1m }
    hostHeader: upstream

functions: ./functions

routes:
  - path: /vets.html
    methods: [get]
    from: clinic
    to: vets
    shift: canary
  - path: /owners/{ownerId}/pets/**
    to: clinic
    timeout: 5s
  - host: API.clinic.test
    path: /v2/**
    to: vets
  - path: /contact.html
    methods: [POST, GET]
    to: functions/contact
    capture: true

discovered:
  adopt: never
`.replace('{ port: ${PORT2:-8081}', '{ port: "${PORT2:-8081}"')

describe('a good file', () => {
  const spec = specOf(EXAMPLE)

  it('gives the settings with their defaults', () => {
    expect({ ...spec, upstreams: [], routes: [], fileHash: '' }).toEqual({
      file: '/srv/banyan.yaml',
      fileHash: '',
      listen: [
        { host: undefined, port: 8080 },
        { host: '127.0.0.1', port: 8081 },
      ],
      admin: { host: '127.0.0.1', port: 9080, tokens: [] },
      status: { host: undefined, port: 9081 },
      processes: 2,
      state: { kind: 'sqlite', path: '/srv/.banyan/state.db', folder: '/srv/.banyan' },
      trustedProxies: ['10.0.0.0/8', '192.0.2.7/32'],
      overrides: { from: ['10.0.0.0/8'] },
      defaultUpstream: 'clinic',
      functions: '/srv/functions',
      paths: 'sensitive',
      lameDuckMs: 5_000,
      graceMs: 30_000,
      debug: false,
      upstreams: [],
      routes: [],
    })
    expect(spec.fileHash).toMatch(/^[0-9a-f]{64}$/)
  })

  it('gives the upstreams by name', () => {
    const file = '/srv/banyan.yaml'
    expect(spec.upstreams).toEqual([
      {
        name: 'clinic',
        at: { file, line: 14, column: 3 },
        tier: 'legacy',
        urls: [{ host: '10.0.0.12', port: 8080, path: '', at: { file, line: 16, column: 10 } }],
        discover: { openapi: undefined, mappings: '/manage/mappings' },
        timeouts: { connect: 2_000, firstByte: 60_000, idle: 60_000, total: undefined },
        hostHeader: 'preserve',
        rewriteLocation: true,
        rewriteCookies: true,
        ownHosts: ['10.0.0.12:8080'],
      },
      {
        name: 'vets',
        at: { file, line: 18, column: 3 },
        tier: 'service',
        urls: [
          { host: '10.0.0.20', port: 80, path: '', at: { file, line: 20, column: 12 } },
          { host: '::1', port: 3000, path: '/app', at: { file, line: 20, column: 30 } },
        ],
        discover: { openapi: 'auto', mappings: undefined },
        timeouts: { connect: 500, firstByte: 60_000, idle: 60_000, total: 60_000 },
        hostHeader: 'upstream',
        rewriteLocation: false,
        rewriteCookies: false,
        ownHosts: ['10.0.0.20', '[::1]:3000'],
      },
    ])
  })

  it('gives the routes with identity, match and positions', () => {
    const file = '/srv/banyan.yaml'
    expect(spec.routes[0]).toEqual({
      id: 'GET /vets.html',
      at: { file, line: 28, column: 5 },
      match: { path: '/vets.html', methods: ['GET'] },
      to: 'vets',
      from: 'clinic',
      shift: { strategy: 'canary', steps: [0.05, 0.25, 0.5] },
      capture: false,
      timeouts: {},
      positions: {
        path: { file, line: 28, column: 11 },
        methods: { file, line: 29, column: 5 },
        from: { file, line: 30, column: 11 },
        to: { file, line: 31, column: 9 },
        shift: { file, line: 32, column: 12 },
      },
    })
    expect(
      spec.routes.map(({ id, match, to, timeouts, capture }) => ({ id, match, to, timeouts, capture })).slice(1),
    ).toEqual([
      {
        id: '/owners/{ownerId}/pets/**',
        match: { path: '/owners/{ownerId}/pets/**' },
        to: 'clinic',
        timeouts: { total: 5_000 },
        capture: false,
      },
      {
        id: 'api.clinic.test/v2/**',
        match: { host: 'api.clinic.test', path: '/v2/**' },
        to: 'vets',
        timeouts: {},
        capture: false,
      },
      {
        id: 'GET,POST /contact.html',
        match: { path: '/contact.html', methods: ['GET', 'POST'] },
        to: 'functions/contact',
        timeouts: {},
        capture: true,
      },
    ])
  })

  it('is frozen all the way down', () => {
    expect(Object.isFrozen(spec)).toBe(true)
    expect(Object.isFrozen(spec.routes[0]?.match.methods)).toBe(true)
    expect(Object.isFrozen(spec.upstreams[0]?.urls[0])).toBe(true)
  })

  it('means the same whatever the order of its keys', () => {
    const [head = '', ...blocks] = EXAMPLE.split(/\n\n/)
    const turned = specOf([...blocks.toReversed(), head].join('\n\n'))
    const plain = (value: unknown): unknown =>
      JSON.parse(
        JSON.stringify(value, (key, item) => (key === 'at' || key === 'positions' || key === 'fileHash' ? 0 : item)),
      )
    expect(plain(turned)).toEqual(plain(spec))
  })

  it('may be as small as one key', () => {
    expect(specOf('debug: true').routes).toEqual([])
  })
})

describe('the identity of a route', () => {
  it.each([
    { lines: ['path: /a', 'to: vets'], id: '/a' },
    { lines: ['path: /a', 'methods: [post, GET]', 'to: vets'], id: 'GET,POST /a' },
    { lines: ['host: "*.Clinic.test"', 'path: /a/**', 'to: vets'], id: '*.clinic.test/a/**' },
    { lines: ['pathRegex: ^/a+$', 'methods: [GET]', 'to: vets'], id: 'GET ~^/a+$' },
    { lines: ['pathRegex: ^/a', 'host: h', 'to: vets'], id: 'h ~^/a' },
    {
      lines: [
        'path: /a',
        'headers: { X-Beta: 1, accept: { regex: "json$" }, cookie: { present: false } }',
        'query: { Format: json, page: { present: true } }',
        'to: vets',
      ],
      id: '/a [accept~json$, !cookie, x-beta=1, ?Format=json, ?page]',
    },
    { lines: ['path: /a', 'id: the page', 'to: vets'], id: 'the page' },
  ])('of $lines is $id', ({ lines, id }) => {
    expect(specOf(withRoute(...lines)).routes[0]?.id).toBe(id)
  })
})

describe('environment', () => {
  const admin = (token: string) => `admin: { tokens: [{ name: ci, role: operate, token: ${token} }] }`
  const tokenOf = (token: string, env: Record<string, string> = {}) =>
    specOf(admin(token), { env }).admin.tokens[0]?.token

  it.each([
    {
      written: '"${TOKEN}"',
      env: { TOKEN: '12345' },
      value: '12345',
      why: 'text stays text though it looks like a number',
    },
    { written: '"a-${TOKEN}-b"', env: { TOKEN: 'x' }, value: 'a-x-b', why: 'within other text' },
    { written: '"${TOKEN:-none}"', env: {}, value: 'none', why: 'the default where it is unset' },
    { written: '"${TOKEN:-none}"', env: { TOKEN: '' }, value: 'none', why: 'the default where it is empty' },
    { written: '"${TOKEN:-}x"', env: {}, value: 'x', why: 'an empty default' },
    { written: '"$${TOKEN}"', env: {}, value: '${TOKEN}', why: '$${ is ${ itself' },
    { written: '"a$b"', env: {}, value: 'a$b', why: 'a lone $ is nothing special' },
    { written: '"${TOKEN}"', env: { TOKEN: '${OTHER}' }, value: '${OTHER}', why: 'a value is not read again' },
  ])('$why', ({ written, env, value }) => {
    expect(tokenOf(written, env)).toBe(value)
  })

  it('gives numbers and flags where they are asked', () => {
    const spec = specOf('status:\n  port: ${PORT}\ndebug: ${DEBUG:-true}\nprocesses: ${N}\n', {
      env: { PORT: '81', N: '3' },
    })
    expect([spec.status.port, spec.debug, spec.processes]).toEqual([81, true, 3])
  })

  it('keeps references to files as references, made absolute', () => {
    expect(tokenOf('file:secrets/token')).toBe('file:/srv/secrets/token')
    expect(tokenOf('"${WHERE}"', { WHERE: 'file:/run/token' })).toBe('file:/run/token')
  })

  it('never shows a value in a diagnostic', () => {
    const secret = 'hunter2'
    const places = [
      'default: ${S}',
      'grace: ${S}',
      'state: ${S}',
      'paths: ${S}',
      'listen: [{ port: "${S}" }]',
      'trustedProxies: ["${S}"]',
      'upstreams: { a: { url: "${S}", tier: "${S}", hostHeader: "?${S}", discover: { openapi: "${S}" } } }',
      ...['path', 'pathRegex', 'host', 'id', 'to', 'from', 'shift', 'timeout'].map(
        (key) => `routes: [{ ${key}: "(${'${S}'}" }]`,
      ),
      'routes: [{ path: "/${S}", to: a }, { path: "/${S}", to: a }]',
      'routes: [{ path: /x, methods: ["${S}", "${S}"], to: a, shift: { steps: ["${S}", "1%"] } }]',
    ]
    for (const text of places) {
      const { diagnostics } = decode(text, { env: { S: secret } })
      expect(diagnostics.length, text).toBeGreaterThan(0)
      expect(JSON.stringify(diagnostics), text).not.toContain(secret)
    }
  })
})

describe('what is said of an upstream besides its addresses', () => {
  it.each([
    { written: 'balance: round-robin', gives: { balance: { kind: 'round-robin' } } },
    {
      written: 'balance: { hash: { header: X-User } }',
      gives: { balance: { kind: 'hash', by: { kind: 'header', name: 'x-user' } } },
    },
    {
      written: 'balance: { hash: { cookie: JSESSIONID } }',
      gives: { balance: { kind: 'hash', by: { kind: 'cookie', name: 'JSESSIONID' } } },
    },
    { written: 'encodedSlash: keep', gives: { encodedSlash: 'keep' } },
    { written: 'encodedSlash: reject', gives: { encodedSlash: 'reject' } },
    {
      written: 'health: { path: /manage/health }',
      gives: {
        health: { path: '/manage/health', intervalMs: 5_000, timeoutMs: 2_000, healthyAfter: 2, unhealthyAfter: 3 },
      },
    },
    {
      written: 'health: { path: /h, interval: 1s, timeout: 1m, healthyAfter: 1, unhealthyAfter: 4 }',
      gives: { health: { path: '/h', intervalMs: 1_000, timeoutMs: 60_000, healthyAfter: 1, unhealthyAfter: 4 } },
    },
    { written: 'retry: { attempts: 3 }', gives: { retry: { attempts: 3 } } },
    { written: 'maxConnections: 200', gives: { circuit: { maxConnections: 200, maxPending: 200 } } },
    { written: 'maxConnections: 200\n    maxPending: 0', gives: { circuit: { maxConnections: 200, maxPending: 0 } } },
    {
      written: 'outlier: {}',
      gives: { outlier: { consecutive: 5, baseEjectionMs: 10_000, maxEjected: 0.5, gatewayErrors: false } },
    },
    {
      written: 'outlier: { consecutive: 2, baseEjection: 1m, maxEjected: 30%, gatewayErrors: true }',
      gives: { outlier: { consecutive: 2, baseEjectionMs: 60_000, maxEjected: 0.3, gatewayErrors: true } },
    },
    { written: 'outlier: off', gives: { outlier: false } },
    { written: 'balance: { hash: { ip: true } }', gives: { balance: { kind: 'hash', by: { kind: 'ip' } } } },
  ])('$written', ({ written, gives }) => {
    expect(specOf(`upstreams:\n  vets:\n    url: http://a\n    ${written}\n`).upstreams[0]).toMatchObject(gives)
  })
})
