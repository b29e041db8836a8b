import type { PageAnswer, PageRequest } from './exchange.ts'

/** One line of the route table: dispatched, and published in the mappings. */
export type ClinicRoute = {
  /** Class and method as Spring names them, below the application's package: `owner.OwnerController#showOwner`. */
  readonly handler: string
  /** None means every method. */
  readonly methods: readonly ('GET' | 'POST')[]
  /** Literal segments, `{name}` for a parameter, `*` for any one segment. */
  readonly patterns: readonly string[]
  readonly produces?: readonly string[]
  readonly answer: (request: PageRequest) => PageAnswer
}

export type RouteMatch =
  | { readonly kind: 'found'; readonly route: ClinicRoute; readonly params: Readonly<Record<string, string>> }
  | { readonly kind: 'method_not_allowed'; readonly allow: readonly string[] }
  | { readonly kind: 'not_found' }

/** Finds the most specific route for a method (HEAD counts as GET) and the decoded segments of a path. */
export function matchRoute(routes: readonly ClinicRoute[], method: string, segments: readonly string[]): RouteMatch {
  const fitting = routes.flatMap((route) =>
    route.patterns.flatMap((pattern) => {
      const fit = fitPattern(pattern, segments)
      return fit === undefined ? [] : [{ route, ...fit }]
    }),
  )
  const [best] = fitting
    .filter(({ route }) => accepts(route, method))
    .sort((a, b) => (a.rank === b.rank ? 0 : a.rank < b.rank ? -1 : 1))
  if (best !== undefined) return { kind: 'found', route: best.route, params: best.params }
  if (fitting.length === 0) return { kind: 'not_found' }
  return { kind: 'method_not_allowed', allow: [...new Set(fitting.flatMap(({ route }) => route.methods))] }
}

type Fit = { readonly params: Readonly<Record<string, string>>; readonly rank: string }

// The rank has a digit a segment, literal before parameter before `*`: ranks of equal length compare as text.
function fitPattern(pattern: string, segments: readonly string[]): Fit | undefined {
  const parts = pattern.split('/').filter((part) => part !== '')
  if (parts.length !== segments.length) return undefined
  const params: Record<string, string> = {}
  let rank = ''
  for (const [index, part] of parts.entries()) {
    const segment = segments[index] ?? ''
    if (part.startsWith('{') && part.endsWith('}')) {
      params[part.slice(1, -1)] = segment
      rank += '1'
    } else if (part === '*') rank += '2'
    else if (part === segment) rank += '0'
    else return undefined
  }
  return { params, rank }
}

function accepts(route: ClinicRoute, method: string): boolean {
  const effective = method === 'HEAD' ? 'GET' : method
  return route.methods.length === 0 || route.methods.some((allowed) => allowed === effective)
}
