import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalPath, isPlainPath } from '../../../router/kernel/canonical.ts'

describe('canonicalPath', () => {
  it.each([
    ['/', '/', '/'],
    ['/owners/1', '/owners/1', '/owners/1'],
    ['/owners/', '/owners/', '/owners/'],
    ['/owners/.', '/owners/', '/owners/'],
    ['/owners/x/..', '/owners/', '/owners/'],
    ['/a/b/../c/./d', '/a/c/d', '/a/c/d'],
    ['/a/%2e%2E/b', '/b', '/b'],
    ['/.well-known/x', '/.well-known/x', '/.well-known/x'],
    ['/a/...', '/a/...', '/a/...'],
    ['//admin', '//admin', '/admin'],
    ['/a///b//', '/a///b//', '/a/b/'],
    ['//', '//', '/'],
    ['/admin;x/users', '/admin;x/users', '/admin/users'],
    ['/owners;jsessionid=1F', '/owners;jsessionid=1F', '/owners'],
    ['/a/;x', '/a/;x', '/a/'],
    ['/%7Efred/%41', '/~fred/A', '/~fred/A'],
    ['/caf%c3%a9', '/caf%c3%a9', '/caf%C3%A9'],
    ['/a%2fb', '/a%2fb', '/a%2Fb'],
    ['/a%2F..%2Fb', '/a%2F..%2Fb', '/a%2F..%2Fb'],
    ['/a%5cb', '/a%5cb', '/a%5Cb'],
    ['/a%3Bx', '/a%3Bx', '/a%3Bx'],
    ['/%252e%252e/a', '/%252e%252e/a', '/%252e%252e/a'],
  ])('%s is forwarded as %s and matched as %s', (raw, path, key) => {
    const encodedSlash = /%2f|%5c/i.test(raw) ? true : undefined
    expect(canonicalPath(raw)).toEqual({ path, key, encodedSlash })
  })

  it.each([
    ['/..', 'above the root'],
    ['/a/../../b', 'above the root'],
    ['/a/%2e%2e/%2e./b', 'above the root'],
    ['/a/..;x/b', 'with path parameters'],
    ['/a/.;/b', 'with path parameters'],
    ['/a/%2e%2e;x', 'with path parameters'],
    ['/%', 'hexadecimal'],
    ['/%g0', 'hexadecimal'],
    ['/%2', 'hexadecimal'],
    ['/%00', '%00'],
    ['/a b', 'percent-encoded'],
    ['/a\\b', 'percent-encoded'],
    ['/é', 'percent-encoded'],
    ['', 'begin'],
    ['a', 'begin'],
  ])('%s is refused: %s', (raw, reason) => {
    expect(canonicalPath(raw)).toEqual({ error: expect.stringContaining(reason) })
  })

  it('folds case in the key only, where asked', () => {
    expect(canonicalPath('/Owners/%c3')).toEqual({ path: '/Owners/%c3', key: '/Owners/%C3' })
    expect(canonicalPath('/Owners/%C3', true)).toEqual({ path: '/Owners/%C3', key: '/owners/%c3' })
  })

  it('is idempotent, and its key is canonical', () => {
    fc.assert(
      fc.property(anyPath, fc.boolean(), (raw, fold) => {
        const once = canonicalPath(raw, fold)
        if ('error' in once) return
        expect(canonicalPath(once.path, fold)).toEqual(once)
        const key = canonicalPath(once.key, fold)
        expect(key).toMatchObject({ key: once.key })
      }),
    )
  })

  it('leaves no dot segment and no segment that hides one', () => {
    fc.assert(
      fc.property(anyPath, (raw) => {
        const canonical = canonicalPath(raw)
        if ('error' in canonical) return
        for (const segment of canonical.path.split('/')) expect(segment).not.toMatch(/^(\.|%2e){1,2}(;|$)/i)
        expect(canonical.key).not.toMatch(/\/\/|;/)
      }),
    )
  })

  it('is the same however unreserved characters are encoded, once', () => {
    fc.assert(
      fc.property(anyPath, fc.array(fc.boolean(), { maxLength: 40 }), (raw, encodes) => {
        const canonical = canonicalPath(raw)
        if ('error' in canonical) return
        const spelt = [...canonical.path].map((character, index) => (encodes[index] ? encoded(character) : character))
        // Digits of an encoding are no characters of their own.
        const kept = canonical.path.includes('%') ? canonical.path : spelt.join('')
        expect(canonicalPath(kept)).toEqual(canonical)
      }),
    )
  })

  it('resolves dot segments as the URL standard does, but refuses to leave the root', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'B', '.', '..', '%2e', '.%2E', '', '...', '.a')), (segments) => {
        const raw = `/${segments.join('/')}`
        const canonical = canonicalPath(raw)
        const depths = segments.map((_, end) => depth(segments.slice(0, end + 1)))
        if (depths.some((one) => one < 0)) expect(canonical).toHaveProperty('error')
        else expect(canonical).toMatchObject({ path: new URL(`http://a.test${raw}`).pathname })
      }),
    )
  })
})

describe('isPlainPath', () => {
  it('is true exactly where nothing changes, but for dots that mean nothing', () => {
    fc.assert(
      fc.property(anyPath, fc.boolean(), (raw, fold) => {
        const canonical = canonicalPath(raw, fold)
        const same = !('error' in canonical) && canonical.path === raw && canonical.key === raw
        if (isPlainPath(raw, fold)) expect(same).toBe(true)
        else if (!/\/\.|%/.test(raw)) expect(same).toBe(false)
      }),
    )
  })

  it.each(['/', '/a.b', '/a/b/', '/A-Z_~!$&()*+,=:@'])('holds for %s', (path) => {
    expect(isPlainPath(path, false)).toBe(true)
  })
})

function encoded(character: string): string {
  if (!/[A-Za-z0-9\-._~]/.test(character)) return character
  return `%${character.charCodeAt(0).toString(16)}`
}

/** How far below the root a path with these segments stands. */
function depth(segments: readonly string[]): number {
  return segments.reduce((below, segment) => {
    const plain = segment.toLowerCase().replaceAll('%2e', '.')
    return plain === '..' ? below - 1 : plain === '.' ? below : below + 1
  }, 0)
}

const anyPath = fc
  .array(
    fc.constantFrom(
      '/',
      '/',
      'a',
      'B',
      '.',
      '..',
      '%2e',
      '%2E%2e',
      '%2f',
      '%5C',
      ';',
      ';x',
      '%41',
      '%c3',
      '%25',
      '%3b',
      '%0',
      '~',
    ),
    { maxLength: 12 },
  )
  .map((parts) => `/${parts.join('')}`)
