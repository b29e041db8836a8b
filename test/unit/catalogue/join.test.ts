import { describe, expect, it } from 'vitest'
import { joinCatalogue } from '../../../router/catalogue/join.ts'
import type { Unclaimed } from '../../../router/model/catalogue.ts'
import { observed } from './observed.ts'

const NOBODY = new Map<string, string>()

describe('joinCatalogue', () => {
  it('joins implementations whatever the parameters are called, and shows the name', () => {
    const { operations } = joinCatalogue(
      [
        observed('clinic', ['GET /owners/*/pets/{petId}', 'GET /owners/{ownerId}'], { detector: 'mappings' }),
        observed('owners', ['GET /owners/{id}/pets/{pet}', 'GET /owners/{id}']),
      ],
      [],
      new Map([['GET /owners/{}', 'clinic']]),
    )
    expect(operations.map(({ key, template, owner }) => ({ key, template, owner }))).toEqual([
      { key: 'GET /owners/{}/pets/{}', template: '/owners/{id}/pets/{pet}', owner: undefined },
      { key: 'GET /owners/{}', template: '/owners/{ownerId}', owner: 'clinic' },
    ])
    expect(operations[1]?.implementations.map(({ upstream, template }) => [upstream, template])).toEqual([
      ['clinic', '/owners/{ownerId}'],
      ['owners', '/owners/{id}'],
    ])
  })

  it('keeps the evidence of each detector, best confidence first, and implementers likewise', () => {
    const { operations } = joinCatalogue(
      [
        observed('b', ['GET /x'], { detector: 'traffic', confidence: 'observed', source: 'requests' }),
        observed('a', ['GET /x'], { at: 5 }),
        observed('a', ['GET /x'], { detector: 'declared', confidence: 'declared', source: 'a', at: 7 }),
        observed('c', ['GET /x']),
      ],
      [],
      NOBODY,
    )
    expect(operations[0]?.implementations).toEqual([
      {
        upstream: 'a',
        template: '/x',
        evidence: [
          { detector: 'declared', confidence: 'declared', at: 7, source: 'a' },
          { detector: 'openapi', confidence: 'described', at: 5, source: 'GET /openapi.json' },
        ],
      },
      {
        upstream: 'c',
        template: '/x',
        evidence: [{ detector: 'openapi', confidence: 'described', at: 1_000, source: 'GET /openapi.json' }],
      },
      {
        upstream: 'b',
        template: '/x',
        evidence: [{ detector: 'traffic', confidence: 'observed', at: 1_000, source: 'requests' }],
      },
    ])
  })

  it('does not join methods, partial segments or literals that differ', () => {
    const paths = [
      'GET /vets.html',
      'GET /vets.json',
      'GET /vets.{format}',
      'GET /{page}',
      'POST /vets.html',
      'GET /vets',
    ]
    const { operations } = joinCatalogue([observed('clinic', paths)], [], NOBODY)
    expect(operations).toHaveLength(paths.length)
  })

  it('sorts by path, then method', () => {
    const { operations } = joinCatalogue([observed('a', ['POST /b', 'GET /b', 'GET /a', 'DELETE /b'])], [], NOBODY)
    expect(operations.map(({ method, template }) => `${method} ${template}`)).toEqual([
      'GET /a',
      'DELETE /b',
      'GET /b',
      'POST /b',
    ])
  })

  it('holds what is only remembered, without evidence, until its owner answers', () => {
    const ownership = new Map([['GET /owners/{}', 'owners']])
    const before = joinCatalogue([observed('owners', [], { state: 'pending' })], [], ownership)
    expect(before.operations).toEqual([
      {
        key: 'GET /owners/{}',
        method: 'GET',
        template: '/owners/{}',
        implementations: [{ upstream: 'owners', template: '/owners/{}', evidence: [] }],
        owner: 'owners',
      },
    ])
    const after = joinCatalogue([observed('owners', ['GET /owners/{ownerId}'])], [], ownership)
    expect(after.operations).toMatchObject([{ template: '/owners/{ownerId}', implementations: [{ evidence: [{}] }] }])
  })

  it('names upstreams that have not been heard yet', () => {
    const { pending } = joinCatalogue(
      [
        observed('slow', [], { state: 'pending' }),
        observed('both', [], { state: 'pending' }),
        observed('both', ['GET /x'], { detector: 'mappings' }),
        observed('half', [], { state: 'pending' }),
        observed('half', [], { detector: 'mappings' }),
        observed('bad', [], { state: 'failed' }),
        observed('bare', []),
      ],
      [],
      NOBODY,
    )
    expect(pending).toEqual(['half', 'slow'])
  })

  it('joins 10,000 operations, and sees at once which paths none of them covers', () => {
    const operations = Array.from(
      { length: 10_000 },
      (_, index) => `GET /area-${index % 500}/{id}/things/${index}/{thing}`,
    )
    const world = [observed('legacy', operations), observed('service', operations.slice(0, 5_000))]
    const ownership = new Map(operations.map((text) => [text.replace('{id}', '{}').replace('{thing}', '{}'), 'legacy']))
    const unclaimed = Array.from({ length: 1_000 }, (_, index) => unclaimedAt(`/area-${index}/x/things/nothing/y`))
    const catalogue = joinCatalogue(world, unclaimed, ownership)
    expect(catalogue.operations).toHaveLength(10_000)
    expect(catalogue.unclaimed).toHaveLength(1_000)
  })
})

describe('unclaimed paths', () => {
  const world = [observed('clinic', ['GET /contact.html', 'GET /owners/{id}', 'POST /{page}', 'GET /files/**'])]
  const kept = (path: string, method = 'GET') =>
    joinCatalogue(world, [unclaimedAt(path, method)], NOBODY).unclaimed.length

  it.each([
    ['/contact.html', 'GET', 0],
    ['/contact.html', 'HEAD', 0],
    ['/contact.html/', 'GET', 0],
    ['/contact.html;v=1', 'GET', 0],
    ['//contact.html', 'GET', 0],
    ['/contact.html', 'PUT', 1],
    ['/contact', 'GET', 1],
    ['/owners/7', 'GET', 0],
    ['/owners/%7Bid%7D', 'GET', 0],
    ['/owners/7/8', 'GET', 1],
    ['/files/a/b', 'GET', 0],
    ['/files', 'GET', 0],
    ['/any', 'POST', 0],
    ['/{page}', 'GET', 1],
    ['/**', 'GET', 1],
  ])('%s by %s: %i left', (path, method, left) => expect(kept(path, method)).toBe(left))

  it('are shown again when the operation is gone, by path and method', () => {
    const unclaimed = [unclaimedAt('/b'), unclaimedAt('/a', 'POST'), unclaimedAt('/a')]
    expect(joinCatalogue([], unclaimed, NOBODY).unclaimed.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /a',
      'POST /a',
      'GET /b',
    ])
  })
})

function unclaimedAt(path: string, method = 'GET'): Unclaimed {
  return { method, path, upstream: 'clinic', status: 404, count: 1, lastAt: 1 }
}
