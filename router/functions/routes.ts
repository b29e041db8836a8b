/**
 * What a function implements, from what it says about itself.
 *
 * In this order: `routes` in function.yaml, `export const routes`, a Hono app's own route table. Of a Hono app:
 *
 * - middleware is no operation: an `ALL` entry whose handler takes `next` (as `app.use` registers it);
 * - `app.all('/x', c => …)` is listed as `ALL` too, but its handler does not take `next`: it counts for the
 *   five common methods;
 * - a path that ends in `*` is no operation, whatever its method: only `routes` can say what is meant;
 * - `:id` and `:id{[0-9]+}` become `{id}`; an optional `:id?` gives the path without it and the one with it.
 */
export function routesOf(declaration: Declaration, manifest: readonly string[] | undefined): Routes {
  if (manifest !== undefined) return { kind: 'routes', routes: manifest }
  if (declaration.kind === 'exported') return exportedRoutes(declaration.routes)
  if (declaration.kind === 'none') return { kind: 'none', why: 'it is no Hono app and exports no routes' }
  const routes = [...new Set(declaration.entries.flatMap(operationsOf))]
  if (routes.length > 0) return { kind: 'routes', routes }
  return { kind: 'none', why: 'its Hono app has only middleware and catch-alls' }
}

/** What the wrapper read from the function inside workerd. */
export type Declaration =
  | { readonly kind: 'exported'; readonly routes: unknown }
  | { readonly kind: 'hono'; readonly entries: readonly HonoEntry[] }
  | { readonly kind: 'none' }

/** One line of a Hono app's route table; `middleware`: its handler takes `next`. */
export type HonoEntry = { readonly method: string; readonly path: string; readonly middleware: boolean }

/** `none`: the function serves, but nobody can say what; `invalid`: what it says about itself is wrong. */
export type Routes =
  | { readonly kind: 'routes'; readonly routes: readonly string[] }
  | { readonly kind: 'none'; readonly why: string }
  | { readonly kind: 'invalid'; readonly problem: string }

/** Says what is wrong with a list of routes somebody wrote; undefined: nothing. */
export function routesProblem(routes: unknown): string | undefined {
  if (!Array.isArray(routes)) return `routes: expected a list such as ['GET /contact.html']`
  const list: readonly unknown[] = routes
  for (const [index, route] of list.entries()) {
    if (typeof route === 'string' && ROUTE.test(route)) continue
    return `routes[${index}] ${JSON.stringify(route)}: expected METHOD /path, such as GET /contact.html`
  }
  return undefined
}

const ROUTE = /^[A-Z]+ \/\S*$/
const COMMON_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

function exportedRoutes(routes: unknown): Routes {
  const problem = routesProblem(routes)
  if (problem !== undefined) return { kind: 'invalid', problem: `export const ${problem}` }
  return { kind: 'routes', routes: Array.isArray(routes) ? routes.filter((route) => typeof route === 'string') : [] }
}

function operationsOf({ method, path, middleware }: HonoEntry): string[] {
  const all = method.toUpperCase() === 'ALL'
  if (path.endsWith('*') || (all && middleware)) return []
  const methods = all ? COMMON_METHODS : [method.toUpperCase()]
  return templatesOf(path).flatMap((template) => methods.map((one) => `${one} ${template}`))
}

function templatesOf(path: string): string[] {
  let templates = ['']
  for (const segment of segmentsOf(path)) {
    const optional = segment.startsWith(':') && segment.endsWith('?')
    const longer = templates.map((template) => `${template}/${templateSegment(segment)}`)
    templates = optional ? [...templates, ...longer] : longer
  }
  return templates.map((template) => (template === '' ? '/' : template))
}

function templateSegment(segment: string): string {
  return segment.startsWith(':') ? `{${segment.slice(1).replace(/[{?].*$/s, '')}}` : segment
}

// A pattern in braces may itself contain slashes and braces: `:date{[0-9]{4}/[0-9]{2}}`.
function segmentsOf(path: string): string[] {
  const segments: string[] = []
  let depth = 0
  let segment = ''
  for (const character of path.replace(/^\//, '')) {
    if (character === '{') depth += 1
    if (character === '}') depth -= 1
    if (character === '/' && depth === 0) {
      segments.push(segment)
      segment = ''
    } else segment += character
  }
  return [...segments, segment]
}
