import { operationKey } from '../kernel/template.ts'
import type { Catalogue } from '../model/catalogue.ts'
import type { ShiftRecord } from '../model/shift.ts'
import type { RouteSpec } from '../model/spec.ts'
import { namedOperation } from './find.ts'

/** What a shift moves, before it has begun. */
export type Movement = Pick<ShiftRecord, 'id' | 'match' | 'incumbent' | 'candidate' | 'inYaml' | 'steps'>

export type Sought = { readonly kind: 'found'; readonly movement: Movement } | Refused

type Refused = { readonly kind: 'refused'; readonly message: string }

/** Steps of a shift that no route describes. */
export const DEFAULT_STEPS: readonly number[] = [0.05, 0.25, 0.5]

/** What the search needs to know of the world. */
export type World = {
  readonly routes: readonly RouteSpec[]
  readonly catalogue: Catalogue
  readonly defaultUpstream: string | undefined
  readonly upstreams: readonly string[]
}

/**
 * Finds what `shift start NAME [--to UPSTREAM]` moves: a route by its id or by the operation it names, otherwise an
 * operation of the catalogue, from its owner to `to`.
 */
export function findMovement(name: string, to: string | undefined, world: World): Sought {
  const key = namedOperation(name)
  const route = world.routes.find((candidate) => candidate.id === name || (key !== undefined && names(candidate, key)))
  if (route !== undefined) return ofRoute(route, to)
  const operation = world.catalogue.operations.find((candidate) => candidate.key === key)
  if (operation === undefined) {
    return refused(
      `no route has the id "${name}" and no upstream is known to implement it; ` +
        `see: banyan operations, or write a route with from, to and shift for it`,
    )
  }
  if (to === undefined) return refused(`no route describes "${name}"; say where it goes: --to UPSTREAM`)
  const incumbent = operation.owner ?? world.defaultUpstream
  if (incumbent === undefined)
    return refused(`nobody serves "${name}" now, so there is nothing to shift; write a route`)
  if (!world.upstreams.includes(to)) {
    return refused(`unknown upstream "${to}"; known: ${[...world.upstreams].sort().join(', ')}`)
  }
  if (incumbent === to) return refused(`"${to}" serves "${name}" already`)
  if (!operation.implementations.some((implementation) => implementation.upstream === to)) {
    const known = operation.implementations.map((implementation) => implementation.upstream).join(', ') || 'nobody'
    return refused(
      `"${to}" is not known to implement ${operation.key}; known implementers: ${known}. ` +
        'If it does, say so with a route: from, to and shift',
    )
  }
  return {
    kind: 'found',
    movement: {
      id: `${operation.method} ${operation.template}`,
      match: { path: operation.template, methods: [operation.method] },
      incumbent,
      candidate: to,
      inYaml: false,
      steps: DEFAULT_STEPS,
    },
  }
}

function ofRoute(route: RouteSpec, to: string | undefined): Sought {
  if (route.from === undefined || route.shift === undefined) {
    return refused(
      `route "${route.id}" (${route.at.file}:${route.at.line}) says to: ${route.to} alone; ` +
        'to shift it, write from, to and shift: canary',
    )
  }
  if (to !== undefined && to !== route.to) {
    return refused(
      `route "${route.id}" (${route.at.file}:${route.at.line}) says to: ${route.to}, not ${to}; edit it there`,
    )
  }
  return {
    kind: 'found',
    movement: {
      id: route.id,
      match: route.match,
      incumbent: route.from,
      candidate: route.to,
      inYaml: true,
      steps: route.shift.steps,
    },
  }
}

/** True where the route is about exactly this operation and nothing else. */
function names(route: RouteSpec, key: string): boolean {
  const { host, path, methods, headers, query } = route.match
  if (path === undefined || methods?.length !== 1 || host !== undefined) return false
  return headers === undefined && query === undefined && methods.some((method) => operationKey(method, path) === key)
}

function refused(message: string): Refused {
  return { kind: 'refused', message }
}
