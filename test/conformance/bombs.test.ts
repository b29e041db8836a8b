import { expect, it } from 'vitest'
import { readAside } from '../../router/discovery/aside.ts'
import { systemClock } from '../../router/kernel/clock.ts'
import { moduleFile } from '../../router/kernel/modules.ts'

const file = moduleFile(import.meta.url, '../../router/discovery/detectors/openapi/worker')
const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth)

it.each([
  { what: 'lists in lists', text: `{"openapi":"3.1.0","paths":${nested('[', ']', 500_000)}}` },
  {
    what: 'objects in objects',
    text: `{"openapi":"3.1.0","paths":${nested('{"a":', '1}', 300_000).replace('11', '1')}}`,
  },
  { what: 'schemas in schemas', text: deepSchema(100_000) },
  { what: 'a reference to itself', text: '{"openapi":"3.1.0","paths":{"/a":{"$ref":"#/paths/~1a"}}}' },
  { what: 'YAML lists in lists', text: `openapi: 3.1.0\npaths: ${nested('[', ']', 100_000)}` },
  { what: 'YAML aliases of aliases', text: laughs(12) },
])('reads or refuses within its time, and the process lives on: $what', async ({ text }) => {
  const bytes = new TextEncoder().encode(text)
  const signal = new AbortController().signal
  const reading = await readAside(bytes, { file, hints: {} }, { clock: systemClock, signal })
  expect(['read', 'unreadable']).toContain(reading.kind)
  if (reading.kind === 'read') expect(reading.operations.length).toBeLessThanOrEqual(1)
})

function deepSchema(depth: number): string {
  const schema = `${'{"type":"object","properties":{"a":'.repeat(depth)}{}${'}}'.repeat(depth)}`
  const content = `{"application/json":{"schema":${schema}}}`
  return `{"openapi":"3.1.0","paths":{"/a":{"get":{"responses":{"200":{"content":${content}}}}}}}`
}

/** Each level holds the one before nine times. */
function laughs(levels: number): string {
  const lines = Array.from({ length: levels }, (_, level) => {
    const inside = level === 0 ? 'x' : Array.from({ length: 9 }, () => `*a${level - 1}`).join(', ')
    return `a${level}: &a${level} [${inside}]`
  })
  return ['openapi: 3.1.0', 'paths: {}', ...lines].join('\n')
}
