import { describe, expect, it } from 'vitest'
import { compareContracts } from '../../../router/catalogue/compare.ts'
import { findDrift } from '../../../router/catalogue/drift.ts'
import { joinCatalogue } from '../../../router/catalogue/join.ts'
import type { Observation } from '../../../router/model/catalogue.ts'
import type { Contract, Shape } from '../../../router/model/contract.ts'

const EMPTY: Contract = { parameters: {}, responses: {} }
const query = (required: boolean, type = 'integer'): Contract => ({
  ...EMPTY,
  parameters: { 'query page': { type, required } },
})
const body = (shape: Shape, required = false, media = 'application/json'): Contract => ({
  ...EMPTY,
  body: { required, media: { [media]: shape } },
})
const answer = (shape: Shape, media = 'application/json'): Contract => ({
  ...EMPTY,
  responses: { 200: { [media]: shape } },
})
const statuses = (...names: readonly string[]): Contract => ({
  ...EMPTY,
  responses: Object.fromEntries(names.map((name) => [name, {}])),
})

/** `breaks kind where: was → becomes`, one a difference. */
function differences(incumbent: Contract, candidate: Contract): string[] {
  return compareContracts(incumbent, candidate).map(
    ({ kind, where, was, becomes, breaks }) => `${breaks ? 'breaks' : 'notice'} ${kind} ${where}: ${was} → ${becomes}`,
  )
}

describe('compareContracts', () => {
  it.each([
    {
      what: 'a new parameter that is needed',
      incumbent: EMPTY,
      candidate: query(true),
      there: ['breaks parameter-required query page: null → required'],
      back: ['notice parameter-removed query page: integer → null'],
    },
    {
      what: 'a parameter that was optional',
      incumbent: query(false),
      candidate: query(true),
      there: ['breaks parameter-required query page: optional → required'],
      back: [],
    },
    {
      what: 'a parameter that takes less',
      incumbent: query(false, 'number'),
      candidate: query(false, 'integer'),
      there: ['breaks parameter-retyped query page: number → integer'],
      back: [],
    },
    {
      what: 'a body that is needed now',
      incumbent: body({ '': 'object' }),
      candidate: body({ '': 'object' }, true),
      there: ['breaks body-required body: optional → required'],
      back: [],
    },
    {
      what: 'a media type that is not taken any more',
      incumbent: body({ '': 'object' }, false, 'application/x-www-form-urlencoded'),
      candidate: body({ '': 'object' }),
      there: [
        'breaks body-media-removed body application/x-www-form-urlencoded: application/x-www-form-urlencoded → application/json',
      ],
      back: ['breaks body-media-removed body application/json: application/json → application/x-www-form-urlencoded'],
    },
    {
      what: 'a field that must be sent now',
      incumbent: body({ '': 'object', name: 'string', city: 'string?' }),
      candidate: body({ '': 'object', name: 'string', city: 'string', zip: 'string' }),
      there: [
        'breaks body-field-required body application/json: city: optional → required',
        'breaks body-field-required body application/json: zip: null → string',
      ],
      back: [],
    },
    {
      what: 'a sent field that takes less',
      incumbent: body({ '': 'object', id: 'integer|string' }),
      candidate: body({ '': 'object', id: 'integer' }),
      there: ['breaks body-field-retyped body application/json: id: integer|string → integer'],
      back: [],
    },
    {
      what: 'a field of the answer that is gone',
      incumbent: answer({ '': 'array', '[]': 'object', '[].id': 'integer', '[].city': 'string' }),
      candidate: answer({ '': 'array', '[]': 'object', '[].id': 'integer' }),
      there: ['breaks answer-field-removed 200 application/json: [].city: string → null'],
      back: [],
    },
    {
      what: 'a field of the answer of another type',
      incumbent: answer({ '': 'object', id: 'integer' }),
      candidate: answer({ '': 'object', id: 'integer|null' }),
      there: ['breaks answer-field-retyped 200 application/json: id: integer → integer|null'],
      back: [],
    },
    {
      what: 'a field of the answer that may be missing now',
      incumbent: answer({ '': 'object', id: 'integer' }),
      candidate: answer({ '': 'object', id: 'integer?' }),
      there: ['breaks answer-field-optional 200 application/json: id: always there → optional'],
      back: [],
    },
    {
      what: 'another kind of body',
      incumbent: answer({ '': 'array' }),
      candidate: answer({ '': 'object' }),
      there: ['breaks answer-field-retyped 200 application/json: the body: array → object'],
      back: ['breaks answer-field-retyped 200 application/json: the body: object → array'],
    },
    {
      what: 'a media type that is not answered any more',
      incumbent: answer({ '': 'string' }, 'text/csv'),
      candidate: answer({ '': 'object' }),
      there: ['breaks answer-media-removed 200 text/csv: text/csv → application/json'],
      back: ['breaks answer-media-removed 200 application/json: application/json → text/csv'],
    },
    {
      what: 'other statuses',
      incumbent: statuses('200', '404'),
      candidate: statuses('201', '403'),
      there: [
        'breaks status-removed 200: 200 → 201, 403',
        'notice status-added 201: 200, 404 → 201',
        'notice status-added 403: 200, 404 → 403',
      ],
      back: [
        'breaks status-removed 201: 201 → 200, 404',
        'notice status-added 200: 201, 403 → 200',
        'notice status-added 404: 201, 403 → 404',
      ],
    },
  ])('sees $what, and which way', ({ incumbent, candidate, there, back }) => {
    expect(differences(incumbent, candidate)).toEqual(there)
    expect(differences(candidate, incumbent)).toEqual(back)
  })

  it.each([
    { what: 'a class of statuses', incumbent: statuses('200'), candidate: statuses('2XX') },
    { what: 'a default for a status', incumbent: statuses('200'), candidate: statuses('default') },
    { what: 'an answer that one does not describe', incumbent: statuses('200'), candidate: EMPTY },
    { what: 'any media type', incumbent: answer({ '': 'object' }), candidate: answer({ '': 'object' }, 'any') },
    {
      what: 'fields of what the other leaves open',
      incumbent: answer({ '': 'object', id: 'integer' }),
      candidate: answer({ '': 'object' }),
    },
    {
      what: 'fields of what may be anything',
      incumbent: answer({ '': 'object', a: 'object', 'a.b': 'string' }),
      candidate: answer({ '': 'object', a: 'any' }),
    },
    {
      what: 'an integer for a number in an answer',
      incumbent: answer({ '': 'number' }),
      candidate: answer({ '': 'integer' }),
    },
    { what: 'a body where none was', incumbent: EMPTY, candidate: body({ '': 'object', a: 'string' }) },
  ])('does not mind $what', ({ incumbent, candidate }) => expect(differences(incumbent, candidate)).toEqual([]))

  it('takes foreign names as names', () => {
    const named = { '': 'object', ...JSON.parse('{"constructor":"string"}') }
    expect(differences(answer(named), answer({ '': 'object', id: 'integer' }))).toEqual([
      'breaks answer-field-removed 200 application/json: constructor: string → null',
    ])
  })
})

const observed = (upstream: string, contract: Contract | undefined, path = '/vets/{id}'): Observation => ({
  upstream,
  detector: 'openapi',
  state: 'answered',
  operations: [{ method: 'GET', template: path, ...(contract && { contract }) }],
  confidence: 'described',
  source: 'GET /openapi.json',
  attempts: [],
  at: 1,
  nextAt: undefined,
})

describe('findDrift', () => {
  const shift = { id: 'GET /vets', between: ['clinic', 'vets'] }
  const drift = (observations: readonly Observation[], served?: string) =>
    findDrift({
      catalogue: joinCatalogue(observations, [], new Map([['GET /vets/{}', 'clinic']])),
      observations,
      served: () => (served === undefined ? undefined : { upstream: served, shift }),
    })
  const clinic = answer({ '': 'object', id: 'integer' })
  const vets = answer({ '': 'object', id: 'string' })

  it('compares who answers today with who else implements it, whatever the parameters are called', () => {
    const found = drift([observed('vets', vets, '/vets/{vetId}'), observed('clinic', clinic)])
    expect(found).toMatchObject({
      compared: 1,
      uncompared: [],
      operations: [
        { method: 'GET', incumbent: 'clinic', candidate: 'vets', differences: [{ was: 'integer', becomes: 'string' }] },
      ],
    })
    expect(drift([observed('vets', vets), observed('clinic', clinic)], 'vets').operations).toMatchObject([
      {
        incumbent: 'vets',
        candidate: 'clinic',
        shift: 'GET /vets',
        differences: [{ was: 'string', becomes: 'integer' }],
      },
    ])
  })

  it('has nothing to say where both promise the same, or one alone implements it', () => {
    expect(drift([observed('vets', clinic), observed('clinic', clinic)])).toMatchObject({ compared: 1, operations: [] })
    expect(drift([observed('clinic', clinic)])).toEqual({ operations: [], compared: 0, uncompared: [] })
  })

  it('says what could not be compared, and whose silence that is', () => {
    expect(drift([observed('vets', vets), observed('clinic', undefined)])).toEqual({
      operations: [],
      compared: 0,
      uncompared: [
        { method: 'GET', path: '/vets/{id}', incumbent: 'clinic', candidate: 'vets', shift: null, silent: ['clinic'] },
      ],
    })
  })
})
