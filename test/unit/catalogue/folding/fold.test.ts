import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createFolder, type Folder } from '../../../../router/catalogue/folding/fold.ts'
import { segmentKind } from '../../../../router/catalogue/folding/segment-kind.ts'
import { seeded } from '../../../random.ts'
import { generate } from './traffic.ts'

const CLINIC = `
GET /
GET /owners/new
POST /owners/new
GET /owners/find
GET /owners
GET /owners/{ownerId:int}
GET /owners/{ownerId:int}/edit
POST /owners/{ownerId:int}/edit
GET /owners/{ownerId:int}/pets/new
POST /owners/{ownerId:int}/pets/new
GET /owners/{ownerId:int}/pets/{petId:int}/edit
POST /owners/{ownerId:int}/pets/{petId:int}/edit
GET /owners/{any:int}/pets/{petId:int}/visits/new
POST /owners/{ownerId:int}/pets/{petId:int}/visits/new
GET /vets.html
GET /vets.json
GET /vets.xml
GET /vets/new
GET /oups`

const GITHUB = readFileSync(new URL('github-routes.txt', import.meta.url), 'utf8')

function once(at = 0) {
  return { count: 1, first: at, last: at, statuses: { 200: 1 } }
}

function keysOf(folder: Folder): readonly string[] {
  return folder.operations().map(({ method, template }) => `${method} ${template}`)
}

function fold(paths: readonly string[], each = 3): readonly string[] {
  const folder = createFolder()
  for (const path of paths) for (let time = 0; time < each; time++) folder.add('GET', path, once())
  folder.settle()
  return folder.operations().map(({ template }) => template)
}

describe('what a segment looks like', () => {
  it.each([
    ...['1', '-4', '2024-01-31', '123.pdf', '6fa459ea-ee8a-3ca4-894e-db77e160355e'].map((text) => [text, 'identifier']),
    ...['da39a3ee5e6b4b0d3255bfef95601890afd80709', 'sha256:0a1b2c3d4e', 'a@b.example'].map((text) => [
      text,
      'identifier',
    ]),
    ...['main...topic', 'GHSA-2x4f-edde-m3qr', 'two%20words', '{x}', 'dQw4w9WgXcQ1a2'].map((text) => [
      text,
      'identifier',
    ]),
    ...['owners', 'v2', 'v1.1', 'oauth2', 's3', 'vets.html', 'organization-1-day', 'deadbeef'].map((text) => [
      text,
      'word',
    ]),
    ...['order4711', 'ab12cd34x'].map((text) => [text, 'mixed']),
  ])('%s is %s', (text, kind) => expect(segmentKind(text)).toBe(kind))
})

describe('folding', () => {
  it('makes one operation of numbers, and leaves names beside them alone', () => {
    expect(fold(['/owners/1', '/owners/2', '/owners/new', '/owners/find', '/owners/2/'])).toEqual([
      '/owners/find',
      '/owners/new',
      '/owners/{}',
    ])
  })

  it('knows values that look like words by what they lead to', () => {
    const people = ['ada', 'bob', 'cleo', 'dora', 'emil', 'fred', 'greta', 'hans', 'ida']
    const paths = people.flatMap((name) => [`/users/${name}/pets`, `/users/${name}/visits`])
    expect(fold([...paths, '/vets/hours', '/contact/form'])).toEqual([
      '/contact/form',
      '/users/{}/pets',
      '/users/{}/visits',
      '/vets/hours',
    ])
  })

  it('leaves lists of things alone, however alike they are', () => {
    const things = ['cats', 'dogs', 'birds', 'owners', 'visits', 'vets']
    const paths = things.flatMap((thing) => [`/${thing}`, `/${thing}/1`, `/${thing}/1/edit`, `/${thing}/1/delete`])
    expect(fold(paths, 20)).toHaveLength(24)
  })

  it('counts requests, first and last time and statuses over all values', () => {
    const folder = createFolder()
    folder.add('GET', '/owners/1', { count: 2, first: 10, last: 20, statuses: { 200: 2 } })
    folder.add('GET', '/owners/2', { count: 3, first: 5, last: 15, statuses: { 200: 1, 304: 2 } })
    expect(folder.operations()).toEqual([
      { method: 'GET', template: '/owners/{}', count: 5, first: 5, last: 20, statuses: { 200: 3, 304: 2 } },
    ])
  })

  it('takes what it learned before', () => {
    const folder = createFolder()
    folder.add('GET', '/users/{}/pets', { ...once(), count: 3 })
    folder.add('GET', '/users/17/pets', once())
    expect(folder.operations()).toMatchObject([{ template: '/users/{}/pets', count: 4 }])
  })

  it('keeps no more segments than it may, and goes on counting what it knows', () => {
    const folder = createFolder({ limit: 100 })
    folder.add('GET', '/known', once())
    const taken = Array.from({ length: 1_000 }, (_, index) =>
      folder.add('GET', `/x${'y'.repeat(index % 30)}/${name(index)}`, once()),
    )
    expect(taken).toContain(false)
    expect(folder.add('GET', '/known', once())).toBe(true)
    expect(folder.add('GET', '/known', once())).toBe(true)
    expect(folder.operations().find(({ template }) => template === '/known')?.count).toBe(3)
  })
})

function name(index: number): string {
  return [...index.toString(5)].map((digit) => 'aeiou'[Number(digit)]).join('x')
}

describe('folding of generated traffic', () => {
  it.each([
    { name: 'the clinic', table: CLINIC, seed: 1 },
    { name: 'GitHub', table: GITHUB, seed: 1 },
    { name: 'GitHub again', table: GITHUB, seed: 2 },
  ])('finds the operations of $name and few others', ({ table, seed }) => {
    const requests = generate(table, 50, seeded(seed).next)
    const folder = createFolder()
    for (const [index, { method, path }] of requests.entries()) {
      folder.add(method, path, once())
      if (index % 5_000 === 4_999) folder.settle()
    }
    folder.settle()
    const truth = new Set(requests.map(({ operation }) => operation))
    const learned = keysOf(folder)
    const right = learned.filter((key) => truth.has(key)).length
    expect(right / truth.size).toBeGreaterThanOrEqual(0.95)
    expect(right / learned.length).toBeGreaterThanOrEqual(0.98)
  })
})
