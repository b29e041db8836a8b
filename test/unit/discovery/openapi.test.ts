import { describe, expect, it } from 'vitest'
import { readOpenapi } from '../../../router/discovery/detectors/openapi/read.ts'
import { templateOfPath } from '../../../router/discovery/detectors/openapi/template.ts'
import { readDocument } from '../../../router/discovery/reading.ts'

const ROOT = { place: '/openapi.json', hosts: ['10.0.0.1:3000'], prefix: '' }

function listed(document: unknown, addresses = ROOT): string[] {
  const reading = readOpenapi(document, addresses)
  if (reading.kind !== 'read') throw new Error(`expected operations, got ${JSON.stringify(reading)}`)
  return reading.operations.map(({ method, template }) => `${method} ${template}`)
}

describe('readOpenapi', () => {
  it('reads Swagger 2.0 below its base path', () => {
    const paths = { '/': { get: {} }, '/pets/{id}': { get: {}, delete: {}, parameters: [] } }
    expect(listed({ swagger: '2.0', basePath: '/v2/', paths })).toEqual([
      'GET /v2',
      'GET /v2/pets/{id}',
      'DELETE /v2/pets/{id}',
    ])
  })

  it.each(['3.0.3', '3.1.0', '3.2.0', '4.0.0'])('reads OpenAPI %s, with or without info', (openapi) => {
    expect(listed({ openapi, paths: { '/vets': { get: {} } } })).toEqual(['GET /vets'])
  })

  it('reads paths without a version, and a document that has a version only', () => {
    expect(listed({ paths: { '/vets': { post: {} } } })).toEqual(['POST /vets'])
    expect(listed({ openapi: '3.1.0', webhooks: { made: { post: {} } } })).toEqual([])
  })

  it('reads the methods of 3.2, drops TRACE, and HEAD and OPTIONS beside GET', () => {
    const item = { get: {}, head: {}, options: {}, trace: {}, query: {}, additionalOperations: { COPY: {} } }
    const paths = { '/a': item, '/b': { head: {}, options: {} } }
    expect(listed({ openapi: '3.2.0', paths })).toEqual(['GET /a', 'QUERY /a', 'COPY /a', 'OPTIONS /b', 'HEAD /b'])
  })

  it('ignores what is no operation', () => {
    const paths = {
      'x-hidden': { get: {} },
      '/a': { summary: 'text', get: null, post: 'text', parameters: [{}], servers: [] },
    }
    expect(listed({ openapi: '3.1.0', paths })).toEqual([])
  })

  it.each([
    {
      why: 'an address of the upstream',
      servers: [{ url: 'https://api.example.com/v9' }, { url: 'http://10.0.0.1:3000/v1/' }],
      base: '/v1',
    },
    { why: 'a relative URL', servers: [{ url: 'https://api.example.com/v9' }, { url: '/v1' }], base: '/v1' },
    {
      why: 'a URL relative to the description',
      servers: [{ url: 'v1' }],
      place: '/docs/openapi.json',
      base: '/docs/v1',
    },
    {
      why: 'the first of the others',
      servers: [{ url: 'https://api.example.com/v1' }, { url: 'https://b.example.com/v2' }],
      base: '/v1',
    },
    {
      why: 'variables at their defaults',
      servers: [{ url: 'https://{h}/{v}', variables: { h: { default: 'h.example' }, v: { default: 'v1' } } }],
      base: '/v1',
    },
    { why: 'the root where there is none', servers: [], base: '' },
    { why: 'the root where it cannot be read', servers: [{ url: 'http://[' }, {}, null], base: '' },
    {
      why: 'what stands behind the prefix of the upstream',
      servers: [{ url: '/app/v1' }],
      prefix: '/app',
      base: '/v1',
    },
    {
      why: 'the whole path where it only looks like the prefix',
      servers: [{ url: '/application' }],
      prefix: '/app',
      base: '/application',
    },
  ])('takes as base path $why', ({ servers, base, place = '/openapi.json', prefix = '' }) => {
    const document = { openapi: '3.1.0', servers, paths: { '/vets': { get: {} } } }
    expect(listed(document, { ...ROOT, place, prefix })).toEqual([`GET ${base}/vets`])
  })

  it('respects servers of a path and of an operation, and several that are its own', () => {
    const own = [{ url: '/v1' }, { url: '/v2' }]
    const paths = { '/a': { get: {}, servers: own }, '/b': { get: { servers: [{ url: '/v3' }] }, post: {} } }
    expect(listed({ openapi: '3.1.0', servers: [{ url: '/v0' }], paths })).toEqual([
      'GET /v1/a',
      'GET /v2/a',
      'GET /v3/b',
      'POST /v0/b',
    ])
  })

  it('follows references within the document and no others', () => {
    const document = {
      openapi: '3.1.0',
      paths: {
        '/a': { $ref: '#/components/pathItems/Shared~1One', post: {} },
        '/b': { $ref: '#/paths/~1a' },
        '/c': { $ref: 'https://elsewhere.example/paths.json#/c' },
        '/d': { $ref: '#/paths/~1d' },
        '/e': { $ref: '#/constructor' },
        '/f': { $ref: '#/%E0%A4%A' },
      },
      components: { pathItems: { 'Shared/One': { get: {} } } },
    }
    expect(listed(document)).toEqual(['GET /a', 'POST /a', 'GET /b', 'POST /b'])
    expect(readOpenapi(document, ROOT)).toMatchObject({ skipped: 4 })
  })

  it('merges spellings of one operation', () => {
    const paths = { '/pets/{id}': { get: {} }, '/pets/{petId}': { get: {}, put: {} }, '/pets/{id}/': { get: {} } }
    expect(listed({ openapi: '3.0.0', paths })).toEqual(['GET /pets/{id}', 'PUT /pets/{petId}'])
  })

  it('counts paths that no request can match, and those that give a terminal orders', () => {
    const orders = { '/c\u001b[2J': { get: {} }, '/d\u202ee': { get: {} } }
    const paths = {
      '/a/../b': { get: {} },
      '/a/{b': { get: {} },
      '/a//b': { get: {} },
      '/grün x': { get: {} },
      ...orders,
    }
    expect(readOpenapi({ openapi: '3.0.0', paths }, ROOT)).toMatchObject({
      operations: [{ template: '/a/b' }, { template: '/grün x' }],
      skipped: 4,
    })
  })

  it('gives the links of an RFC 9727 catalogue', () => {
    const linkset = [
      { anchor: '/vets', 'service-desc': [{ href: '/vets/openapi.json', type: 'application/json' }, {}] },
      {
        anchor: '/owners',
        'service-doc': [{ href: '/docs' }],
        'service-desc': [{ href: 'https://elsewhere.example/x' }],
      },
    ]
    expect(readOpenapi({ linkset }, ROOT)).toEqual({
      kind: 'links',
      links: ['/vets/openapi.json', 'https://elsewhere.example/x'],
    })
  })

  it.each([[{}], [{ status: 'UP' }], [{ paths: 'many' }]])('does not take %j for a description', (document) => {
    expect(readOpenapi(document, ROOT)).toMatchObject({ kind: 'unreadable', strange: true })
  })

  it('takes keys that mean something to JavaScript as paths like any other', () => {
    const document = JSON.parse(
      '{"openapi":"3.1.0","paths":{"__proto__":{"get":{}},"/__proto__":{"get":{},"__proto__":{"put":{}}}}}',
    )
    expect(listed(document)).toEqual(['GET /__proto__'])
    expect(({} as Record<string, unknown>).get).toBeUndefined()
  })
})

describe('templateOfPath', () => {
  it.each([
    ['/', '/'],
    ['/pets/{id}', '/pets/{id}'],
    ['/pets/{pet-id}/', '/pets/{pet-id}'],
    ['/pets/:id', '/pets/{id}'],
    ['/users:batchGet', '/users:batchGet'],
    ['/v1/{name}:cancel', '/v1/{name}:cancel'],
    ['/compare/{base}...{head}', '/compare/{base}...{head}'],
    ['/pets{?limit,offset}', '/pets'],
    ['/pets?kind=cat', '/pets'],
    ['/#Amz-Target', '/'],
    ['/pets/{id*}', '/pets/{id}'],
    ['/pets/{;id}', '/pets'],
    ['/pets{.format}', '/pets.{format}'],
    ['/files/{+path}', '/files/**'],
    ['/files/{+path}/raw', '/files/{path}/raw'],
    ['/pets/{id:[0-9]{3}}', '/pets/{id}'],
    ['/pets/*', '/pets/*'],
    ['pets', '/pets'],
    ['/pets/{id', undefined],
  ])('%s is %s', (path, template) => expect(templateOfPath(path)).toBe(template))
})

describe('readDocument', () => {
  const read = (text: string) => readDocument(new TextEncoder().encode(text), (document) => readOpenapi(document, ROOT))
  const vets = { kind: 'read', operations: [{ method: 'GET', template: '/vets' }], skipped: 0 }

  it.each([
    ['JSON', '{"openapi":"3.1.0","paths":{"/vets":{"get":{}}}}'],
    ['JSON behind a byte order mark', '\ufeff{"openapi":"3.1.0","paths":{"/vets":{"get":{}}}}'],
    ['YAML', 'openapi: 3.1.0\npaths:\n  /vets:\n    get: {}\n'],
    ['YAML that begins with a brace', '{openapi: 3.1.0, paths: {/vets: {get: {}}}}'],
    ['YAML with merged keys', 'x: &x\n  get: {}\nopenapi: 3.1.0\npaths:\n  /vets:\n    <<: *x\n'],
  ])('reads %s', (_, text) => expect(read(text)).toEqual(vets))

  it.each([
    ['', /^is empty$/],
    ['<!doctype html><title>Clinic</title>', /^is HTML or XML$/],
    ['"text"', /^holds no object$/],
    ['{"openapi": "3.1.0", "paths": {', /^is neither JSON nor YAML: .*JSON/],
    ['openapi: [1\n', /^is neither JSON nor YAML: /],
    [`a: ${'['.repeat(300)}${']'.repeat(300)}`, /^is neither JSON nor YAML: .*maxDepth/],
  ])('says what is wrong with %.30s', (text, why) => {
    expect(read(text)).toMatchObject({ kind: 'unreadable', why: expect.stringMatching(why) })
  })

  it('does not expand aliases upon aliases', () => {
    const lines = Array.from({ length: 40 }, (_, level) => `a${level + 1}: &a${level + 1} [*a${level}, *a${level}]`)
    expect(read(`a0: &a0 x\n${lines.join('\n')}\nopenapi: 3.1.0\npaths: { /vets: { get: {} } }\n`)).toEqual(vets)
  })

  it('refuses more operations than anybody has', () => {
    const paths = Object.fromEntries(Array.from({ length: 100_001 }, (_, index) => [`/${index}`, { get: {} }]))
    expect(read(JSON.stringify({ openapi: '3.1.0', paths }))).toMatchObject({
      why: 'has 100001 operations; at most 100000 are taken',
    })
  })
})
