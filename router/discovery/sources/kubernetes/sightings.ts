import type { Attempt, SightedUpstream, Sighting, SourceObservation } from '../../../model/catalogue.ts'
import type { Diagnostic } from '../../../model/diagnostic.ts'
import type { Tier } from '../../../model/spec.ts'
import { readLabels } from '../labels.ts'
import { endpointsOf, portOf } from './endpoints.ts'
import { ingressRoutes } from './ingress.ts'
import type { IngressBackend, IngressObject, ServiceObject, SliceObject } from './objects.ts'
import type { KubernetesOptions } from './options.ts'
import type { Standing } from './watch.ts'

/** An upstream of the YAML and the port of a Service that it stands for. */
export type NamedService = {
  readonly upstream: string
  readonly tier: Tier
  readonly namespace: string
  readonly service: string
  readonly port: number | string | undefined
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
  const listed = view.standings.every(({ confirmedAt }) => confirmedAt !== undefined)
  // Until everything has been listed, what is not seen is not gone.
  const seeks = settings.upstreams || settings.ingress !== false
  const unseen =
    listed || !seeks ? [] : (last?.upstreams ?? []).filter(({ name }) => !upstreams.some((one) => one.name === name))
  const routes = listed || ingress.routes.length > 0 ? ingress.routes : (last?.routes ?? [])
  return {
    upstreams: [...upstreams, ...unseen],
    ...(settings.ingress === false ? {} : { routes }),
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
    if (first === undefined) found.set(upstream, { upstream, tier, namespace, service, port })
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
  const found = `Service ${key}`
  const standings = view.standing(namespace)
  const before = last?.upstreams.find((one) => one.name === name)
  if (standings.some(({ confirmedAt }) => confirmedAt === undefined)) {
    const sighting = sightingOf(standings, before?.sighting?.attempts ?? [], before?.sighting, now)
    return { endpoints: [], ...before, name, tier, found, sighting }
  }
  const at = Math.min(now, ...standings.map(({ confirmedAt }) => confirmedAt ?? now))
  const told = (outcome: string) => sightingOf(standings, [{ what: found, outcome, at }], before?.sighting, now)
  const service = view.services.get(key)
  if (service === undefined) {
    const failure = `${found} does not exist`
    return { name, tier, endpoints: [], found, failure, sighting: told('does not exist') }
  }
  const { declares, discover, port: annotatedPort } = readLabels(service.annotations)
  const labels = { ...(declares === undefined ? {} : { declares }), ...(discover === undefined ? {} : { discover }) }
  const result = endpointsOf(service, view.slices.get(key) ?? [], port ?? annotatedPort)
  if (result.kind === 'unusable') {
    return { name, tier, endpoints: [], found, failure: result.why, ...labels, sighting: told(result.why) }
  }
  return { name, tier, endpoints: result.endpoints, found, ...labels, sighting: told(result.outcome) }
}

/** `seen`: what came of it where the server could be asked; what went wrong since stands behind it. */
function sightingOf(
  standings: readonly Standing[],
  seen: readonly Attempt[],
  before: Sighting | undefined,
  now: number,
): Sighting {
  const troubles = standings.flatMap(({ what, problem }) =>
    problem === undefined
      ? []
      : [{ attempt: { what, outcome: problem.message, at: problem.at }, nextAt: problem.nextAt }],
  )
  const listed = standings.every(({ confirmedAt }) => confirmedAt !== undefined)
  const confirmed = standings.map(({ confirmedAt }) => confirmedAt ?? now)
  const what = new Set(troubles.map(({ attempt }) => attempt.what))
  return {
    state: troubles.length > 0 ? 'failed' : listed ? 'answered' : 'pending',
    attempts: [...seen.filter((attempt) => !what.has(attempt.what)), ...troubles.map(({ attempt }) => attempt)],
    at: listed ? Math.min(now, ...confirmed) : before?.at,
    nextAt: troubles.length === 0 ? undefined : Math.min(...troubles.map(({ nextAt }) => nextAt)),
  }
}
