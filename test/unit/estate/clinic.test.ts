import { describe, expect, it } from 'vitest'
import { openStore } from '../../../legacy/clinic/database.ts'
import { escapeText, html } from '../../../legacy/clinic/html.ts'
import { createSessions } from '../../../legacy/clinic/sessions.ts'
import { type ClinicRoute, matchRoute } from '../../../legacy/clinic/table.ts'

describe('html', () => {
  it('escapes every value that is not markup, also in lists', () => {
    const evil = `<script>alert("1" & '2')</script>`
    const escaped = '&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;'
    expect(escapeText(evil)).toBe(escaped)
    expect(html`<p title="${evil}">${[evil, html`<b>${1}</b>`, undefined]}</p>`.text).toBe(
      `<p title="${escaped}">${escaped}<b>1</b></p>`,
    )
  })
})

describe('sessions', () => {
  const sessionsAt = (clock: { now: number }, limit: number) => {
    let made = 0
    return createSessions({ now: () => clock.now, newToken: () => `token-${++made}`, idleMs: 1_000, limit })
  }

  it('end when they have been idle for too long', () => {
    const clock = { now: 0 }
    const sessions = sessionsAt(clock, 10)
    const { id } = sessions.create()
    clock.now = 999
    expect(sessions.find(id)?.id).toBe(id)
    clock.now = 1_998
    expect(sessions.find(id)?.id).toBe(id)
    clock.now = 2_998
    expect(sessions.find(id)).toBeUndefined()
  })

  it('give way to new ones, the longest unused first', () => {
    const sessions = sessionsAt({ now: 0 }, 2)
    const [first, second] = [sessions.create(), sessions.create()]
    sessions.find(first.id)
    sessions.create()
    expect(sessions.find(second.id)).toBeUndefined()
    expect(sessions.find(first.id)).toBe(first)
  })

  it('have an id and a CSRF token of their own', () => {
    const { id, csrf } = sessionsAt({ now: 0 }, 2).create()
    expect(id).not.toBe(csrf)
  })
})

describe('the route table', () => {
  const route = (method: 'GET' | 'POST', pattern: string): ClinicRoute => ({
    handler: `${method} ${pattern}`,
    methods: [method],
    patterns: [pattern],
    answer: () => ({ status: 200, headers: [], body: '' }),
  })
  const routes = [
    route('GET', '/'),
    route('GET', '/owners/*/pets'),
    route('GET', '/owners/{ownerId}/pets'),
    route('GET', '/owners/{ownerId}'),
    route('GET', '/owners/new'),
    route('POST', '/owners/new'),
  ]
  const outcome = (method: string, path: string) => {
    const match = matchRoute(
      routes,
      method,
      path.split('/').filter((segment) => segment !== ''),
    )
    return match.kind === 'found' ? match.route.handler : match.kind
  }

  it.each([
    { method: 'GET', path: '/', is: 'GET /', why: 'the root has no segments' },
    { method: 'GET', path: '/owners/new', is: 'GET /owners/new', why: 'a literal beats a parameter' },
    { method: 'HEAD', path: '/owners/new', is: 'GET /owners/new', why: 'HEAD is served by GET' },
    { method: 'POST', path: '/owners/new', is: 'POST /owners/new', why: 'the method decides between equal patterns' },
    { method: 'GET', path: '/owners/7', is: 'GET /owners/{ownerId}', why: 'a parameter takes any segment' },
    { method: 'GET', path: '/owners/7/pets', is: 'GET /owners/{ownerId}/pets', why: 'a parameter beats *' },
    { method: 'POST', path: '/owners/7', is: 'method_not_allowed', why: 'the path is there for another method' },
    { method: 'GET', path: '/vets', is: 'not_found', why: 'no pattern fits' },
  ])('$method $path: $why', ({ method, path, is }) => expect(outcome(method, path)).toBe(is))
})

describe('the store', () => {
  it('starts with the sample records', () => {
    const store = openStore(':memory:')
    const owners = store.findOwners('')
    const pets = owners.flatMap((owner) => owner.pets)
    const visits = pets.flatMap((pet) => pet.visits)
    expect([owners.length, pets.length, visits.length, store.vets().length]).toEqual([10, 13, 4, 6])
    store.close()
  })

  it.each([
    { text: 'DAV', finds: 2, why: 'case does not count' },
    { text: '%', finds: 0, why: 'a wildcard is only a character' },
    { text: "'; DROP TABLE owners; --", finds: 0, why: 'text is never SQL' },
  ])('finds $finds owners by "$text": $why', ({ text, finds }) => {
    const store = openStore(':memory:')
    expect(store.findOwners(text)).toHaveLength(finds)
    expect(store.findOwners('')).toHaveLength(10)
    store.close()
  })
})
