import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDiagnostics } from '../../../router/config/format.ts'
import { decode, problems, withRoute } from './decoding.ts'

describe('a value of the wrong shape', () => {
  it.each([
    ['grace: 3', '1:8 grace  must be a duration such as 500ms, 5s, 2m or 1h, at most 24h, got 3'],
    ['grace: 25h', '1:8 grace  must be a duration such as 500ms, 5s, 2m or 1h, at most 24h, got "25h"'],
    ['grace:', '1:1 grace  must be a duration such as 500ms, 5s, 2m or 1h, at most 24h, got nothing'],
    ['debug: yes', '1:8 debug  must be true or false, got "yes"'],
    ['paths: sensitiv', '1:8 paths  must be one of sensitive, insensitive, got "sensitiv" | did you mean "sensitive"?'],
    ['processes: 0', '1:12 processes  must be auto or a number from 1 to 64, got 0'],
    ['state: postgres:x', '1:8 state  must be sqlite:PATH, got "postgres:x"'],
    ['listen: { port: 80 }', '1:1 listen  must be a list of addresses such as { port: 8080 }, got a map'],
    ['listen: []', '1:1 listen  must be a list of at least one of addresses such as { port: 8080 }, got a list'],
    ['listen: [{ port: 65536 }]', '1:18 listen[0].port  must be a port from 0 to 65535, got 65536'],
    [
      'listen: [{ port: 1, host: example.com }]',
      '1:27 listen[0].host  must be an IP address to bind such as 127.0.0.1, or localhost, got "example.com"',
    ],
    ['listen: [{ host: ::1 }]', '1:10 listen[0].port  is missing; must be a port from 0 to 65535'],
    [
      'trustedProxies: [10.0.0.0/33]',
      '1:18 trustedProxies[0]  must be an IP address or a CIDR block such as 10.0.0.0/8, got "10.0.0.0/33"',
    ],
    ['kubernetes: { namespaces: clinic }', '1:27 kubernetes.namespaces  must be a list of namespaces, got "clinic"'],
    ['overrides: {}', '1:1 overrides.from  is missing; must be a list of IP addresses or CIDR blocks'],
    ['upstreams: [a]', '1:1 upstreams  must be a map of upstreams by name, got a list'],
    ['upstreams: { a: http://x }', '1:17 upstreams.a  must be a map, got "http://x"'],
    ['routes: { path: /a }', '1:1 routes  must be a list of routes, got a map'],
    [
      'lameduck: 5s',
      '1:1 lameduck  unknown key "lameduck" | did you mean "lameDuck"? known: admin, debug, default, discovered, dns, docker, functions, grace, kubernetes, lameDuck, listen, overrides and 7 more',
    ],
    ['admin: { prot: 1 }', '1:10 admin.prot  unknown key "prot" | did you mean "port"? known: host, port, tokens'],
    [
      'admin: { host: 0.0.0.0 }',
      '1:16 admin.host  the admin API on "0.0.0.0" would be open to everybody | add tokens: [{ name: ci, token: file:/run/secrets/banyan, role: operate }], or remove host',
    ],
    [
      'status: { port: 8080 }',
      '1:17 status.port  port 8080 is taken by listen[0] already | give each a port of its own',
    ],
    [
      'listen: [{ port: 9081 }]',
      '1:18 listen[0].port  port 9081 is taken by status already | give each a port of its own',
    ],
  ])('%s', (text, line) => {
    expect(problems(text)).toEqual([line])
  })

  it.each([
    [
      'url: 10.0.0.1:80',
      'must be an address such as http://10.0.0.12:8080 or http://10.0.0.12:8080/prefix, got "10.0.0.1:80"',
    ],
    [
      'url: http://u:p@h',
      'must be an address such as http://10.0.0.12:8080 or http://10.0.0.12:8080/prefix, got "http://u:p@h": no user or password belongs here',
    ],
    [
      'url: http://h/?a',
      'must be an address such as http://10.0.0.12:8080 or http://10.0.0.12:8080/prefix, got "http://h/?a": no query or fragment belongs here',
    ],
    [
      'url: http://h:99999',
      'must be an address such as http://10.0.0.12:8080 or http://10.0.0.12:8080/prefix, got "http://h:99999"',
    ],
  ])('upstream with %s', (line, says) => {
    expect(problems(`upstreams:\n  a:\n    ${line}\n`)).toEqual([`3:10 upstreams.a.url  ${says}`])
  })

  it.each([
    [
      'upstreams: { a: {} }',
      '1:14 upstreams.a.url  is missing; an upstream needs an address | write url: http://HOST:PORT',
    ],
    [
      'upstreams: { a: { url: "http://a", urls: ["http://b"] } }',
      '1:36 upstreams.a.urls  url and urls exclude each other',
    ],
    [
      'upstreams: { a: { urls: ["http://a", "http://A:80/"] } }',
      '1:38 upstreams.a.urls[1]  is the same address as urls[0]',
    ],
    [
      'upstreams: { "a b": { url: "http://a" } }',
      '1:14 upstreams["a b"]  the name of an upstream must be letters, digits and . _ - inside, at most 63',
    ],
    [
      'upstreams: { constructor: { url: "http://a" } }',
      '1:14 upstreams.constructor  plans are records by name, in which every JavaScript object has this one already | choose another name',
    ],
    [
      'upstreams: { functions/a: { url: "http://a" } }',
      '1:14 upstreams["functions/a"]  names that begin with functions/ belong to the folders below functions: | choose another name',
    ],
    [
      'upstreams: { a: { url: "http://a", discover: { openapi: here } } }',
      '1:57 upstreams.a.discover.openapi  must be auto, off, a path such as /openapi.json, an http: or https: URL, or file:PATH, got "here"',
    ],
    [
      'upstreams: { a: { url: "http://a", ownHosts: ["a/b"] } }',
      '1:47 upstreams.a.ownHosts[0]  must be a host name, with a port where it has one, got "a/b"',
    ],
    [
      'upstreams: { a: { url: "http://a", timeout: { totl: 1s } } }',
      '1:47 upstreams.a.timeout.totl  unknown key "totl" | did you mean "total"? known: connect, firstByte, idle, total',
    ],
  ])('%s', (text, line) => {
    expect(problems(text)).toEqual([line])
  })
})

describe('a route that cannot be', () => {
  it.each([
    [['to: vets'], '5:5 routes[0].path  is missing; a route needs path or pathRegex | write path: /** for every path'],
    [['path: /a'], '5:5 routes[0].to  is missing; a route needs an upstream | write to: NAME, or redirect or respond'],
    [['path: /a', 'to: vest'], '6:9 routes[0].to  unknown upstream "vest" | did you mean "vets"? known: clinic, vets'],
    [['path: /a', 'to: zebra'], '6:9 routes[0].to  unknown upstream "zebra" | known: clinic, vets'],
    [
      ['path: /a', 'to: functions/a'],
      '6:9 routes[0].to  unknown upstream "functions/a": no folder of functions is set | add functions: ./functions',
    ],
    [
      ['path: /a', 'to: vets', 'from: clinic'],
      '7:11 routes[0].from  from needs shift | add shift: canary to move it step by step, or remove from: to serves it at once',
    ],
    [
      ['path: /a', 'to: vets', 'shift: canary'],
      '7:12 routes[0].shift  shift needs from | add from: NAME, the upstream that serves it today',
    ],
    [
      ['path: /a', 'to: vets', 'from: vets', 'shift: canary'],
      '6:9 routes[0].to  from and to are both "vets" | a shift moves a route from one upstream to another',
    ],
    [
      ['path: /a', 'to: vets', 'from: clinc', 'shift: canary'],
      '7:11 routes[0].from  unknown upstream "clinc" | did you mean "clinic"? known: clinic, vets',
    ],
    [
      ['path: /a', 'pathRegex: /b', 'to: vets'],
      '6:16 routes[0].pathRegex  path and pathRegex exclude each other | remove one',
    ],
    [
      ['path: a', 'to: vets'],
      '5:11 routes[0].path  must be a path such as /owners/{ownerId} or /owners/**, got "a": must begin with "/"',
    ],
    [
      ['path: /a/{b', 'to: vets'],
      '5:11 routes[0].path  must be a path such as /owners/{ownerId} or /owners/**, got "/a/{b": segment "{b": "{" without "}"',
    ],
    [
      ['pathRegex: "(a"', 'to: vets'],
      '5:16 routes[0].pathRegex  must be a regular expression in RE2 syntax, got "(a": missing closing ): `(a`',
    ],
    [
      ['path: /a', 'headers: { x: { regex: "a(?=b)" } }', 'to: vets'],
      expect.stringMatching(/^6:28 routes\[0\]\.headers\.x\.regex {2}must be a regular expression/),
    ],
    [['path: /a', 'methods: [GET, get]', 'to: vets'], '6:20 routes[0].methods[1]  the method is listed twice'],
    [['path: /a', 'methods: GET', 'to: vets'], '6:14 routes[0].methods  must be a list of methods, got "GET"'],
    [
      ['path: /a', 'methods: ["G T"]', 'to: vets'],
      '6:15 routes[0].methods[0]  must be a method such as GET, got "G T"',
    ],
    [
      ['path: /a', 'host: a:80', 'to: vets'],
      '6:11 routes[0].host  must be a host name such as api.clinic.test, or *.clinic.test, without a port, got "a:80"',
    ],
    [
      ['path: /a', 'headers: { X: 1, x: 2 }', 'to: vets'],
      '6:22 routes[0].headers.x  is written twice, in upper and lower case',
    ],
    [
      ['path: /a', 'headers: { "a b": 1 }', 'to: vets'],
      '6:16 routes[0].headers["a b"]  is not the name of a header field',
    ],
    [
      ['path: /a', 'headers: { a: {} }', 'to: vets'],
      '6:16 routes[0].headers.a  must be a value, { regex: … } or { present: true }, got a map',
    ],
    [['path: /a', 'to: vets', 'from: clinic', 'shift: canry'], '8:12 routes[0].shift  must be canary, got "canry"'],
    [
      ['path: /a', 'to: vets', 'from: clinic', 'shift: ramped'],
      '8:12 routes[0].shift  strategy ramped is not in this version | use canary',
    ],
    [
      ['path: /a', 'to: vets', 'from: clinic', 'shift: { steps: [5%, 50%, 25%] }'],
      '8:14 routes[0].shift.steps  weights must rise: 25% comes after 50%',
    ],
    [
      ['path: /a', 'to: vets', 'from: clinic', 'shift: { steps: [0%] }'],
      '8:22 routes[0].shift.steps[0]  must be a percentage such as 5% or 0.5%, above 0% and at most 100%, got "0%"',
    ],
    [
      ['path: /a', 'to: vets', 'from: clinic', 'shift: { start: auto }'],
      '8:21 routes[0].shift.start  start: auto is not in this version | use start: manual and banyan shift start',
    ],
    [
      ['path: /a', 'to: vets', 'timeout: 5'],
      '7:14 routes[0].timeout  must be a duration such as 5s, or a map with connect, firstByte, idle, total, got 5',
    ],
    [
      ['path: /a', 'to: vets', 'timeout: 5 s'],
      '7:14 routes[0].timeout  must be a duration such as 500ms, 5s, 2m or 1h, at most 24h, got "5 s"',
    ],
    [
      ['path: /a', 'to: vets', 'retry: { attempts: 0 }'],
      '7:24 routes[0].retry.attempts  must be a number from 1 to 10, got 0',
    ],
  ] as const)('%s', (lines, line) => {
    const text = withRoute(...lines)
    expect(problems(text)[0]).toEqual(line)
  })

  it('is one of two with the same identity, and both are named', () => {
    const text = `${withRoute('path: /a', 'to: vets')}  - path: /a\n    to: clinic\n  - { id: x, path: /b, to: vets }\n  - { id: x, path: /c, to: vets }\n`
    expect(problems(text)).toEqual([
      '7:5 routes[1]  route id "/a" is taken by routes[0] on line 5 | both match the same requests: remove one, or make their matches differ',
      '10:11 routes[3].id  route id "x" is taken by routes[2] on line 9 | ids must differ',
    ])
  })
})

describe('everything that is wrong', () => {
  it('is reported at once: a wrong shape hides no unknown name, neither in its own entry nor in another', () => {
    const text = `default: clinc
upstreams:
  clinic:
    tier: legcy
    url: http://a
  vets: 5
routes:
  - path: owners
    timeout: 5
    from: clinic
    to: vest
    shift: { steps: [50%, 5%], mirror: {} }
  - path: /a
    to: vets
  - 7
`
    expect(problems(text)).toEqual([
      '1:10 default  unknown upstream "clinc" | did you mean "clinic"? known: clinic, vets',
      '4:11 upstreams.clinic.tier  must be one of legacy, service, function, got "legcy" | did you mean "legacy"?',
      '6:9 upstreams.vets  must be a map, got 5',
      '8:11 routes[0].path  must be a path such as /owners/{ownerId} or /owners/**, got "owners": must begin with "/"',
      '9:14 routes[0].timeout  must be a duration such as 5s, or a map with connect, firstByte, idle, total, got 5',
      '11:9 routes[0].to  unknown upstream "vest" | did you mean "vets"? known: clinic, vets',
      '12:14 routes[0].shift.steps  weights must rise: 5% comes after 50%',
      '12:32 routes[0].shift.mirror  "mirror" is not in this version | remove it; nothing is mirrored',
      '15:5 routes[2]  must be a map, got 7',
    ])
  })

  it('is listed up to a thousand errors', () => {
    const says = problems(`routes:\n${'  - { path: "${A}", to: b }\n'.repeat(2_000)}`)
    expect(says.length).toBe(1_001)
    expect(says.at(-1)).toBe('there is more, not listed')
  })

  it('is printed with aligned places, hints below and a count', () => {
    const { diagnostics } = decode('grace: 3\nadmin:\n          prot: 1\nfunctions: ./f\n', { functionNames: [] })
    expect(formatDiagnostics(diagnostics, { folder: '/srv', outcome: 'kept plan 8f3ac1 of 12:04:51' })).toBe(
      `banyan.yaml:1:8   grace  must be a duration such as 500ms, 5s, 2m or 1h, at most 24h, got 3
banyan.yaml:3:11  admin.prot  unknown key "prot"
    hint: did you mean "port"? known: host, port, tokens
2 errors, 0 warnings; kept plan 8f3ac1 of 12:04:51`,
    )
  })
})

describe('what depends on the world', () => {
  it('only warns where a function is not there', () => {
    const text = `${withRoute('path: /a', 'to: functions/contct')}functions: ./functions\n`
    expect(problems(text)).toEqual([
      '6:9 routes[0].to  warning: function "functions/contct" is not there; the route answers 503 until it is | did you mean "functions/contact"? known: clinic, functions/contact, vets',
    ])
    expect(decode(text).spec).toBeDefined()
  })

  it('warns of a token that is written out', () => {
    const text = 'admin: { host: 0.0.0.0, tokens: [{ name: ci, role: read, token: abc }] }'
    expect(problems(text)).toEqual([
      '1:65 admin.tokens[0].token  warning: the token is written out in this file | use ${NAME} from the environment, or file:PATH',
    ])
  })
})

describe('a file cut anywhere', () => {
  const text = `listen: [{ port: 8080 }]
admin: { tokens: [{ name: "ci", token: '\${T:-x}', role: read }] }
upstreams: &u
  clinic: { tier: legacy, url: "http://a:1/x" }
  'vets': &v
    url: >-
      http://b
    discover: { openapi: auto }
routes:
  - path: /owners/{ownerId}/**
    methods: [GET, POST]
    from: clinic
    to: vets
    shift: { steps: [5%, 0.5%] }
  - { path: "/ü/\\u00fc", to: *v, headers: { x: { regex: "^a" } } }
`

  it('never throws, and every problem has a place inside it', () => {
    for (let length = 0; length <= text.length; length++) {
      const cut = text.slice(0, length)
      const lines = cut.split('\n')
      for (const { at, message } of decode(cut).diagnostics) {
        expect(message).not.toBe('')
        expect(at?.line, message).toBeLessThanOrEqual(lines.length)
        expect(at?.column, message).toBeLessThanOrEqual((lines[(at?.line ?? 0) - 1] ?? '').length + 2)
      }
    }
  })

  it('never throws with anything put into it either', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('\t', '---\n', '&a ', '*a', '<<: ', '!!x ', '? ', '[', '{', '"', '${', '\u0000', '- '),
    )
    fc.assert(
      fc.property(fc.nat(text.length), piece, (at, inserted) => {
        expect(Array.isArray(decode(text.slice(0, at) + inserted + text.slice(at)).diagnostics)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

describe('what is said of the addresses of an upstream', () => {
  it.each([
    [
      'balance: fastest',
      '4:14 upstreams.vets.balance  must be least-requests, round-robin, random, or { hash: { header: NAME } }, got "fastest"',
    ],
    [
      'outlier: no',
      '4:14 upstreams.vets.outlier  must be off, or a map with consecutive, baseEjection, maxEjected, gatewayErrors, got "no"',
    ],
    [
      'health: { path: /gesund/ä }',
      '4:21 upstreams.vets.health.path  must be a path such as /manage/health, got "/gesund/ä"',
    ],
    [
      'health: {}',
      '4:5 upstreams.vets.health.path  is missing; a check asks something | write path: /health, or grpc: true',
    ],
    ['health: { path: /h, grpc: true }', '4:31 upstreams.vets.health.grpc  path and grpc exclude each other'],
    [
      'protocol: h2',
      '4:15 upstreams.vets.protocol  is HTTP/2 with TLS, and this upstream has none | write https: in its address, or protocol: h2c',
    ],
    ['protocol: h3', '4:15 upstreams.vets.protocol  must be one of http1, h2c, h2, got "h3" | did you mean "h2"?'],
    [
      'health: { path: health }',
      '4:21 upstreams.vets.health.path  must be a path such as /manage/health, got "health"',
    ],
    [
      'maxPending: 5',
      '4:17 upstreams.vets.maxPending  needs maxConnections: without it nobody waits | add maxConnections: NUMBER',
    ],
    ['outlier: { consecutive: 0 }', '4:29 upstreams.vets.outlier.consecutive  must be a number from 1 to 1000, got 0'],
    [
      'balance: { hash: { ip: true, cookie: a } }',
      '4:16 upstreams.vets.balance.hash  must be a map with one of header, cookie, ip, got a map',
    ],
  ])('%s', (written, line) => {
    expect(problems(`upstreams:\n  vets:\n    url: http://a\n    ${written}\n`)[0]).toEqual(line)
  })
})
