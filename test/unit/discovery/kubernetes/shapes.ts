import type { JsonObject } from '../../../../router/discovery/json.ts'
import {
  type IngressObject,
  readIngress,
  readService,
  readSlice,
  type ServiceObject,
  type SliceObject,
} from '../../../../router/discovery/sources/kubernetes/objects.ts'

/** Objects in the shapes that API servers send. */
export function serviceShape(spec: JsonObject, annotations: JsonObject = {}, name = 'vets'): JsonObject {
  return { metadata: { namespace: 'clinic', name, resourceVersion: '7', annotations }, spec }
}

export type PodShape = {
  readonly ip: string
  readonly ready?: boolean
  readonly serving?: boolean
  readonly terminating?: boolean
}

/** As discovery.k8s.io/v1 has it; v1beta1 is the same as far as it is read. */
export function sliceShape(pods: readonly PodShape[], more: JsonObject = {}, name = 'vets-abc12'): JsonObject {
  return {
    metadata: { namespace: 'clinic', name, resourceVersion: '8', labels: { 'kubernetes.io/service-name': 'vets' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 3000, protocol: 'TCP' }],
    endpoints: pods.map(({ ip, ...conditions }) => ({
      addresses: [ip],
      conditions,
      targetRef: { kind: 'Pod', namespace: 'clinic', name: `vets-${ip}` },
    })),
    ...more,
  }
}

export const HTTP = [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 3000 }]

export function service(spec: JsonObject = { type: 'ClusterIP', ports: HTTP }): ServiceObject {
  return readService(serviceShape(spec))
}

export function slice(pods: readonly PodShape[], more: JsonObject = {}): SliceObject {
  const read = readSlice(sliceShape(pods, more))
  if (read === undefined) throw new Error('a slice of no Service')
  return read
}

export function ingress(spec: JsonObject, annotations: JsonObject = {}, name = 'web'): IngressObject {
  const creationTimestamp = '2026-01-01T00:00:00Z'
  return readIngress({ metadata: { namespace: 'clinic', name, annotations, creationTimestamp }, spec })
}
