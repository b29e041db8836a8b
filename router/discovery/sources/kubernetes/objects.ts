import { own } from '../../../kernel/own.ts'
import { arrayOf, isObject, type JsonObject, objectOf, textOf } from '../../json.ts'

/** What is kept of a Service: little, because there may be thousands. */
export type ServiceObject = {
  readonly namespace: string
  readonly name: string
  /** `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`. */
  readonly type: string
  /** Where an ExternalName points. */
  readonly externalName: string
  readonly ports: readonly ServicePort[]
  /** Its first IP family is the one it prefers; empty: the server does not say. */
  readonly families: readonly string[]
  /** Those whose names begin with `banyan.`. */
  readonly annotations: Readonly<Record<string, string>>
}

/** `name` is empty where the Service has one port without a name. */
export type ServicePort = { readonly name: string; readonly port: number }

/** What is kept of an EndpointSlice. */
export type SliceObject = {
  /** `namespace/name` of its Service. */
  readonly service: string
  /** `IPv4`, `IPv6` or `FQDN`. */
  readonly family: string
  readonly ports: readonly ServicePort[]
  readonly endpoints: readonly SliceEndpoint[]
}

/** `serving` and `terminating` are false where the server does not say: before Kubernetes 1.20. */
export type SliceEndpoint = {
  readonly address: string
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
}

/** What is kept of an Ingress, in whichever version it came. */
export type IngressObject = {
  readonly namespace: string
  readonly name: string
  /** Creation time, as text that sorts. */
  readonly created: string
  /** Undefined: it names none. */
  readonly className: string | undefined
  /** Those of nginx's controller, without their prefix. */
  readonly nginx: Readonly<Record<string, string>>
  readonly defaultBackend: IngressBackend | undefined
  readonly paths: readonly IngressPath[]
}

export type IngressPath = {
  /** Empty: every host. */
  readonly host: string
  readonly path: string
  readonly pathType: string
  readonly backend: IngressBackend | undefined
}

/** A Service and the name or number of one of its ports; undefined where it is something else. */
export type IngressBackend = { readonly service: string; readonly port: number | string }

/** Never undefined: every Service may be asked for. */
export function readService(object: JsonObject): ServiceObject {
  const metadata = objectOf(own(object, 'metadata'))
  const spec = objectOf(own(object, 'spec'))
  return {
    ...nameOf(metadata),
    type: textOf(own(spec, 'type')) || 'ClusterIP',
    externalName: textOf(own(spec, 'externalName')),
    ports: portsOf(spec),
    families: arrayOf(own(spec, 'ipFamilies')).map(textOf),
    annotations: annotationsBelow(metadata, 'banyan.', (name) => name),
  }
}

/** Undefined: it belongs to no Service. */
export function readSlice(object: JsonObject): SliceObject | undefined {
  const metadata = objectOf(own(object, 'metadata'))
  const service = textOf(own(objectOf(own(metadata, 'labels')), 'kubernetes.io/service-name'))
  if (service === '') return undefined
  return {
    service: `${nameOf(metadata).namespace}/${service}`,
    family: textOf(own(object, 'addressType')),
    ports: portsOf(object),
    endpoints: arrayOf(own(object, 'endpoints')).filter(isObject).flatMap(endpointOf),
  }
}

export function readIngress(object: JsonObject): IngressObject {
  const metadata = objectOf(own(object, 'metadata'))
  const spec = objectOf(own(object, 'spec'))
  const annotated = textOf(own(objectOf(own(metadata, 'annotations')), 'kubernetes.io/ingress.class'))
  const className = textOf(own(spec, 'ingressClassName')) || annotated
  const fallback = own(spec, 'defaultBackend') ?? own(spec, 'backend')
  return {
    ...nameOf(metadata),
    created: textOf(own(metadata, 'creationTimestamp')),
    className: className === '' ? undefined : className,
    nginx: annotationsBelow(metadata, NGINX, (name) => name.slice(NGINX.length)),
    defaultBackend: isObject(fallback) ? backendOf(fallback) : undefined,
    paths: arrayOf(own(spec, 'rules')).filter(isObject).flatMap(pathsOf),
  }
}

const NGINX = 'nginx.ingress.kubernetes.io/'

function nameOf(metadata: JsonObject): { readonly namespace: string; readonly name: string } {
  return { namespace: textOf(own(metadata, 'namespace')), name: textOf(own(metadata, 'name')) }
}

function annotationsBelow(metadata: JsonObject, prefix: string, rename: (name: string) => string) {
  const all = Object.entries(objectOf(own(metadata, 'annotations')))
  return Object.fromEntries(
    all.filter(([name]) => name.startsWith(prefix)).map(([name, value]) => [rename(name), textOf(value)]),
  )
}

/** HTTP is spoken over TCP alone, which is what a port without a protocol is. */
function portsOf(object: JsonObject): readonly ServicePort[] {
  return arrayOf(own(object, 'ports'))
    .filter(isObject)
    .filter((port) => (textOf(own(port, 'protocol')) || 'TCP') === 'TCP' && typeof own(port, 'port') === 'number')
    .map((port) => ({ name: textOf(own(port, 'name')), port: Number(own(port, 'port')) }))
}

// The addresses of one endpoint are the same place; the first is as good as any.
function endpointOf(endpoint: JsonObject): readonly SliceEndpoint[] {
  const [address = ''] = arrayOf(own(endpoint, 'addresses')).map(textOf)
  if (address === '') return []
  const conditions = objectOf(own(endpoint, 'conditions'))
  return [
    {
      address,
      // Not said means ready, by the API's own definition.
      ready: own(conditions, 'ready') !== false,
      serving: own(conditions, 'serving') === true,
      terminating: own(conditions, 'terminating') === true,
    },
  ]
}

function pathsOf(rule: JsonObject): readonly IngressPath[] {
  const host = textOf(own(rule, 'host')).toLowerCase()
  return arrayOf(own(objectOf(own(rule, 'http')), 'paths'))
    .filter(isObject)
    .map((path) => ({
      host,
      path: textOf(own(path, 'path')) || '/',
      pathType: textOf(own(path, 'pathType')) || 'ImplementationSpecific',
      backend: backendOf(objectOf(own(path, 'backend'))),
    }))
}

function backendOf(backend: JsonObject): IngressBackend | undefined {
  const service = objectOf(own(backend, 'service'))
  const port = objectOf(own(service, 'port'))
  const name = textOf(own(service, 'name')) || textOf(own(backend, 'serviceName'))
  const named = own(port, 'number') ?? own(port, 'name') ?? own(backend, 'servicePort')
  if (name === '' || (typeof named !== 'number' && typeof named !== 'string')) return undefined
  return { service: name, port: named }
}
