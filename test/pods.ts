import type { KubernetesServer } from './kubernetes.ts'

/** Objects of one namespace, written as a deployment and a kubelet would. */
export type Pods = {
  /** A Service that selects the Pods of its name; `port` is what it calls its only one. */
  service(name: string, more?: { readonly annotations?: Readonly<Record<string, string>> }): Promise<void>
  /** A Pod of this Service at an address of its own, not ready yet. Made without a kubelet: nothing runs. */
  pod(service: string, name: string, at: { readonly ip: string; readonly port: number }): Promise<void>
  ready(name: string, is: boolean): Promise<void>
  remove(name: string): Promise<void>
  ingress(name: string, spec: unknown, annotations?: Readonly<Record<string, string>>): Promise<void>
}

/** Makes the namespace, and a node for its Pods. */
export async function openNamespace(kube: KubernetesServer, namespace: string): Promise<Pods> {
  const node = `node-${namespace}`
  await kube.ask('POST', '/api/v1/namespaces', { metadata: { name: namespace } })
  await kube.ask('POST', '/api/v1/nodes', { metadata: { name: node } })
  const core = `/api/v1/namespaces/${namespace}`
  const ready = (name: string, is: boolean, more: object = {}) =>
    kube.ask('PATCH', `${core}/pods/${name}/status`, {
      status: { ...more, conditions: [{ type: 'Ready', status: is ? 'True' : 'False' }] },
    })
  return {
    async service(name, { annotations = {} } = {}) {
      const ports = [{ name: 'http', port: 80, targetPort: 'http' }]
      await kube.ask('POST', `${core}/services`, {
        metadata: { name, annotations },
        spec: { selector: { app: name }, ports },
      })
    },
    async pod(service, name, { ip, port }) {
      const containers = [{ name: 'app', image: 'none', ports: [{ name: 'http', containerPort: port }] }]
      const metadata = { name, labels: { app: service } }
      await kube.ask('POST', `${core}/pods`, { metadata, spec: { nodeName: node, containers } })
      await ready(name, false, { phase: 'Running', podIP: ip, podIPs: [{ ip }] })
    },
    async ready(name, is) {
      await ready(name, is)
    },
    async remove(name) {
      await kube.ask('DELETE', `${core}/pods/${name}`, { gracePeriodSeconds: 0 })
    },
    async ingress(name, spec, annotations = {}) {
      await kube.ask('POST', `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`, {
        metadata: { name, annotations },
        spec,
      })
    },
  }
}
