import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compareTemplates,
  foldTemplate,
  neverMatches,
  operationKey,
  parseTemplate,
  type Template,
  templateCovers,
  templateKey,
  templatesOverlap,
} from '../../../router/kernel/template.ts'

function template(text: string): Template {
  const parsed = parseTemplate(text)
  if ('error' in parsed) throw new Error(`${text} ${parsed.error}`)
  return parsed
}

describe('parseTemplate', () => {
  it.each([
    ['/', '/', 'the root'],
    ['/owners/{ownerId}', '/owners/{}', 'a parameter has no name in the key'],
    ['/owners/*', '/owners/{}', 'an unnamed segment is the same parameter'],
    ['/owners/{}', '/owners/{}', 'a key is a template'],
    ['/vets.{format}', '/vets.{}', 'a partial segment'],
    ['/compare/{base}...{head}', '/compare/{}...{}', 'two parameters in one segment'],
    ['/owners/**', '/owners/**', 'a rest'],
    ['/**', '/**', 'a rest of everything'],
    ['/owners/', '/owners/', 'a trailing slash is kept'],
    ['/v1/users:batch', '/v1/users:batch', 'a colon is a character like any other'],
    ['/caf%c3%a9/%7Efred', '/caf%C3%A9/~fred', 'encodings take the form a key has'],
    ['/café au lait', '/caf%C3%A9%20au%20lait', 'what a path cannot hold is encoded'],
  ])('%s has the key %s: %s', (text, key) => expect(templateKey(text)).toBe(key))

  it.each([
    ['vets', 'must begin with "/"'],
    ['/vets?x=1', 'must not contain "?"'],
    ['/a/**/b', 'may only be the last segment'],
    ['/a/**/', 'may only be the last segment'],
    ['/a*', '"*" must be a segment of its own'],
    ['/{id', '"{" without "}"'],
    ['/id}', '"}" without "{"'],
    ['/{id:[0-9]+}', 'for a pattern use pathRegex'],
    ['/100%', 'two hexadecimal digits'],
  ])('%s is refused: %s', (text, reason) =>
    expect(parseTemplate(text)).toEqual({ error: expect.stringContaining(reason) }),
  )

  it('names operations by method and key', () => {
    expect(operationKey('get', '/owners/{ownerId}')).toBe('GET /owners/{}')
  })

  it('folds literals and pieces', () => {
    expect(foldTemplate(template('/Owners/{Id}.JSON')).key).toBe('/owners/{}.json')
  })

  it.each([
    ['/a//b', 'empty segment'],
    ['/a//', 'empty segment'],
    ['/a/../b', 'those are resolved'],
    ['/a/%2e', 'those are resolved'],
    ['/a;v=1', 'stripped'],
    ['/a/x;{v}', 'stripped'],
  ])('%s can never match: %s', (text, reason) => expect(neverMatches(template(text))).toContain(reason))

  it('knows nothing against an ordinary template', () => expect(neverMatches(template('/a/{b}/**'))).toBeUndefined())
})

describe('precedence', () => {
  it('orders segment by segment', () => {
    const ordered = [
      '/owners/new/',
      '/owners/new',
      '/owners/new/**',
      '/owners/new.{format}',
      '/owners/n{x}',
      '/owners/{id}/',
      '/owners/{id}',
      '/owners/{id}/**',
      '/owners/',
      '/owners',
      '/owners/**',
      '/{section}/new',
      '/{section}/**',
      '/',
      '/**',
    ]
    const shuffled = ordered.toReversed().map(template)
    expect(shuffled.sort(compareTemplates).map((it) => it.text)).toEqual(ordered)
  })

  it('is a total order on keys, and whatever covers another comes after it', () => {
    fc.assert(
      fc.property(anyTemplate, anyTemplate, anyTemplate, (a, b, c) => {
        expect(Math.sign(compareTemplates(a, b))).toBe(-Math.sign(compareTemplates(b, a)) + 0)
        expect(compareTemplates(a, b) === 0).toBe(a.key === b.key)
        if (compareTemplates(a, b) < 0 && compareTemplates(b, c) < 0) expect(compareTemplates(a, c)).toBeLessThan(0)
        if (templateCovers(a, b) && a.key !== b.key) expect(compareTemplates(a, b)).toBeGreaterThan(0)
      }),
    )
  })
})

describe('templateCovers and templatesOverlap', () => {
  it.each([
    ['/owners/{}', '/owners/new', 'covers'],
    ['/owners/**', '/owners', 'covers'],
    ['/owners/**', '/owners/{}/pets/**', 'covers'],
    ['/owners', '/owners/', 'covers'],
    ['/vets.{}', '/vets.{}.{}', 'covers'],
    ['/owners/', '/owners', 'overlaps'],
    ['/owners/{}', '/{}/new', 'overlaps'],
    ['/a{}', '/{}b', 'overlaps'],
    ['/owners/**', '/**', 'overlaps'],
    ['/vets/**', '/vets.json', 'neither'],
    ['/owners/{}', '/owners', 'neither'],
    ['/a{}', '/b{}', 'neither'],
    ['/a{}', '/a', 'neither'],
  ])('%s and %s: %s', (a, b, relation) => {
    expect(templateCovers(template(a), template(b))).toBe(relation === 'covers')
    expect(templatesOverlap(template(a), template(b))).toBe(relation !== 'neither')
  })

  it('covering templates overlap, and overlapping is mutual', () => {
    fc.assert(
      fc.property(anyTemplate, anyTemplate, (a, b) => {
        expect(templatesOverlap(a, b)).toBe(templatesOverlap(b, a))
        if (templateCovers(a, b)) expect(templatesOverlap(a, b)).toBe(true)
      }),
    )
  })
})

const anyTemplate = fc
  .tuple(
    fc.array(fc.constantFrom('a', 'ab', 'b', '{x}', '*', 'a{x}', '{x}b', 'a{x}b', '{x}{y}', 'a{x}{y}'), {
      maxLength: 4,
    }),
    fc.constantFrom('', '/', '/**'),
  )
  .map(([segments, end]) => template(`/${segments.join('/')}${segments.length === 0 ? end.slice(1) : end}`))
