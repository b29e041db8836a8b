import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { alternativesOf } from '../../../router/discovery/detectors/mappings/predicates.ts'
import { readMappings } from '../../../router/discovery/detectors/mappings/read.ts'
import { templateOfPattern } from '../../../router/discovery/detectors/mappings/templates.ts'

const MANAGE = { path: '/manage/mappings' }
const ACTUATOR = { path: '/actuator/mappings' }

function listed(reading: ReturnType<typeof readMappings>): string[] {
  if (reading.kind !== 'read') throw new Error(`expected operations, got ${JSON.stringify(reading)}`)
  return reading.operations.map(({ method, template }) => `${method} ${template}`).sort()
}

function fixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), 'utf8'))
}

describe('readMappings', () => {
  it('reads the flat table of Boot 1', () => {
    expect(listed(readMappings(fixture('boot1'), MANAGE))).toEqual([
      'DELETE /legacy-upload',
      'GET /',
      'GET /files/**',
      'GET /imprint',
      'GET /legacy-upload',
      'GET /owners/*/pets/{petId}/visits/new',
      'GET /owners/{ownerId}/pets/new',
      'GET /search',
      'GET /vets.json',
      'GET /vets.xml',
      'PATCH /legacy-upload',
      'POST /legacy-upload',
      'POST /owners/{ownerId}/pets/new',
      'POST /owners/{ownerId}/pets/{petId}/visits/new',
      'PUT /legacy-upload',
    ])
  })

  it('reads the contexts of Boot 2, and keeps what an application has below the actuator', () => {
    expect(listed(readMappings(fixture('boot2'), ACTUATOR))).toEqual([
      'DELETE /inbox',
      'GET /about',
      'GET /actuator/story',
      'GET /assets/**',
      'GET /catalogue',
      'GET /catalogue/{year}',
      'GET /inbox',
      'GET /owners/{ownerId}',
      'GET /story',
      'PATCH /inbox',
      'POST /actuator/story',
      'POST /inbox',
      'POST /story',
      'PUT /inbox',
    ])
  })

  it('reads several servlets, handlers and contexts of Boot 3, and says how many patterns it cannot say', () => {
    const reading = readMappings(fixture('boot3'), ACTUATOR)
    expect(listed(reading)).toEqual([
      'GET /api/orders/{id}',
      'GET /api/reports/{any}.csv',
      'GET /people/{id}',
      'POST /api/orders',
      'PUT /people/{id}',
    ])
    expect(reading).toMatchObject({ skipped: 1 })
  })

  it.each([
    { key: '{[/a],methods=[GET]}', gives: ['GET /a'] },
    {
      key: '{[/a || /b/],methods=[GET || POST],params=[x=[1]],produces=[text/html]}',
      gives: ['GET /a', 'GET /b', 'POST /a', 'POST /b'],
    },
    { key: '{[/{id:[a-z]+} || /x/{n:[0-9]{1,2}}],methods=[DELETE]}', gives: ['DELETE /x/{n}', 'DELETE /{id}'] },
    { key: '{[],methods=[GET]}', gives: ['GET /'] },
    { key: '{GET [/a], produces [text/html]}', gives: ['GET /a'] },
    { key: '{GET || PUT [/a]}', gives: ['GET /a', 'PUT /a'] },
    { key: '{[GET, PUT] [/a || /b], params [x && y]}', gives: ['GET /a', 'GET /b', 'PUT /a', 'PUT /b'] },
    { key: '{PATCH /a/{id}}', gives: ['PATCH /a/{id}'] },
    { key: '{GET [/a, /b/{id}]}', gives: ['GET /a', 'GET /b/{id}'] },
    { key: '{HEAD [/a]}', gives: ['HEAD /a'] },
  ])('understands the condition $key', ({ key, gives }) => {
    expect(listed(readMappings({ [key]: { bean: 'requestMappingHandlerMapping' } }, MANAGE))).toEqual(gives)
  })

  it('leaves out what is below the base path where nothing says who handles it', () => {
    const entry = { bean: '', method: '' }
    const document = { '{[/manage/env],methods=[GET]}': entry, '{[/managers],methods=[GET]}': entry }
    expect(listed(readMappings(document, MANAGE))).toEqual(['GET /managers'])
  })

  it('takes a mapping at the root of the actuator for none of the application', () => {
    const document = { '{[/mappings],methods=[GET]}': {}, '{[/owners],methods=[GET]}': {} }
    expect(listed(readMappings(document, { path: '/mappings' }))).toEqual(['GET /owners'])
  })

  it.each([[null], [[]], ['text'], [{ status: 'UP' }], [{ '/x': 1 }]])('does not take %j for mappings', (document) => {
    expect(readMappings(document, MANAGE)).toMatchObject({ kind: 'unreadable' })
  })

  it('survives keys that mean something to JavaScript', () => {
    const document = JSON.parse('{"contexts":{"__proto__":{"mappings":{"dispatcherServlets":{"constructor":[{}]}}}}}')
    expect(readMappings(document, MANAGE)).toEqual({ kind: 'read', operations: [], skipped: 0 })
  })
})

describe('alternativesOf', () => {
  it.each([
    ['((GET && /owners/{id}) && Accept: application/json)', ['GET /owners/{id}']],
    ['(GET && (/a || /b))', ['GET /a', 'GET /b']],
    ['((GET && /a) || (POST && /b))', ['GET /a', 'POST /b']],
    ['([GET, PUT] && /a)', ['GET,PUT /a']],
    ['((GET || PUT) && /a)', ['GET /a', 'PUT /a']],
    ['((GET && /a) && !?draft true)', ['GET /a']],
    ['(!(POST) && /a)', [' /a']],
    ['(GET && /{id:(?:a||b)})', ['GET /{id:(?:a||b)}']],
    ['GET && /a', ['GET /a']],
    ['Accept: text/html', []],
    ['((((', []],
    ['', []],
  ])('%s is %j', (predicate, gives) => {
    expect(alternativesOf(predicate).map(({ methods, patterns }) => `${methods} ${patterns}`)).toEqual(gives)
  })

  it('gives up in time on what multiplies', () => {
    const many = Array.from({ length: 30 }, () => '(GET || PUT)').join(' && ')
    expect(alternativesOf(`(${many}) && /a`).length).toBeLessThanOrEqual(500)
    expect(alternativesOf('('.repeat(100_000))).toEqual([])
  })
})

describe('templateOfPattern', () => {
  it.each([
    ['', '/'],
    ['/', '/'],
    ['owners', '/owners'],
    ['/owners/{ownerId:[0-9]+}', '/owners/{ownerId}'],
    ['/a/{b:[^/]+}/c', '/a/{b}/c'],
    ['/{name:.*\\.css}', '/{name}'],
    ['/files/{*rest}', '/files/**'],
    ['/files/**', '/files/**'],
    ['/a/*/b', '/a/*/b'],
    ['/vets.*', '/vets.{any}'],
    ['/v?/x', '/v{any}/x'],
    ['/{a}-{b:[0-9]*}.{c}', '/{a}-{b}.{c}'],
    ['/a/**/b', undefined],
    ['/a/{b', undefined],
  ])('%s is %s', (pattern, template) => expect(templateOfPattern(pattern)).toBe(template))
})
