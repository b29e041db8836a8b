import { expect, it } from 'vitest'
import { joinCatalogue } from '../../../router/catalogue/join.ts'
import { driftOfRoutes } from '../../../router/catalogue/route-drift.ts'
import type { Observation } from '../../../router/model/catalogue.ts'
import { specOf } from '../config/decoding.ts'

const PATHS = ['/vets/{id}', '/vets/{id}/visits', '/vets', '/owners']

const observed = (upstream: string, type: string): Observation => ({
  upstream,
  detector: 'openapi',
  state: 'answered',
  operations: PATHS.map((template) => ({
    method: 'GET',
    template,
    contract: { parameters: {}, responses: { 200: { 'application/json': { '': type } } } },
  })),
  confidence: 'described',
  source: 'GET /openapi.json',
  attempts: [],
  at: 1,
  nextAt: undefined,
})

/** What is said of a route with these keys. */
function said(route: string, candidate = 'array'): readonly string[] {
  const upstreams = 'upstreams: { clinic: { url: "http://a" }, vets: { url: "http://b" } }'
  const { routes } = specOf(`${upstreams}\nroutes: [{ ${route}, from: clinic, to: vets, shift: canary }]`)
  const observations = [observed('clinic', 'object'), observed('vets', candidate)]
  return driftOfRoutes(routes, joinCatalogue(observations, [], new Map()), observations).map(({ message }) => message)
}

it.each([
  { route: 'path: "/vets/{id}", methods: [GET]', names: ['GET /vets/{id}'] },
  { route: 'path: "/vets/**"', names: ['GET /vets', 'GET /vets/{id}', 'GET /vets/{id}/visits'] },
  { route: 'path: "/**"', names: ['GET /owners', 'GET /vets', 'GET /vets/{id} and 1 more'] },
])('a route with $route is warned of for $names', ({ route, names }) => {
  const [message, ...others] = said(route)
  expect(message).toContain(`would break clients: "vets" describes ${names.join(', ')} otherwise than "clinic"`)
  expect(others).toEqual([])
})

it.each([
  { why: 'another method', route: 'path: "/vets/{id}", methods: [POST]' },
  { why: 'an expression', route: 'pathRegex: "/vets/.*"' },
  { why: 'a candidate that describes the same', route: 'path: "/vets/**"', candidate: 'object' },
])('nothing is said of $why', ({ route, candidate }) => expect(said(route, candidate)).toEqual([]))
