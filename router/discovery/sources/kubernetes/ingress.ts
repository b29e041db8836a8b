import type { SightedRoute } from '../../../model/catalogue.ts'
import type { Diagnostic } from '../../../model/diagnostic.ts'
import type { IngressBackend, IngressObject, IngressPath } from './objects.ts'
import { pathRule } from './rewrite.ts'

/** What Ingress objects ask for, and what of it cannot be done. */
export type IngressRoutes = {
  /** The oldest Ingress first: of two rules for the same requests the first counts. */
  readonly routes: readonly SightedRoute[]
  readonly problems: readonly Diagnostic[]
}

/** Annotations of nginx's controller that are understood. */
const UNDERSTOOD: ReadonlySet<string> = new Set(['rewrite-target', 'use-regex'])
const HOST = /^(?:\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/

/** Rules of Ingress objects as routes. `nameOf` names the upstream of a port of a Service. */
export function ingressRoutes(
  ingresses: readonly IngressObject[],
  nameOf: (namespace: string, backend: IngressBackend) => string,
): IngressRoutes {
  const routes: SightedRoute[] = []
  const problems: Diagnostic[] = []
  for (const ingress of ingresses.toSorted(byAge)) {
    const found = `Ingress ${ingress.namespace}/${ingress.name}`
    const note = (code: string, message: string) =>
      problems.push({ severity: 'warning', code, message: `${found}: ${message}` })
    for (const each of ingress.paths) {
      const route = routeOf(ingress, each, nameOf)
      if (typeof route === 'string') note('ingress-not-understood', `${route}; the rule is left out`)
      else routes.push(route)
    }
    const fallback = ingress.defaultBackend
    if (fallback !== undefined) {
      const id = `${ingress.namespace}/${ingress.name} default`
      routes.push({
        id,
        found: `${found}, default backend`,
        match: { path: '/**' },
        to: nameOf(ingress.namespace, fallback),
        policies: [],
        fallback: true,
      })
    }
    const ignored = Object.keys(ingress.nginx)
      .filter((name) => !UNDERSTOOD.has(name))
      .sort()
    if (ignored.length > 0) {
      note(
        'ingress-annotations-ignored',
        `annotations of nginx's controller have no effect here: ${ignored.join(', ')}`,
      )
    }
  }
  return { routes, problems }
}

function byAge(a: IngressObject, b: IngressObject): number {
  const left = `${a.created} ${a.namespace}/${a.name}`
  const right = `${b.created} ${b.namespace}/${b.name}`
  return left < right ? -1 : 1
}

/** The route for one path, or why there is none. */
function routeOf(
  { namespace, name, nginx }: IngressObject,
  path: IngressPath,
  nameOf: (namespace: string, backend: IngressBackend) => string,
): SightedRoute | string {
  const { host, backend } = path
  const place = `${host}${path.path}`
  if (host !== '' && !HOST.test(host)) return `host "${host}" is no host name`
  if (backend === undefined) return `"${place}" has a backend that is no port of a Service`
  const rule = pathRule(path, nginx)
  if (rule.kind === 'not-understood') return rule.why
  return {
    id: `${namespace}/${name} ${place}`,
    found: `Ingress ${namespace}/${name}, ${place} (${path.pathType})`,
    match: { ...(host === '' ? {} : { host }), ...rule.match },
    to: nameOf(namespace, backend),
    policies: rule.policies,
    ...(rule.failure === undefined ? {} : { failure: rule.failure }),
  }
}
