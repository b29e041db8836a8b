import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compareContracts } from '../../../router/catalogue/compare.ts'
import { readOpenapi } from '../../../router/discovery/detectors/openapi/read.ts'
import type { Contract } from '../../../router/model/contract.ts'

const { schema } = fc.letrec((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(
      { $ref: '#/components/schemas/A' },
      true,
      {},
      { type: ['string', 'null'] },
      { type: 'integer', nullable: true },
    ),
    fc.record(
      { type: fc.constantFrom('string', 'number', 'object', 'array'), enum: fc.constant([1, null]) },
      { requiredKeys: [] },
    ),
    fc.record({ items: tie('schema') }),
    fc.record({ allOf: fc.array(tie('schema'), { maxLength: 3 }) }),
    fc.record({ oneOf: fc.array(tie('schema'), { maxLength: 3 }) }),
    fc.record({
      properties: fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'a.b', 'c[]'), tie('schema'), { maxKeys: 3 }),
      required: fc.subarray(['a', 'b', '__proto__']),
      additionalProperties: tie('schema'),
    }),
  ),
}))

const media = fc.record(
  { 'application/json': fc.record({ schema }), '*/*': fc.record({ schema }) },
  { requiredKeys: [] },
)

const operation = fc.record({
  parameters: fc.array(
    fc.record({
      in: fc.constantFrom('query', 'header', 'path'),
      name: fc.constantFrom('a', 'B'),
      required: fc.boolean(),
      schema,
    }),
  ),
  requestBody: fc.record({ required: fc.boolean(), content: media }),
  responses: fc.dictionary(fc.constantFrom('200', '2XX', '404', 'default'), fc.record({ content: media })),
})

function contractIn(get: unknown, a: unknown): Contract {
  const document = { openapi: '3.1.0', paths: { '/a': { get } }, components: { schemas: { A: a } } }
  const reading = readOpenapi(document, { place: '/', hosts: [], prefix: '' })
  const contract = reading.kind === 'read' ? reading.operations[0]?.contract : undefined
  if (contract === undefined) throw new Error('no contract')
  return contract
}

it('a contract does not differ from itself, whatever it says', () => {
  fc.assert(
    fc.property(operation, schema, (get, a) => {
      expect(compareContracts(contractIn(get, a), contractIn(get, a))).toEqual([])
    }),
    { numRuns: 300 },
  )
})

it('whatever stands where an operation should, it is read', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
      const item = {
        get: one,
        put: { parameters: one, requestBody: other, responses: { 200: one, 404: { content: other } } },
        parameters: other,
      }
      const document = { openapi: one, paths: { '/a': item, '/b': other }, servers: other, components: one }
      expect(readOpenapi(document, { place: '/', hosts: [], prefix: '' }).kind).toBe('read')
    }),
    { numRuns: 300 },
  )
})
