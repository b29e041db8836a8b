import { describe, expect, it } from 'vitest'
import { readOpenapi } from '../../../router/discovery/detectors/openapi/read.ts'
import type { Contract } from '../../../router/model/contract.ts'

const ADDRESSES = { place: '/openapi.json', hosts: [], prefix: '' }

/** The contract of the only operation of a description. */
function contractIn(document: unknown): Contract | undefined {
  const reading = readOpenapi(document, ADDRESSES)
  if (reading.kind !== 'read') throw new Error(reading.kind)
  return reading.operations[0]?.contract
}

/** The shape of a 200 whose body has this schema. */
function shapeOf(schema: unknown, components: unknown = {}): Readonly<Record<string, string>> | undefined {
  const responses = { 200: { description: '', content: { 'application/json': { schema } } } }
  const contract = contractIn({ openapi: '3.1.0', paths: { '/a': { get: { responses } } }, components })
  return contract?.responses['200']?.['application/json']
}

const BADGE = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'integer' }, tags: { type: 'array', items: { type: 'string' } } },
}

describe('what a description promises of an operation', () => {
  it('reads parameters of the operation and of its path, the operation first', () => {
    const item = {
      parameters: [
        { $ref: '#/components/parameters/page' },
        { in: 'query', name: 'sort', schema: { type: 'string' } },
        { in: 'path', name: 'id', required: true, schema: { type: 'string' } },
      ],
      get: {
        parameters: [
          { in: 'query', name: 'sort', required: true, schema: { enum: ['up', 'down'] } },
          {
            in: 'header',
            name: 'X-Version',
            content: { 'application/json': { schema: { type: ['integer', 'null'] } } },
          },
          { in: 'header', name: 'Authorization', schema: { type: 'string' } },
          { in: 'cookie', name: 'Theme', schema: true },
        ],
      },
    }
    const components = { parameters: { page: { in: 'query', name: 'page', schema: { type: 'integer' } } } }
    expect(contractIn({ openapi: '3.1.0', paths: { '/a/{id}': item }, components })?.parameters).toEqual({
      'query page': { type: 'integer', required: false },
      'query sort': { type: 'string', required: true },
      'header x-version': { type: 'integer|null', required: false },
      'cookie Theme': { type: 'any', required: false },
    })
  })

  it('reads the same of Swagger 2.0', () => {
    const operation = {
      consumes: ['application/json; charset=utf-8'],
      parameters: [
        { in: 'query', name: 'page', type: 'integer' },
        { in: 'body', name: 'badge', required: true, schema: { $ref: '#/definitions/Badge' } },
      ],
      responses: { 200: { description: '', schema: { $ref: '#/definitions/Badge' } }, 204: { description: '' } },
    }
    const shape = { '': 'object', id: 'integer', tags: 'array?', 'tags[]': 'string' }
    expect(
      contractIn({
        swagger: '2.0',
        produces: ['application/json', 'text/csv'],
        paths: { '/a': { post: operation } },
        definitions: { Badge: BADGE },
      }),
    ).toEqual({
      parameters: { 'query page': { type: 'integer', required: false } },
      body: { required: true, media: { 'application/json': shape } },
      responses: { 200: { 'application/json': shape, 'text/csv': shape }, 204: {} },
    })
  })

  it('reads forms of 2.0 as one body', () => {
    const parameters = [
      { in: 'formData', name: 'name', type: 'string', required: true },
      { in: 'formData', name: 'photo', type: 'file' },
    ]
    expect(contractIn({ swagger: '2.0', paths: { '/a': { post: { parameters } } } })?.body).toEqual({
      required: true,
      media: { 'application/x-www-form-urlencoded': { '': 'object', name: 'string', photo: 'file?' } },
    })
  })

  it('leaves out of a request what only the server sets, and of a response what only the client sends', () => {
    const schema = {
      type: 'object',
      properties: { id: { type: 'integer', readOnly: true }, password: { type: 'string', writeOnly: true } },
    }
    const content = { 'application/json': { schema } }
    const post = { requestBody: { content }, responses: { default: { content } } }
    const contract = contractIn({ openapi: '3.0.0', paths: { '/a': { post } } })
    expect(contract?.body).toEqual({
      required: false,
      media: { 'application/json': { '': 'object', password: 'string?' } },
    })
    expect(contract?.responses.default).toEqual({ 'application/json': { '': 'object', id: 'integer?' } })
  })

  it('says nothing of an operation that says nothing', () => {
    expect(contractIn({ openapi: '3.1.0', paths: { '/a': { get: {} } } })).toBeUndefined()
  })

  it.each([
    { what: 'nothing known', schema: {}, shape: { '': 'any' } },
    { what: 'a boolean schema', schema: true, shape: { '': 'any' } },
    { what: 'nullable of 3.0', schema: { type: 'string', nullable: true }, shape: { '': 'null|string' } },
    { what: 'a constant', schema: { const: 5 }, shape: { '': 'number' } },
    {
      what: 'objects within arrays',
      schema: { items: { properties: { a: { type: 'string' } }, required: ['a'] } },
      shape: { '': 'array', '[]': 'object', '[].a': 'string' },
    },
    {
      what: 'a map',
      schema: { type: 'object', additionalProperties: { type: 'integer' } },
      shape: { '': 'object', '{}': 'integer' },
    },
    {
      what: 'parts that all hold',
      schema: {
        allOf: [
          { type: 'object', properties: { a: { type: 'string' } } },
          { type: 'object', required: ['a'], properties: { a: {}, b: { type: 'null' } } },
        ],
      },
      shape: { '': 'object', a: 'string', b: 'null?' },
    },
    {
      what: 'one of several',
      schema: {
        oneOf: [
          { type: 'object', required: ['a', 'b'], properties: { a: { type: 'string' }, b: { type: 'string' } } },
          { type: 'object', required: ['a'], properties: { a: { type: 'integer' } } },
        ],
      },
      shape: { '': 'object', a: 'integer|string', b: 'string?' },
    },
    {
      what: 'a reference to another document',
      schema: { $ref: 'https://elsewhere.example/a.json' },
      shape: { '': 'any' },
    },
  ])('describes $what', ({ schema, shape }) => expect(shapeOf(schema)).toEqual(shape))

  it('opens a schema that holds itself once', () => {
    const schemas = {
      Node: { type: 'object', properties: { name: { type: 'string' }, next: { $ref: '#/components/schemas/Node' } } },
    }
    expect(shapeOf({ $ref: '#/components/schemas/Node' }, { schemas })).toEqual({
      '': 'object',
      name: 'string?',
      next: 'object?',
    })
  })

  it('keeps names that mean something to JavaScript as names', () => {
    const schema = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"type":"string"}}}',
    )
    const shape = shapeOf(schema)
    expect(Object.entries(shape ?? {})).toEqual([
      ['', 'object'],
      ['__proto__', 'string?'],
      ['constructor', 'string?'],
    ])
    expect(Object.getPrototypeOf({})).toBe(Object.prototype)
  })

  it('stays small and quick where references multiply', () => {
    const level = (next: string) => ({
      type: 'object',
      properties: Object.fromEntries(
        Array.from({ length: 30 }, (_, index) => [`p${index}`, { $ref: `#/components/schemas/${next}` }]),
      ),
    })
    const schemas = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`L${index}`, level(`L${index + 1}`)]))
    const before = performance.now()
    expect(Object.keys(shapeOf({ $ref: '#/components/schemas/L0' }, { schemas }) ?? {})).toHaveLength(200)
    expect(performance.now() - before).toBeLessThan(3_000)
  })

  it('knows operations by their path alone beyond half a million parts', () => {
    const parameters = Array.from({ length: 1_000 }, (_, index) => ({ in: 'query', name: `p${index}`, schema: {} }))
    const components = { pathItems: { Wide: { parameters, get: {} } } }
    const paths = Object.fromEntries(
      Array.from({ length: 600 }, (_, index) => [`/${index}`, { $ref: '#/components/pathItems/Wide' }]),
    )
    const reading = readOpenapi({ openapi: '3.1.0', paths, components }, ADDRESSES)
    if (reading.kind !== 'read') throw new Error(reading.kind)
    expect(reading.operations).toHaveLength(600)
    expect(reading.operations.filter(({ contract }) => contract !== undefined)).toHaveLength(500)
  })
})
