import { describe, expect, it } from 'vitest'
import { type HonoEntry, routesOf, routesProblem } from '../../../router/functions/routes.ts'

const hono = (...entries: readonly (readonly [string, string, 'middleware'?])[]) => ({
  kind: 'hono' as const,
  entries: entries.map(([method, path, kind]): HonoEntry => ({ method, path, middleware: kind === 'middleware' })),
})

describe('the routes of a function', () => {
  it.each([
    { why: 'a method and a path', entries: hono(['GET', '/contact.html']), routes: ['GET /contact.html'] },
    { why: 'the root', entries: hono(['GET', '/']), routes: ['GET /'] },
    { why: 'one entry for each handler of one route', entries: hono(['GET', '/a'], ['GET', '/a']), routes: ['GET /a'] },
    { why: 'a parameter', entries: hono(['GET', '/vets/:id']), routes: ['GET /vets/{id}'] },
    { why: 'a parameter with a pattern', entries: hono(['GET', '/vets/:id{[0-9]+}']), routes: ['GET /vets/{id}'] },
    {
      why: 'a pattern with braces and slashes of its own',
      entries: hono(['GET', '/on/:day{[0-9]{4}/[0-9]{2}}/visits']),
      routes: ['GET /on/{day}/visits'],
    },
    {
      why: 'an optional parameter is two routes',
      entries: hono(['GET', '/vets/:id?']),
      routes: ['GET /vets', 'GET /vets/{id}'],
    },
    { why: 'an optional first segment', entries: hono(['GET', '/:page?']), routes: ['GET /', 'GET /{page}'] },
    { why: 'an unnamed segment', entries: hono(['GET', '/owners/*/pets']), routes: ['GET /owners/*/pets'] },
    {
      why: 'middleware is none',
      entries: hono(['ALL', '/*', 'middleware'], ['ALL', '/admin', 'middleware'], ['GET', '/a']),
      routes: ['GET /a'],
    },
    {
      why: 'a handler that takes next under its own method counts',
      entries: hono(['GET', '/a', 'middleware']),
      routes: ['GET /a'],
    },
    {
      why: 'a handler for all methods is five',
      entries: hono(['ALL', '/a']),
      routes: ['GET /a', 'POST /a', 'PUT /a', 'PATCH /a', 'DELETE /a'],
    },
    {
      why: 'a catch-all beside a route is none',
      entries: hono(['GET', '/a'], ['GET', '/files/*'], ['ALL', '*']),
      routes: ['GET /a'],
    },
  ])('$why', ({ entries, routes }) => expect(routesOf(entries, undefined)).toEqual({ kind: 'routes', routes }))

  it('an app with only catch-alls has none until it says so', () => {
    const entries = hono(['ALL', '/*', 'middleware'], ['GET', '/*'])
    expect(routesOf(entries, undefined)).toEqual({
      kind: 'none',
      why: 'its Hono app has only middleware and catch-alls',
    })
    expect(routesOf(entries, ['GET /a'])).toEqual({ kind: 'routes', routes: ['GET /a'] })
  })

  it('what function.yaml says goes before what the module exports', () => {
    const exported = { kind: 'exported' as const, routes: ['GET /exported'] }
    expect(routesOf(exported, undefined)).toEqual({ kind: 'routes', routes: ['GET /exported'] })
    expect(routesOf(exported, ['GET /manifest'])).toEqual({ kind: 'routes', routes: ['GET /manifest'] })
  })

  it('an object with fetch and nothing else has none', () => {
    expect(routesOf({ kind: 'none' }, undefined)).toEqual({
      kind: 'none',
      why: 'it is no Hono app and exports no routes',
    })
  })

  it('a wrong list is named with its item', () => {
    expect(routesOf({ kind: 'exported', routes: ['GET /a', 'contact'] }, undefined)).toEqual({
      kind: 'invalid',
      problem: 'export const routes[1] "contact": expected METHOD /path, such as GET /contact.html',
    })
    expect(routesProblem('GET /a')).toBe("routes: expected a list such as ['GET /contact.html']")
    expect(routesProblem(['get /a'])).toContain('routes[0] "get /a"')
  })
})
