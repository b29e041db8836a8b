import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readYaml } from '../../../router/yaml/read.ts'
import { problems } from '../config/decoding.ts'

const read = (text: string) => readYaml(text, (value) => ({ value, substituted: false }))

describe('reading YAML', () => {
  it.each([
    { text: 'a: on', value: 'on' },
    { text: 'a: 012', value: '012' },
    { text: 'a: 1.0', value: '1.0' },
    { text: 'a: 0x1f', value: '0x1f' },
    { text: 'a: 2026-11-01', value: '2026-11-01' },
    { text: 'a: 10:30', value: '10:30' },
    { text: 'a: True', value: 'True' },
    { text: 'a: true', value: true },
    { text: 'a: "true"', value: 'true' },
    { text: 'a: -5', value: -5 },
    { text: 'a: 0.5', value: 0.5 },
    { text: 'a: 12345678901234567', value: '12345678901234567' },
    { text: 'a: ~', value: null },
    { text: 'a:', value: null },
    { text: "a: ''", value: '' },
    { text: 'a: |\n  x\n  y\n', value: 'x\ny\n' },
    { text: 'a: [1, {b: c}]', value: [1, { b: 'c' }] },
  ])('takes $text as it is meant', ({ text, value }) => {
    expect(read(text).root?.value).toEqual({ a: value })
  })

  it('agrees with another parser about structure and text', () => {
    const leaf = fc.oneof(fc.string(), fc.boolean(), fc.constant(null), fc.integer())
    const tree = fc.letrec((tie) => ({
      node: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('node')), fc.dictionary(fc.string(), tie('node'))),
    })).node
    fc.assert(
      fc.property(tree, (value) => {
        const text = JSON.stringify({ value }, null, 2)
        expect(JSON.stringify(read(text).root?.value)).toBe(JSON.stringify(parse(text)))
      }),
      { numRuns: 200 },
    )
  })

  it('keeps __proto__ a key like any other', () => {
    const { root } = read('__proto__: { polluted: true }')
    expect(root?.kind === 'map' && [...root.entries.keys()]).toEqual(['__proto__'])
    expect(problems('__proto__: { polluted: true }')[0]).toMatch(/^1:1 __proto__ {2}unknown key "__proto__"/)
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })

  it.each([
    { text: '', says: ['1:1 the file is empty | write upstreams: and routes:, as docs/configuration.md shows'] },
    { text: '# nothing\n', says: [expect.stringContaining('1:1 the file is empty')] },
    { text: '- a\n', says: [expect.stringContaining('the file must be a map of keys, got a list')] },
    { text: 'banyan', says: [expect.stringContaining('the file must be a map of keys, got one value')] },
    {
      text: 'debug: true\n\tgrace: 1s\n',
      says: [expect.stringMatching(/^2:1 .*tab characters.* \| indent with spaces$/)],
    },
    {
      text: 'debug: [true\ngrace: 1s\n',
      says: [
        '2:1 not valid YAML: deficient indentation | a [ or { above is not closed, or its lines are not indented below its key',
      ],
    },
    {
      text: 'grace: a: b\n',
      says: [
        '1:9 not valid YAML: bad indentation of a mapping entry | line the keys of one map up; quote values that hold ": " or begin with a sign such as @ or %',
      ],
    },
    {
      text: 'status: { port: ${PORT} }\n',
      says: [expect.stringContaining('| inside { } and [ ] write "${NAME}" in quotes')],
    },
    {
      text: 'routes:\n  - { path: /owners/{ownerId}, to: owners }\n',
      says: [expect.stringMatching(/^2:21 .* \| inside \{ \} and \[ \] write "\/path\/\{name\}" in quotes$/)],
    },
    {
      text: 'debug: true\n---\ndebug: true\n',
      says: ['2:1 a second document starts here, one is allowed | keep one file a router'],
    },
    {
      text: 'debug: true\ngrace: 1s\ndebug: false\n',
      says: ['3:1 key "debug" is written twice in one map | first on line 1'],
    },
    {
      text: 'status: &s { port: 1 }\nadmin:\n  <<: *s\n',
      says: ['3:3 merge keys (<<) are not supported | write the keys out'],
    },
    {
      text: 'debug: !!str true\n',
      says: expect.arrayContaining(['1:8 tag !!str is not supported | remove it; write text in quotes']),
    },
    { text: '%YAML 1.1\n---\ndebug: true\n', says: ['1:1 % directives are not supported | remove the line'] },
    { text: 'grace: *no\n', says: ['1:8 grace  alias *no has no anchor &no before it'] },
    { text: 'status: &s { port: *s }\n', says: ['1:20 status.port  alias *s stands inside its own anchor &s'] },
    { text: `a: ${'['.repeat(70)}`, says: ['1:67 nests deeper than 64 levels'] },
    { text: 'debug: \u0001\n', says: [expect.stringMatching(/^1:8 not valid YAML: .*non-printable/)] },
    { text: 'debug: \0\n', says: [expect.stringMatching(/^1:8 not valid YAML: null byte/)] },
    { text: '{ ? [a] : b }\n', says: ['1:5 a key must be text'] },
    { text: '~: 1\n', says: ['1:1 a key must be text'] },
  ])('says what is wrong with $text', ({ text, says }) => {
    expect(problems(text)).toEqual(says)
  })

  it('refuses aliases that expand without bound', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    for (let level = 1; level < 9; level++)
      lines.push(
        `a${level}: &a${level} [${Array(10)
          .fill(`*a${level - 1}`)
          .join(', ')}]`,
      )
    const says = problems(lines.join('\n'))
    expect(says[0]).toMatch(/^1:1 a0 {2}unknown key/)
    expect(says.filter((line) => line.includes('stand for more than 20000 repeated values')).length).toBeGreaterThan(0)
  })

  it('lets an alias stand for the value it names', () => {
    const { root } = read('a: &x [1, 2]\nb: *x\n')
    expect(root?.value).toEqual({ a: [1, 2], b: [1, 2] })
  })

  it.each([
    { kind: 'CRLF', text: 'debug: true\r\ngrace: soon\r\n', place: '2:8' },
    { kind: 'a lone CR', text: 'debug: true\rgrace: soon\r', place: '2:8' },
    { kind: 'a byte order mark', text: '\uFEFFgrace: soon\n', place: '1:8' },
    { kind: 'quotes', text: 'grace: "soon"\n', place: '1:8' },
    { kind: 'an emoji before it', text: '# 🌳\ngrace: soon # 🌳\n', place: '2:8' },
    { kind: 'a block scalar', text: 'grace: >-\n  soon\n', place: '2:1' },
  ])('counts lines and columns with $kind', ({ text, place }) => {
    expect(problems(text)).toEqual([expect.stringMatching(new RegExp(`^${place} grace {2}must be a duration`))])
  })
})
