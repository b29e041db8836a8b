import { describe, expect, it } from 'vitest'
import { createLearner, type LearnedRequest } from '../../../../router/catalogue/learning/learn.ts'
import type { Operation } from '../../../../router/model/catalogue.ts'

function asked(method: string, path: string, answer: Partial<LearnedRequest> = {}): LearnedRequest {
  return { method, path, status: 200, length: undefined, location: undefined, at: 1, allow: undefined, ...answer }
}

function learn(requests: readonly LearnedRequest[], known: readonly Operation[] = []) {
  const learner = createLearner({ known, now: 1, least: 1 })
  for (const request of requests) learner.look(request)
  for (const request of requests) learner.take(request)
  const { operations, ...rest } = learner.result()
  return { keys: operations.map(({ method, template }) => `${method} ${template}`), operations, ...rest }
}

describe('what a status says', () => {
  it.each([200, 201, 204, 304, 400, 401, 403, 409, 415, 422])('%i is evidence', (status) => {
    expect(learn([asked('GET', '/a', { status })]).keys).toEqual(['GET /a'])
  })

  it.each([404, 410, 405, 501, 500, 502, 503, 429])('%i is none', (status) => {
    expect(learn([asked('GET', '/a', { status })])).toMatchObject({ keys: [], nothing: 1 })
  })

  it('a 405 names the methods that there are', () => {
    expect(learn([asked('PATCH', '/a', { status: 405, allow: ['GET', 'HEAD', 'POST', 'OPTIONS'] })]).keys).toEqual([
      'GET /a',
      'POST /a',
    ])
  })

  it('HEAD is GET, OPTIONS is no operation', () => {
    expect(learn([asked('HEAD', '/a'), asked('OPTIONS', '/b', { status: 204 })]).keys).toEqual(['GET /a'])
  })
})

describe('redirects', () => {
  const away = { status: 302, location: 'http://a.test/login' }

  it('that all lead to one place are no evidence', () => {
    expect(learn(['/a', '/b', '/c', '/d'].map((path) => asked('GET', path, away))).keys).toEqual([])
  })

  it('that lead to places of their own are', () => {
    const requests = ['/a', '/b', '/c'].map((path) => asked('POST', path, { status: 303, location: `${path}/7` }))
    expect(learn(requests).keys).toEqual(['POST /a', 'POST /b', 'POST /c'])
  })

  it('to nobody knows where are, where the path answers otherwise too', () => {
    const requests = [asked('GET', '/a'), asked('POST', '/a', { status: 302 }), asked('POST', '/b', { status: 302 })]
    expect(learn(requests).keys).toEqual(['GET /a', 'POST /a'])
  })
})

describe('answers that look alike whatever is asked for', () => {
  const random = Array.from(
    { length: 40 },
    (_, index) => `/${'abcdefgh'[index % 8]}${'xyzuv'[index % 5]}q${'klmno'[index >> 3]}`,
  )

  it('teach nothing', () => {
    const soft = random.map((path) => asked('GET', path, { length: 1234 }))
    expect(learn([...soft, asked('GET', '/real', { length: 99 })]).keys).toEqual(['GET /real'])
  })

  it('nor do answers of 404', () => {
    expect(learn(random.map((path) => asked('GET', path, { status: 404, length: 9 }))).keys).toEqual([])
  })
})

it('takes operations that are known as they are', () => {
  const known = { key: 'GET /owners/{}', method: 'GET', template: '/owners/{ownerId}' }
  const { operations } = learn(
    [asked('GET', '/owners/ada'), asked('GET', '/owners/bob', { status: 304, at: 9 })],
    [known],
  )
  expect(operations).toEqual([
    {
      method: 'GET',
      template: '/owners/{ownerId}',
      seen: { count: 2, first: 1, last: 9, statuses: { 200: 1, 304: 1 } },
    },
  ])
})
