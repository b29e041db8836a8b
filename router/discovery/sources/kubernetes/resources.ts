import { own } from '../../../kernel/own.ts'
import { arrayOf, objectOf, textOf } from '../../json.ts'
import { type Api, ApiProblem } from './api.ts'

/** One resource of the API. `versions`: those whose shape is understood, best first. */
export type Resource = { readonly group: string; readonly versions: readonly string[]; readonly plural: string }

export const SERVICES: Resource = { group: '', versions: ['v1'], plural: 'services' }
export const ENDPOINT_SLICES: Resource = {
  group: 'discovery.k8s.io',
  versions: ['v1', 'v1beta1'],
  plural: 'endpointslices',
}
export const INGRESSES: Resource = { group: 'networking.k8s.io', versions: ['v1', 'v1beta1'], plural: 'ingresses' }

/** Where the resource is, in whichever version the server has now. */
export async function pathOf(resource: Resource, namespace: string, api: Api, signal: AbortSignal): Promise<string> {
  const { group, plural } = resource
  const within = namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`
  if (group === '') return `/api/v1${within}/${plural}`
  return `/apis/${group}/${await servedVersion(resource, api, signal)}${within}/${plural}`
}

// Asked every time: a cluster that was upgraded may have dropped the version that was there before.
async function servedVersion({ group, versions, plural }: Resource, api: Api, signal: AbortSignal): Promise<string> {
  const [first = ''] = versions
  try {
    const served = arrayOf(own(await api.get(`/apis/${group}`, signal), 'versions'))
    const names = served.map((each) => textOf(own(objectOf(each), 'version')))
    const found = versions.find((version) => names.includes(version))
    if (found !== undefined) return found
    throw new ApiProblem(
      `the API server has ${plural} as ${group}/${names.join(', ')}; ${versions.join(' or ')} is needed`,
    )
  } catch (error) {
    // Every user may look this up unless somebody took that away; then the newest is the best guess.
    if (error instanceof ApiProblem && error.status === 403) return first
    if (error instanceof ApiProblem && error.status === 404) {
      throw new ApiProblem(`the API server has no ${group}, where ${plural} are; Kubernetes 1.17 or later is needed`)
    }
    throw error
  }
}

/** `services in namespace clinic`, `endpointslices in all namespaces`. */
export function resourceWords({ plural }: Resource, namespace: string): string {
  return `${plural} in ${namespace === '' ? 'all namespaces' : `namespace ${namespace}`}`
}

/** What an operator has to grant. */
export function permissionWords({ group, plural }: Resource, namespace: string, verb: string): string {
  const kind = namespace === '' ? 'ClusterRole' : `Role in namespace ${namespace}`
  return `grant verb "${verb}" on resource "${plural}" of apiGroup "${group}" in a ${kind}, as deploy/kubernetes/rbac.yaml does`
}
