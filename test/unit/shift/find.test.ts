import { describe, expect, it } from 'vitest'
import { findShift } from '../../../router/shift/find.ts'

const shifts = [
  { id: 'owner-page', match: { path: '/owners/{ownerId}', methods: ['GET'] } },
  { id: 'GET /vets.html', match: { path: '/vets.html', methods: ['GET'] } },
  { id: 'both', match: { path: '/contact.html', methods: ['GET', 'POST'] } },
  { id: '/api/**', match: { path: '/api/**' } },
]

describe('a shift', () => {
  it.each([
    { name: 'owner-page', found: 'owner-page', why: 'by its id' },
    { name: 'GET /owners/{id}', found: 'owner-page', why: 'by its operation, whatever the parameter is called' },
    { name: ' get  /owners/* ', found: 'owner-page', why: 'by its operation, however it is typed' },
    { name: 'GET /vets.html', found: 'GET /vets.html', why: 'by an id that is an operation' },
    { name: 'POST /owners/{id}', found: undefined, why: 'not by another method' },
    { name: 'GET /contact.html', found: undefined, why: 'not by one of several operations' },
    { name: '/api/**', found: '/api/**', why: 'by an id that is a path' },
    { name: '', found: undefined, why: 'not by nothing' },
  ])('is found $why', ({ name, found }) => expect(findShift(name, shifts)?.id).toBe(found))
})
