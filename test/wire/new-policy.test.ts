import { describe, expect, it, vi } from 'vitest'
import { compile } from '../../router/compile/compile.ts'
import { explain } from '../../router/compile/explain.ts'
import { decodeSpec } from '../../router/config/decode.ts'
import { jsonSchema } from '../../router/config/schema.ts'
import { get, rawUpstream, router, statusOf, talk } from './support.ts'

// The lines that adding it to the router would be: one in the registry, one beside it for its schema.
vi.mock('../../router/dataplane/policies/index.ts', async (original) => {
  const { POLICIES } = await original<typeof import('../../router/dataplane/policies/index.ts')>()
  const { apiKey } = await import('./fixtures/api-key/index.ts')
  return { POLICIES: [apiKey, ...POLICIES] }
})
vi.mock('../../router/dataplane/policies/schemas.ts', async (original) => {
  const { POLICY_SCHEMAS } = await original<typeof import('../../router/dataplane/policies/schemas.ts')>()
  const { apiKeySchema } = await import('./fixtures/api-key/schema.ts')
  return { POLICY_SCHEMAS: [apiKeySchema, ...POLICY_SCHEMAS] }
})

function written(port: number, route: string) {
  const text = `upstreams:\n  vets: { url: "http://127.0.0.1:${port}" }\nroutes:\n  - path: /v2/**\n${route}`
  return decodeSpec(text, { file: '/srv/banyan.yaml', env: {}, functionNames: [], cores: 1 })
}

const ROUTE = '    maxBody: 1KB\n    rewrite: { stripPrefix: /v2 }\n    apiKey: { k1: ann }\n    to: vets\n'

async function planOf(port: number) {
  const { spec, diagnostics } = written(port, ROUTE)
  expect(diagnostics).toEqual([])
  if (spec === undefined) throw new Error('no spec')
  const compiled = compile(spec, { catalogue: { operations: [], unclaimed: [], pending: [] }, sources: [] }, [])
  expect(compiled.diagnostics).toEqual([])
  return compiled.plan
}

describe('a policy that is one folder and its line in the lists', () => {
  it('is served: it refuses, and changes requests and answers, beside those that were there', async () => {
    const upstream = await rawUpstream()
    const plan = await planOf(upstream.port)
    const { port, plane } = await router({ upstreams: {}, rules: [] })
    await plane.apply({ revision: 2, hash: 'h', plan, live: { weights: {}, addresses: {}, notices: [] } })
    const refused = await talk(port, get('/v2/a'))
    expect(statusOf(refused)).toBe(401)
    expect(refused).toMatch(/\r\nWWW-Authenticate: Key\r\nX-Seen: 401\r\n[\s\S]*who\?$/)
    expect(upstream.received).toEqual([])
    expect(await talk(port, get('/v2/a', 'X-Key: k1', 'X-User: root'))).toContain('\r\nX-Seen: 200\r\n')
    const sent = upstream.received.join('')
    expect(sent).toMatch(/^GET \/a HTTP\/1\.1\r\n/)
    expect(sent.match(/^x-(?:user|key): .*$/gim)).toEqual(['X-User: ann'])
  })

  it('is ordered by its phase and explained', async () => {
    const plan = await planOf(1)
    const live = { weights: {}, addresses: {}, notices: [] }
    const { policies } = explain(plan, live, { method: 'GET', url: '/v2/a', headers: [] })
    expect(policies.slice(0, 3)).toEqual([
      'apiKey: asks for one of 1 keys',
      'maxBody: bodies over 1000 bytes are refused with 413',
      'rewrite: path prefix /v2 becomes /',
    ])
  })

  it('is in the JSON Schema, and its mistakes have their place', () => {
    expect(jsonSchema().properties?.routes?.items?.properties?.apiKey).toMatchObject({ description: 'Who may ask' })
    const { diagnostics } = written(1, '    apiKey: ann\n    to: vets\n')
    expect(diagnostics).toMatchObject([
      { path: 'routes[0].apiKey', message: 'must be a map of users by key, got "ann"', at: { line: 5, column: 13 } },
    ])
  })
})
