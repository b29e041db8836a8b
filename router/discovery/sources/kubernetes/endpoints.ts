import type { ObservedEndpoint } from '../../../model/catalogue.ts'
import { isMetadataAddress, isMetadataName } from '../../forbidden.ts'
import type { ServiceObject, ServicePort, SliceEndpoint, SliceObject } from './objects.ts'

/** Where requests for one port of a Service may go, and what became of the rest, in words. */
export type ServiceEndpoints =
  | { readonly kind: 'found'; readonly endpoints: readonly ObservedEndpoint[]; readonly outcome: string }
  /** The Service cannot be used: why, and what to do. */
  | { readonly kind: 'unusable'; readonly why: string }

/**
 * Ready Pods, as kube-proxy sees them: one that is terminating gets no new requests, unless there are only such left
 * and they still serve. A Pod with addresses of both families counts once, by the one that its Service prefers.
 */
export function endpointsOf(
  service: ServiceObject,
  slices: readonly SliceObject[],
  wanted: number | string | undefined,
): ServiceEndpoints {
  const port = portOf(service, wanted)
  if (typeof port === 'string') return { kind: 'unusable', why: port }
  const family = preferredFamily(service, slices)
  const seen = slices.filter((slice) => slice.family === family).flatMap((slice) => addressed(slice, service, port))
  const places = Map.groupBy(seen, ({ host, port: number }) => `${host} ${number}`)
  const all = [...places.values()].map((same) => same.reduce(better))
  const ready = all.filter(({ condition }) => condition.ready && !condition.terminating)
  const leaving = all.filter(({ condition }) => condition.terminating && condition.serving)
  const used = ready.length > 0 ? ready : leaving
  return {
    kind: 'found',
    endpoints: used
      .map(({ host, port: number }) => ({ host, port: number, path: '' }))
      .sort((a, b) => (a.host === b.host ? a.port - b.port : a.host < b.host ? -1 : 1)),
    outcome: outcomeOf(all, ready, leaving),
  }
}

/** The port of the Service that is meant, or why none is. */
export function portOf(service: ServiceObject, wanted: number | string | undefined): ServicePort | string {
  const { namespace, name, type, ports, externalName } = service
  const subject = `Service ${namespace}/${name}`
  if (type === 'ExternalName') {
    return `${subject} is an ExternalName for ${externalName} and has no Pods; write url: http://${externalName}:PORT instead`
  }
  const known = ports.map((port) => (port.name === '' ? `${port.port}` : `${port.name} (${port.port})`)).join(', ')
  const [first, ...others] = ports
  // A headless Service may have no ports at all: its Pods are then asked where the YAML says.
  if (first === undefined)
    return typeof wanted === 'number' ? { name: '', port: wanted } : `${subject} has no TCP port; write port: NUMBER`
  if (wanted === undefined)
    return others.length === 0 ? first : `${subject} has several ports: ${known}; write port: with one of them`
  const found = ports.find((port) => port.name === wanted || port.port === Number(wanted))
  return found ?? `${subject} has no port ${wanted}; it has ${known}`
}

function preferredFamily({ families }: ServiceObject, slices: readonly SliceObject[]): string | undefined {
  const present = new Set(slices.filter(({ endpoints }) => endpoints.length > 0).map(({ family }) => family))
  return [...families, 'IPv4', 'IPv6', 'FQDN'].find((family) => present.has(family))
}

type Addressed = { readonly host: string; readonly port: number; readonly condition: SliceEndpoint }

function addressed(slice: SliceObject, service: ServiceObject, port: ServicePort): readonly Addressed[] {
  const own = slice.ports.find(({ name }) => name === port.name)
  const number = own?.port ?? (service.ports.length === 0 ? port.port : undefined)
  if (number === undefined) return []
  // Whoever may write slices might point them there.
  const allowed = slice.endpoints.filter(({ address }) => !isMetadataAddress(address) && !isMetadataName(address))
  return allowed.map((condition) => ({ host: condition.address, port: number, condition }))
}

// While the controller moves an endpoint from one slice to another it is in both, once with an old word.
function better(one: Addressed, other: Addressed): Addressed {
  return other.condition.ready && !one.condition.ready ? other : one
}

function outcomeOf(all: readonly Addressed[], ready: readonly Addressed[], leaving: readonly Addressed[]): string {
  const terminating = all.filter(({ condition }) => condition.terminating).length
  const used = ready.length === 0 && leaving.length > 0 ? ', which serve on because no other is ready' : ''
  const also = terminating === 0 ? '' : `; ${terminating} terminating${used}`
  return `${ready.length} of ${all.length} Pods ready${also}`
}
