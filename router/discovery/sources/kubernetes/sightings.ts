import type { SightedUpstream, SourceObservation } from '../../../model/catalogue.ts'
import type { Diagnostic } from '../../../model/diagnostic.ts'
import type { Tier } from '../../../model/spec.ts'
import { readLabels } from '../labels.ts'
import { endpointsOf, portOf } from './endpoints.ts'
import { ingressRoutes } from './ingress.ts'
import { areListed, BY_ANNOTATION, lastingRoutes, lastingUpstreams } from './lasting.ts'
import type { IngressBackend, IngressObject, ServiceObject, SliceObject } from './objects.ts'
import type { KubernetesOptions } from './options.ts'
import { type Standing, sightingOf } from './standing.ts'

/** An upstream of the YAML and the port of a Service that it stands for. */
export type NamedService = {
  readonly upstream: string
  readonly tier: Tier
  readonly namespace: string
  readonly service: string
  readonly port: number | string | undefined
  /** It named itself; absent: the YAML, or an Ingress, names it. */
  readonly annotated?: true
}

/** What is known of the cluster. */
export type ClusterView = {
  /** By `namespace/name`. */
  readonly services: ReadonlyMap<string, ServiceObject>
  /** By `namespace/name` of their Service. */
  readonly slices: ReadonlyMap<string, readonly SliceObject[]>
  readonly ingresses: readonly IngressObject[]
  /** How Services and EndpointSlices of a namespace are known. */
  standing(namespace: string): readonly Standing[]
  /** How all of it is known. */
  readonly standings: readonly Standing[]
}

export type SightingOptions = {
  readonly named: readonly NamedService[]
  readonly settings: KubernetesOptions
  /** The last word, which stands for what has not been listed yet. */
  readonly last: SourceObservation | undefined
  readonly now: number
}

/** The complete word on a cluster: upstreams of the YAML, annotated Services, and what Ingress objects lead to. */
export function sightCluster(view: ClusterView, options: SightingOptions): Omit<SourceObservation, 'source' | 'at'> {
  const { settings, last, now } = options
  const { found, problems } = settings.upstreams ? annotated(view, options) : { found: [], problems: [] }
  const wanted = [...options.named, ...found]
  const names = namesOfPorts(wanted, view)
  const behind = new Map<string, NamedService>()
  const nameOf = (namespace: string, backend: IngressBackend): string => {
    const service = view.services.get(`${namespace}/${backend.service}`)
    const port = service === undefined ? undefined : portOf(service, backend.port)
    const number = typeof port === 'object' ? port.port : backend.port
    const known = names.get(`${namespace}/${backend.service}:${number}`)
    if (known !== undefined) return known
    const upstream = `kubernetes/${namespace}/${backend.service}:${number}`
    behind.set(upstream, { upstream, tier: 'service', namespace, service: backend.service, port: backend.port })
    return upstream
  }
  const chosen = view.ingresses.filter(({ className }) => settings.ingress === true || settings.ingress === className)
  const ingress = ingressRoutes(chosen, nameOf)
  const upstreams = [...wanted, ...behind.values()].map((each) => sight(each, view, options))
  const { standing } = view
  return {
    upstreams: [...upstreams, ...lastingUpstreams(upstreams, { last, settings, standing, now })],
    ...(settings.ingress === false ? {} : { routes: lastingRoutes(ingress.routes, last?.routes, standing) }),
    problems: [...problems, ...ingress.problems],
    sighting: sightingOf(view.standings, [], last?.sighting, now),
  }
}

/** Services that name their upstream themselves. */
function annotated(
  { services }: ClusterView,
  { named, settings }: SightingOptions,
): { readonly found: readonly NamedService[]; readonly problems: readonly Diagnostic[] } {
  const found = new Map<string, NamedService>()
  const problems: Diagnostic[] = []
  const own = new Set(named.map(({ upstream, namespace, service }) => `${upstream} ${namespace}/${service}`))
  const ordered = [...services].sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [key, { namespace, name: service, annotations }] of ordered) {
    if (settings.namespaces !== undefined && !settings.namespaces.includes(namespace)) continue
    const { upstream, port, tier = 'service', problems: wrong } = readLabels(annotations)
    for (const sentence of wrong) problems.push(warning('wrong-annotation', `Service ${key}: ${sentence}`))
    if (upstream === undefined || own.has(`${upstream} ${key}`)) continue
    const first = found.get(upstream) ?? named.find((one) => one.upstream === upstream)
    if (first === undefined) found.set(upstream, { upstream, tier, namespace, service, port, annotated: true })
    else problems.push(warning('upstream-clash', clash(upstream, first, key)))
  }
  return { found: [...found.values()], problems }
}

function clash(upstream: string, first: NamedService, second: string): string {
  const one = `Service ${first.namespace}/${first.service}`
  return `upstream "${upstream}" comes from ${one} and from the annotation of Service ${second}; the first one is used`
}

function warning(code: string, message: string): Diagnostic {
  return { severity: 'warning', code, message }
}

/** Upstream by `namespace/service:port`, so that an Ingress leads to what the YAML and annotations have named. */
function namesOfPorts(wanted: readonly NamedService[], { services }: ClusterView): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const { upstream, namespace, service, port } of wanted) {
    const object = services.get(`${namespace}/${service}`)
    const found = object === undefined ? undefined : portOf(object, port)
    const key = `${namespace}/${service}:${typeof found === 'object' ? found.port : port}`
    if (!names.has(key)) names.set(key, upstream)
  }
  return names
}

function sight(wanted: NamedService, view: ClusterView, { last, now }: SightingOptions): SightedUpstream {
  const { upstream: name, tier, namespace, service: serviceName, port } = wanted
  const key = `${namespace}/${serviceName}`
  const found = `Service ${key}${wanted.annotated ? BY_ANNOTATION : ''}`
  const standings = view.standing(namespace)
  const before = last?.upstreams.find((one) => one.name === name)
  if (!areListed(standings)) {
    const sighting = sightingOf(standings, before?.sighting?.attempts ?? [], before?.sighting, now)
    return { endpoints: [], ...before, name, tier, found, sighting }
  }
  const at = Math.min(now, ...standings.map(({ confirmedAt }) => confirmedAt ?? now))
  const told = (outcome: string) => sightingOf(standings, [{ what: found, outcome, at }], before?.sighting, now)
  const service = view.services.get(key)
  if (service === undefined) {
    const failure = `Service ${key} does not exist`
    return { ...before, name, tier, endpoints: [], found, failure, sighting: told('does not exist') }
  }
  const { declares, discover, port: annotatedPort } = readLabels(service.annotations)
  const labels = { ...(declares === undefined ? {} : { declares }), ...(discover === undefined ? {} : { discover }) }
  const result = endpointsOf(service, view.slices.get(key) ?? [], port ?? annotatedPort)
  if (result.kind === 'unusable') {
    return { name, tier, endpoints: [], found, failure: result.why, ...labels, sighting: told(result.why) }
  }
  return { name, tier, endpoints: result.endpoints, found, ...labels, sighting: told(result.outcome) }
}
