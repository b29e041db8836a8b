import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type JsonSchema, jsonSchema } from '../../../router/config/schema.ts'
import { decode } from './decoding.ts'

const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8')

/** Every key of the schema as `parent key`, `top` for the top; names the user chooses count as their map. */
function keysOf(schema: JsonSchema, parent: string): readonly string[] {
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([key, below]) => [`${parent} ${key}`, ...keysOf(below, key)]),
    ...(schema.anyOf ?? []).flatMap((branch) => keysOf(branch, parent)),
    ...(schema.items === undefined ? [] : keysOf(schema.items, ENTRIES[parent] ?? parent)),
    ...(typeof schema.additionalProperties === 'object'
      ? keysOf(schema.additionalProperties, ENTRIES[parent] ?? parent)
      : []),
  ]
}

const ENTRIES: Readonly<Record<string, string>> = { upstreams: 'upstream', routes: 'route' }

/** The rows of the page's tables as `parent key`. */
function documented(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => {
      const [, key = '', where = ''] = line.replaceAll('`', '').split(' | ').join('|').split('|')
      return where.split(',').map((place) => `${place.trim()} ${key.trim()}`)
    })
}

const sorted = (keys: readonly string[]) => [...new Set(keys)].sort()

describe('docs/configuration.md', () => {
  it('has every key, and only those', () => {
    expect(sorted(documented(page))).toEqual(sorted(keysOf(jsonSchema(), 'top')))
  })

  it.each([
    { planted: 'a key left out', edit: (text: string) => text.replace(/^\| `grace` .*$/m, '') },
    { planted: 'a key that does not exist', edit: (text: string) => text.replace('| `grace` |', '| `patience` |') },
    {
      planted: 'a key in the wrong place',
      edit: (text: string) => text.replace('| `idle` | `timeout` |', '| `idle` | route |'),
    },
  ])('would be caught: $planted', ({ edit }) => {
    expect(edit(page)).not.toBe(page)
    expect(sorted(documented(edit(page)))).not.toEqual(sorted(keysOf(jsonSchema(), 'top')))
  })

  const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map((match) => match[1] ?? '')

  it('has examples', () => {
    expect(blocks.length).toBeGreaterThan(3)
  })

  it.each(blocks)('has a valid example: %s', (text) => {
    expect(decode(text).diagnostics).toEqual([])
  })
})
