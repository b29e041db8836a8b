import { describe, expect, it } from 'vitest'
import { declared } from '../../../router/discovery/detectors/declared/index.ts'
import { operationsOfRoute, templatesOfPattern } from '../../../router/discovery/detectors/declared/templates.ts'
import type { DetectableUpstream } from '../../../router/discovery/detectors/detector.ts'
import { manualClock } from '../../../router/kernel/clock.ts'

const CONTACT: DetectableUpstream = {
  name: 'functions/contact',
  endpoints: [],
  discover: { openapi: undefined, mappings: undefined },
  ownHosts: [],
  declares: undefined,
  failure: undefined,
}

function detect(part: Partial<DetectableUpstream>) {
  return declared.detect({
    upstream: { ...CONTACT, ...part },
    fetch: () => Promise.reject(new Error('nothing is fetched')),
    clock: manualClock(5_000),
    signal: new AbortController().signal,
    memory: undefined,
  })
}

describe('declared', () => {
  it('applies to upstreams that declare, be it nothing', () => {
    expect(declared.applies(CONTACT)).toBe(false)
    expect(declared.applies({ ...CONTACT, declares: [] })).toBe(true)
  })

  it('gives what the upstream declares', async () => {
    expect(await detect({ declares: ['GET /contact.html', 'POST /contact.html', 'GET /contact.html/'] })).toEqual({
      kind: 'read',
      operations: [
        { method: 'GET', template: '/contact.html' },
        { method: 'POST', template: '/contact.html' },
      ],
      source: 'functions/contact',
      attempts: [{ what: 'routes of functions/contact', outcome: '2 operations', at: 5_000 }],
    })
  })

  it('names what it does not understand and takes the rest', async () => {
    const { attempts, ...finding } = await detect({ declares: ['GET /a', '/b', 'GET b', 'GET /c/{d'] })
    expect(finding).toMatchObject({ kind: 'read', operations: [{ method: 'GET', template: '/a' }] })
    expect(attempts[0]?.outcome).toBe('1 operation; "/b", "GET b", "GET /c/{d" not understood: expected METHOD /path')
  })

  it('fails where the upstream did not come up and declares nothing', async () => {
    expect(await detect({ declares: [], failure: 'index.ts:3:7 x is not defined' })).toMatchObject({
      kind: 'failed',
      attempts: [{ outcome: 'index.ts:3:7 x is not defined' }],
    })
  })
})

describe('templatesOfPattern', () => {
  it.each([
    ['/', ['/']],
    ['/contact.html', ['/contact.html']],
    ['/vets/:id', ['/vets/{id}']],
    ['/vets/:id{[0-9]+}', ['/vets/{id}']],
    ['/vets/:id{[0-9]{2}}/edit', ['/vets/{id}/edit']],
    ['/archive/:date{[0-9]{4}/[0-9]{2}}/x', ['/archive/{date}/x']],
    ['/api/:animal?', ['/api', '/api/{animal}']],
    ['/:a?', ['/', '/{a}']],
    ['/a/:b{[a-z]+}?', ['/a', '/a/{b}']],
    ['/files/*', ['/files/**']],
    ['/files/**', ['/files/**']],
    ['/a/*/b', ['/a/*/b']],
    ['/files/:name{.+\\.png}', ['/files/**']],
    ['/files/:name{[^/]+\\.png}', ['/files/{name}']],
    ['/owners/{ownerId}', ['/owners/{ownerId}']],
    ['/owners/{ownerId:[0-9]+}', ['/owners/{ownerId}']],
    ['/a/:', undefined],
    ['/a/{b', undefined],
  ])('%s is %j', (pattern, templates) => expect(templatesOfPattern(pattern)).toEqual(templates))
})

describe('operationsOfRoute', () => {
  it('takes any method for five', () => {
    for (const method of ['ALL', 'any', '*']) {
      expect(operationsOfRoute(`${method} /x`)?.map((operation) => operation.method)).toEqual([
        'GET',
        'POST',
        'PUT',
        'PATCH',
        'DELETE',
      ])
    }
  })

  it.each(['', 'GET', '/x', 'GET x', 'GET /x /y', 'GE T /x'])('does not take %j for a route', (route) => {
    expect(operationsOfRoute(route)).toBeUndefined()
  })
})
