import { describe, expect, it } from 'vitest'
import { POLICIES } from '../../../router/dataplane/policies/index.ts'
import { POLICY_SCHEMAS } from '../../../router/dataplane/policies/schemas.ts'
import { problems, specOf, withRoute } from './decoding.ts'

/** Options of the only policy of a route with this line. */
function optionsOf(line: string, path = '/v2/**'): unknown {
  const answers = /^(?:respond|redirect):/.test(line)
  const { routes } = specOf(withRoute(`path: ${path}`, ...(answers ? [] : ['to: vets']), line))
  return routes[0]?.policies
}

describe('the two lists of policies', () => {
  it('have the same kinds, in the order of the alphabet', () => {
    const kinds = POLICIES.map(({ kind }) => kind)
    expect(kinds).toEqual(kinds.toSorted())
    expect(POLICY_SCHEMAS.map(({ kind }) => kind)).toEqual(kinds)
  })

  it('agree on which of them answer', () => {
    const answering = POLICIES.flatMap(({ kind, answers }) => (answers === undefined ? [] : [kind]))
    expect(POLICY_SCHEMAS.flatMap(({ kind, needs }) => (needs === 'answers' ? [kind] : []))).toEqual(answering)
  })
})

describe('a policy', () => {
  it.each([
    ['maxBody: 1MiB', { bytes: 1_048_576 }],
    ['maxBody: 500KB', { bytes: 500_000 }],
    ['maxBody: 0', { bytes: 0 }],
    ['redirect: { to: /new }', { to: '/new', status: 302 }],
    ['redirect: { to: "https://a.test:81{path}", status: 308 }', { to: 'https://a.test:81{path}', status: 308 }],
    ['respond: {}', { status: 200, body: '', headers: {} }],
    ['respond: { body: 7, headers: { x-a: 1 } }', { status: 200, body: '7', headers: { 'x-a': '1' } }],
    ['requestHeaders: { set: { X-A: true }, remove: [x-b] }', { set: { 'X-A': 'true' }, remove: ['x-b'] }],
    ['responseHeaders: { append: { Set-Cookie: a=b } }', { append: { 'Set-Cookie': 'a=b' } }],
    ['rewrite: { stripPrefix: /v2/ }', { prefix: { from: '/v2', to: '' } }],
    ['rewrite: { replacePrefix: { from: /, to: /%61pp } }', { prefix: { from: '', to: '/app' } }],
    ['rewrite: { host: "vets.internal:81" }', { host: 'vets.internal:81' }],
  ])('%s', (line, options) => {
    expect(optionsOf(line)).toEqual([{ kind: line.slice(0, line.indexOf(':')), options }])
  })

  it.each([
    ['maxBody: 1 MiB', 'maxBody  must be a size such as 1MiB, 500KB or 4096 (bytes), got "1 MiB"'],
    ['maxBody: -1', 'maxBody  must be a size such as 1MiB, 500KB or 4096 (bytes), got -1'],
    ['maxBody: 1.5', 'maxBody  must be a size such as 1MiB, 500KB or 4096 (bytes), got 1.5'],
    ['rewrite: {}', 'rewrite  must be a map with at least one of stripPrefix, replacePrefix, host, got a map'],
    ['rewrite: { stripPrefix: "/{v}" }', 'rewrite.stripPrefix  must be a path of whole segments such as /v2'],
    ['rewrite: { stripPrefix: /../v2 }', 'rewrite.stripPrefix  must be a path of whole segments such as /v2'],
    ['rewrite: { stripPrefix: v2 }', 'rewrite.stripPrefix  must be a path of whole segments such as /v2'],
    ['rewrite: { stripPrefix: /v3 }', 'rewrite  no path that matches /v2/** begins with /v3'],
    [
      'rewrite: { stripPrefix: /v2, replacePrefix: { from: /a, to: /b } }',
      'rewrite.replacePrefix  stripPrefix and replace',
    ],
    ['rewrite: { host: "a b" }', 'rewrite.host  must be a host name, with a port where it needs one, got "a b"'],
    ['requestHeaders: {}', 'requestHeaders  must be a map with at least one of set, append, remove, got a map'],
    [
      'requestHeaders: { set: { host: a } }',
      'set.host  belongs to the router and cannot be changed; for Host write rewrite',
    ],
    ['requestHeaders: { set: { a b: c } }', 'requestHeaders.set["a b"]  is not the name of a header field'],
    [
      'requestHeaders: { set: { x-a: "a\\r\\nb: c" } }',
      'requestHeaders.set.x-a  must be text of printable ASCII characters',
    ],
    [
      'requestHeaders: { set: { x-a: "\\u00e9" } }',
      'requestHeaders.set.x-a  must be text of printable ASCII characters',
    ],
    [
      'requestHeaders: { set: { X-A: 1, x-a: 2 } }',
      'requestHeaders.set.x-a  is written twice, in upper and lower case',
    ],
    [
      'responseHeaders: { remove: [] }',
      'responseHeaders.remove  must be a list of at least one of names of header fields',
    ],
    ['responseHeaders: { remove: [Content-Length] }', 'remove[0]  belongs to the router and cannot be changed'],
    ...['Connection', 'Transfer-Encoding', 'TE', 'Trailer', 'Upgrade', 'Via', 'X-Forwarded-For', 'x_forwarded_for'].map(
      (name) => [`responseHeaders: { remove: [${name}] }`, 'remove[0]  belongs to the router'],
    ),
  ])('%s is refused', (line, says) => {
    expect(problems(withRoute('path: /v2/**', 'to: vets', line))).toEqual([expect.stringContaining(says ?? '')])
  })
})

describe('a route that answers itself', () => {
  it('needs no upstream', () => {
    expect(specOf(withRoute('path: /a', 'respond: { status: 204 }')).routes[0]).toMatchObject({
      to: '',
      from: undefined,
    })
  })

  it.each([
    ['respond: { status: 99 }', 'respond.status  must be a status from 200 to 599, got 99'],
    ['respond: { status: 204, body: x }', 'respond.body  an answer with status 204 has no body'],
    ['respond: { headers: { content-length: 5 } }', 'respond.headers.content-length  belongs to the router'],
    ['redirect: { status: 301 }', 'redirect.to  is missing; must be a path such as /new{query}'],
    ['redirect: { to: /a, status: 304 }', 'redirect.status  must be one of 301, 302, 303, 307, 308, got 304'],
    ...[
      'new',
      '//evil.test',
      'https://a{host}',
      'https://{path}',
      'ftp://a',
      '"/a b"',
      '/\u00e9',
      '/{name}',
      '/a}',
    ].map((to) => [
      `redirect: { to: ${/[{} ]/.test(to) && !to.startsWith('"') ? JSON.stringify(to) : to} }`,
      'redirect.to  must be a path such',
    ]),
  ])('%s is refused', (line, says) => {
    expect(problems(withRoute('path: /a', line))[0]).toContain(says)
  })

  it.each(['to: vets', 'timeout: 5s', 'capture: true', 'rewrite: { host: a }', 'redirect: { to: /b }'])(
    'and has %s is refused',
    (line) => {
      const key = line.slice(0, line.indexOf(':'))
      const answering = key === 'redirect' ? ['redirect', 'respond'] : ['respond', key]
      expect(problems(withRoute('path: /a', 'respond: {}', line))).toEqual([
        expect.stringContaining(
          `${answering.join(' and ')} exclude each other: the route is answered here | remove one`,
        ),
      ])
    },
  )
})
