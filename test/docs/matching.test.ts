import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createMatcher } from '../../router/dataplane/match.ts'
import { canonicalPath } from '../../router/kernel/canonical.ts'
import type { PlanRule } from '../../router/model/plan.ts'

const page = readFileSync(new URL('../../docs/matching.md', import.meta.url), 'utf8')

describe('docs/matching.md', () => {
  it('shows every kind of pattern', () => {
    const patterns = claims(page).map(({ pattern }) => pattern)
    for (const kind of [/\w$/, /\/$/, /\/\{\w+\}/, /\/\*$/, /\.\{/, /\}\.\.\.\{/, /\*\*$/]) {
      expect(patterns).toContainEqual(expect.stringMatching(kind))
    }
  })

  it.each(claims(page))('$pattern: $path is taken: $taken', ({ pattern, path, taken }) => {
    expect(takes(pattern, path)).toBe(taken)
  })

  it('would be caught claiming what is not so', () => {
    const changed = page.replace('`/vetsfoo`, ', '').replace('`/vets/1/edit` |', '`/vets/1/edit`, `/vetsfoo` |')
    const wrong = claims(changed).filter(({ pattern, path, taken }) => takes(pattern, path) !== taken)
    expect(wrong).toEqual([{ pattern: '/vets/**', path: '/vetsfoo', taken: true }])
  })
})

type Claim = { readonly pattern: string; readonly path: string; readonly taken: boolean }

/** The rows of the table of patterns, one claim a pattern and path. */
function claims(text: string): readonly Claim[] {
  const [, table = ''] = /^\| pattern \|.*\n\|.*\n((?:\|.*\n)*)/m.exec(text) ?? []
  return table
    .trim()
    .split('\n')
    .flatMap((row) => {
      const [patterns = [], yes = [], no = []] = row.split('|').slice(1).map(quoted)
      const all = [...yes.map((path) => ({ path, taken: true })), ...no.map((path) => ({ path, taken: false }))]
      return patterns.flatMap((pattern) => all.map((claim) => ({ pattern, ...claim })))
    })
}

function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text)
}

/** The data plane's own answer. */
function takes(pattern: string, path: string): boolean {
  const action = { kind: 'forward', upstream: 'vets' } as const
  const rule: PlanRule = { id: 'a', origin: 'route', match: { path: pattern }, action, timeouts: {}, because: '' }
  const canonical = canonicalPath(path)
  if ('error' in canonical) throw new Error(`${path}: ${canonical.error}`)
  const request = { host: 'clinic.test', method: 'GET', key: canonical.key }
  return createMatcher([rule], { paths: 'sensitive' }).match(request) !== undefined
}
