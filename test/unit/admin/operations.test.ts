import { describe, expect, it } from 'vitest'
import { deciderOf } from '../../../router/admin/decide.ts'
import { viewOperations } from '../../../router/admin/operations.ts'
import type { CatalogueOperation } from '../../../router/model/catalogue.ts'
import type { Plan, PlanRule } from '../../../router/model/plan.ts'
import { begin } from '../../../router/shift/stages.ts'

const rule = (id: string, path: string, action: PlanRule['action'], methods?: string[]): PlanRule => ({
  id,
  origin: id === 'default' ? 'default' : 'route',
  match: { path, ...(methods ? { methods } : {}) },
  action,
  timeouts: {},
  because: 'a test says so',
})
const moving = { kind: 'shift', shift: 'owner-page', incumbent: 'clinic', candidate: 'owners' } as const
const plan: Plan = {
  format: 1,
  settings: { paths: 'sensitive', trustedProxies: [], overrides: [], lameDuckMs: 0, graceMs: 0, debug: false },
  upstreams: [],
  rules: [
    rule('route:owner-page', '/owners/{ownerId}', moving, ['GET']),
    rule('route:new', '/owners/new', { kind: 'forward', upstream: 'clinic' }, ['GET']),
    rule('route:gone', '/gone', { kind: 'unavailable', reason: 'functions/gone does not exist' }),
    rule('default', '/**', { kind: 'forward', upstream: 'clinic' }),
  ],
}
const operation = (method: string, template: string, owner: string | undefined): CatalogueOperation => ({
  key: `${method} ${template.replace(/\{\w+\}/g, '{}')}`,
  method,
  template,
  owner,
  implementations: [
    {
      upstream: 'clinic',
      template,
      evidence: [{ detector: 'mappings', confidence: 'described', at: 1, source: 'GET /m' }],
    },
  ],
})
const shift = (weight: number) => ({
  ...begin(
    { id: 'owner-page', match: {}, incumbent: 'clinic', candidate: 'owners', inYaml: true, steps: [weight] },
    '00',
    0,
  ),
})
const view = (weight?: number) =>
  viewOperations({
    catalogue: {
      operations: [
        operation('GET', '/owners/{ownerId}', 'clinic'),
        operation('GET', '/owners/new', 'clinic'),
        operation('GET', '/gone', 'functions/gone'),
      ],
      unclaimed: [{ method: 'GET', path: '/contact.html', upstream: 'clinic', status: 404, count: 3, lastAt: 1 }],
      pending: [],
    },
    shifts: weight === undefined ? [] : [shift(weight)],
    tierOf: (upstream) => (upstream === 'clinic' ? 'legacy' : 'service'),
    decide: deciderOf(plan),
    requests: new Map([['route:owner-page', 7]]),
  })
const find = (path: string, weight?: number) => view(weight).find((one) => one.path === path)

describe('the list of operations', () => {
  it('says who answers now by the data plane’s own match', () => {
    expect(find('/owners/{ownerId}')).toMatchObject({ served_by: 'clinic', rule: 'route:owner-page', requests: 7 })
    expect(find('/owners/new')).toMatchObject({ served_by: 'clinic', rule: 'route:new', requests: 0 })
  })

  it('shows a shift beside its operation, and gives it to the candidate once it is live', () => {
    expect(find('/owners/{ownerId}', 0.25)).toMatchObject({
      served_by: 'clinic',
      tier: 'legacy',
      shift: { id: 'owner-page', candidate: 'owners', stage: 'canary at 25 %', weight: 0.25 },
    })
    expect(find('/owners/{ownerId}', 1)).toMatchObject({ served_by: 'owners', tier: 'service' })
  })

  it('shows what was requested although nobody implements it', () => {
    expect(find('/contact.html')).toMatchObject({
      owner: null,
      implementers: [],
      requests: 3,
      note: 'requested, 404 from clinic',
    })
  })

  it('says that nobody serves what is quarantined', () => expect(find('/gone')).toMatchObject({ served_by: null }))

  it('is sorted by path, then method', () => {
    expect(view().map((one) => one.path)).toEqual(['/contact.html', '/gone', '/owners/new', '/owners/{ownerId}'])
  })
})
