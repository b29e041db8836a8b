import { parseTemplate, type Template, templateCovers } from '../kernel/template.ts'
import type { Catalogue, CatalogueOperation, Observation } from '../model/catalogue.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { RouteSpec } from '../model/spec.ts'
import { findDrift } from './drift.ts'

/**
 * A warning for each route that moves operations to an upstream which breaks clients of the one that has them, as far
 * as both describe them. Pure.
 */
export function driftOfRoutes(
  routes: readonly RouteSpec[],
  { operations, ...catalogue }: Catalogue,
  observations: readonly Observation[],
): readonly Diagnostic[] {
  return routes.flatMap((route, index): readonly Diagnostic[] => {
    const { id, from, to, match, positions, at } = route
    const template = match.path === undefined ? undefined : parseTemplate(match.path)
    if (from === undefined || template === undefined || 'error' in template) return []
    const moved = operations.filter((operation) => isMoved(operation, template, route))
    const served = () => ({ upstream: from, shift: undefined })
    const drift = findDrift({ catalogue: { ...catalogue, operations: moved }, observations, served })
    const broken = drift.operations.filter(
      ({ incumbent, candidate, differences }) =>
        incumbent === from && candidate === to && differences.some(({ breaks }) => breaks),
    )
    if (broken.length === 0) return []
    const names = broken.slice(0, MOST_NAMED).map(({ method, path }) => `${method} ${path}`)
    const more = broken.length > MOST_NAMED ? ` and ${broken.length - MOST_NAMED} more` : ''
    const message = `"${id}" would break clients: "${to}" describes ${names.join(', ')}${more} otherwise than "${from}"`
    const hint = 'banyan drift says what differs'
    return [
      {
        severity: 'warning',
        code: 'contract-drift',
        message,
        hint,
        at: positions.to ?? at,
        path: `routes[${index}].to`,
      },
    ]
  })
}

const MOST_NAMED = 3

function isMoved({ method, template, implementations }: CatalogueOperation, of: Template, route: RouteSpec): boolean {
  const { methods } = route.match
  if (methods !== undefined && !methods.includes(method)) return false
  const both = [route.from, route.to].every((name) => implementations.some(({ upstream }) => upstream === name))
  const path = both ? parseTemplate(template) : undefined
  return path !== undefined && !('error' in path) && templateCovers(of, path)
}
