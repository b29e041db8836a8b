import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compile } from '../../../router/compile/compile.ts'
import { createMatcher } from '../../../router/dataplane/match.ts'
import { compareMatches, hostMatches, rankMatch } from '../../../router/dataplane/matching/precedence.ts'
import { parseTemplate, templateCovers } from '../../../router/kernel/template.ts'
import type { Plan } from '../../../router/model/plan.ts'
import { catalogueOf, matchOf, shiftsOf, sourcesOf, specOf, type World, type WrittenRoute } from './build.ts'

/**
 * Precedence across upstreams, said once more in the simplest way: of the routes that cover a request's operation,
 * the best one takes it if it may; otherwise it is where it would be without routes that have conditions.
 */
describe('operations across upstreams', () => {
  it('are where the best route that may take them, or their owner, is', () => {
    fc.assert(
      fc.property(anyWorld, anyHost, (world, host) => {
        const { plan, diagnostics } = compiled(world)
        fc.pre(!diagnostics.some(({ severity }) => severity === 'error'))
        for (const [name, who] of Object.entries(world.operations ?? {})) {
          const [method = '', template = ''] = name.split(' ')
          // No literal matches this value, so the request is about no narrower operation and no narrower route.
          const key = template.replace(/\{x\}/g, '~0')
          if (isAmbiguous(world, name, key)) continue
          expect([name, answer(plan, host, method, key)]).toEqual([name, oracle(world, method, template, who, host)])
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('do not depend on the order of anything', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        const { plan, diagnostics } = compiled(world)
        fc.pre(!diagnostics.some(({ severity }) => severity === 'error'))
        const reversed = {
          ...world,
          routes: (world.routes ?? []).toReversed(),
          operations: Object.fromEntries(Object.entries(world.operations ?? {}).toReversed()),
        }
        expect(unplaced(compiled(reversed).plan)).toEqual(unplaced(plan))
      }),
    )
  })

  it('give every rule an id of its own', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        const ids = compiled(world).plan.rules.map(({ id }) => id)
        expect(new Set(ids).size).toBe(ids.length)
      }),
    )
  })
})

function compiled(world: World) {
  return compile(specOf(world), { catalogue: catalogueOf(world), sources: sourcesOf(world) }, shiftsOf(world))
}

function unplaced(plan: Plan): unknown {
  return plan.rules.map(({ at: _, ...rule }) => rule)
}

function answer(plan: Plan, host: string, method: string, key: string): string {
  const index = createMatcher(plan.rules, plan.settings).match({ host, method, key })
  const action = index === undefined ? undefined : plan.rules[index]?.action
  return action?.kind === 'forward' ? action.upstream : 'none'
}

function oracle(world: World, method: string, template: string, who: string, host: string): string {
  const [owner = '', ...others] = who.split(' ')
  const implementers = [owner, ...others]
  const exact = (route: WrittenRoute) => {
    const match = matchOf(route.match)
    return match.path === template && match.methods?.includes(method) === true
  }
  const takes = (route: WrittenRoute) => exact(route) || route.capture === true || implementers.includes(route.to)
  const routes = (world.routes ?? [])
    .filter((route) => covers(route, method, template) && hostMatches(matchOf(route.match).host, host))
    .sort(byPrecedence)
  const [best] = routes
  if (best !== undefined && takes(best)) return best.to
  const anyHost = routes.find((route) => matchOf(route.match).host === undefined)
  return anyHost !== undefined && takes(anyHost) ? anyHost.to : owner
}

function covers(route: WrittenRoute, method: string, template: string): boolean {
  const match = matchOf(route.match)
  const [wide, narrow] = [parseTemplate(match.path ?? ''), parseTemplate(template)]
  if ('error' in wide || 'error' in narrow) throw new Error('not a template')
  return (match.methods?.includes(method) ?? true) && templateCovers(wide, narrow)
}

function byPrecedence(a: WrittenRoute, b: WrittenRoute): number {
  const [left, right] = [rankMatch(matchOf(a.match), false), rankMatch(matchOf(b.match), false)]
  if ('error' in left || 'error' in right) throw new Error('not a match')
  return compareMatches(left, right)
}

/** Whether the request is about another operation of the same method just as much, of which neither covers the other. */
function isAmbiguous(world: World, name: string, key: string): boolean {
  const [method = '', template = ''] = name.split(' ')
  const sample = parseTemplate(key)
  const own = parseTemplate(template)
  if ('error' in sample || 'error' in own) throw new Error('not a template')
  return Object.keys(world.operations ?? {}).some((other) => {
    const [otherMethod = '', otherTemplate = ''] = other.split(' ')
    const parsed = parseTemplate(otherTemplate)
    if (other === name || otherMethod !== method || 'error' in parsed) return false
    return templateCovers(parsed, sample) && !templateCovers(parsed, own)
  })
}

const anyHost = fc.constantFrom('', 'api.test', 'x.test')
const upstream = fc.constantFrom('a', 'b', 'c')
const template = fc.constantFrom('/a', '/a/{x}', '/a/b', '/a/**', '/**', '/{x}', '/{x}/{x}', '/a/{x}/c', '/a/{x}/**')

const operation = fc.constantFrom('/a', '/a/{x}', '/a/b', '/{x}', '/{x}/{x}', '/a/{x}/c', '/{x}/b')

const anyWorld: fc.Arbitrary<World> = fc
  .record({
    routes: fc.uniqueArray(
      fc.record({
        method: fc.constantFrom('', '', 'GET ', 'POST '),
        host: fc.constantFrom('', '', 'api.test', '*.test'),
        template,
        to: upstream,
        capture: fc.constantFrom(false, false, false, true),
      }),
      { maxLength: 6, selector: ({ method, host, template: path }) => method + host + path },
    ),
    operations: fc.dictionary(
      fc.tuple(fc.constantFrom('GET', 'POST'), operation).map(([method, path]) => `${method} ${path}`),
      fc.uniqueArray(upstream, { minLength: 1 }).map((names) => names.join(' ')),
      { maxKeys: 6 },
    ),
  })
  .map(({ routes, operations }) => ({
    upstreams: { a: 'legacy', b: 'service', c: 'service' },
    default: 'a',
    routes: routes.map(({ method, host, template: path, to, capture }) => ({
      match: method + host + path,
      to,
      capture,
    })),
    operations,
  }))
