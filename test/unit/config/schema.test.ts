import { describe, expect, it } from 'vitest'
import { LATER } from '../../../router/config/later.ts'
import { type JsonSchema, jsonSchema, knownKeys } from '../../../router/config/schema.ts'
import { problems } from './decoding.ts'

/** Every key of the schema by its path, `*` for any name or index. */
function keysOf(schema: JsonSchema, path = ''): readonly (readonly [path: string, schema: JsonSchema])[] {
  const join = (key: string) => (path === '' ? key : `${path}.${key}`)
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([key, below]) => [
      [join(key), below] as const,
      ...keysOf(below, join(key)),
    ]),
    ...(schema.anyOf ?? []).flatMap((branch) => keysOf(branch, path)),
    ...(schema.items === undefined ? [] : keysOf(schema.items, join('*'))),
    ...(typeof schema.additionalProperties === 'object' ? keysOf(schema.additionalProperties, join('*')) : []),
  ]
}

describe('the JSON Schema', () => {
  const schema = jsonSchema()
  const keys = keysOf(schema)

  it('is of draft 2020-12 and describes every key', () => {
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema')
    expect(keys.length).toBeGreaterThan(50)
    expect(keys.filter(([, below]) => typeof below.description !== 'string').map(([path]) => path)).toEqual([])
  })

  it('forbids unknown keys everywhere', () => {
    const open = JSON.stringify(schema).match(/"properties":/g)?.length
    expect(JSON.stringify(schema).match(/"additionalProperties":false/g)?.length).toBe(open)
  })

  it('tells defaults, and what of the environment may stand for a value that is no text', () => {
    const properties = schema.properties ?? {}
    expect(properties.grace).toEqual({
      description: 'How long requests in flight may take to finish after that',
      default: '30s',
      examples: ['500ms', '5s', '2m', '1h'],
      anyOf: [{ type: 'string', pattern: '^(\\d{1,9})(ms|s|m|h)$' }, { $ref: '#/$defs/environment' }],
    })
    expect(properties.debug?.anyOf).toEqual([{ type: 'boolean' }, { $ref: '#/$defs/environment' }])
    expect(properties.admin?.default).toEqual({ port: 9080, host: '127.0.0.1' })
  })

  it('knows the keys of any map', () => {
    expect(knownKeys(['upstreams', 'any', 'timeout'])).toEqual(['connect', 'firstByte', 'idle', 'total'])
    expect(knownKeys(['routes', 3, 'shift'])).toEqual(['strategy', 'start', 'steps'])
  })
})

describe('keys of later versions', () => {
  it('are not keys of this one', () => {
    const known = new Set(keysOf(jsonSchema()).map(([path]) => path))
    expect(Object.keys(LATER).filter((path) => known.has(path))).toEqual([])
  })

  it.each(Object.entries(LATER))('%s is refused with what to do', (path, remedy) => {
    const value = path.split('.').reduceRight<unknown>((below, key) => (key === '*' ? [below] : { [key]: below }), 'x')
    const text = JSON.stringify(value).replace(/"upstreams":\[(.*)\]/, '"upstreams":{"a":$1}')
    const key = path.slice(path.lastIndexOf('.') + 1)
    expect(problems(text).map((line) => line.replace(/^\S+ \S+ {2}/, ''))).toContain(
      `"${key}" is not in this version | ${remedy}`,
    )
  })
})
