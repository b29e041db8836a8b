import { dirname, resolve } from 'node:path'
import type { Environment } from '../../../kernel/environment.ts'
import { packageVersion } from '../../../kernel/version.ts'
import type { Spec } from '../../../model/spec.ts'
import type { SourceKind } from '../source.ts'
import { accessReader } from './access.ts'
import { createApi } from './api.ts'
import { type Cluster, openCluster, type Scope } from './cluster.ts'
import type { KubernetesOptions, ServiceOptions } from './options.ts'
import { atMostEvery } from './pause.ts'
import { type NamedService, sightCluster } from './sightings.ts'

const KIND = 'kubernetes'
/** Changes within this time are told together. */
const TOGETHER_MS = 20

/** Services of a Kubernetes cluster, and on request its Ingress objects, told by the API server. */
export const kubernetes: SourceKind = kubernetesSource({ env: process.env })

/** The source in an environment of its own. `serviceAccount` is the folder of a Pod's credentials. */
export function kubernetesSource(environment: {
  readonly env: Environment
  readonly serviceAccount?: string
}): SourceKind {
  return {
    kind: KIND,
    create(context) {
      const { clock, publish } = context
      let asked: Asked | undefined
      let cluster: { readonly key: string; readonly opened: Cluster } | undefined
      let last = context.remembered
      const closing = new Set<Promise<void>>()

      use(context.spec)
      return {
        update: use,
        async close() {
          leave()
          await Promise.all(closing)
        },
      }

      function use(spec: Spec): void {
        const next = askedBy(spec)
        if (next === undefined) {
          leave()
          if (asked !== undefined) publish({ source: KIND, at: clock.now(), upstreams: [] })
          asked = undefined
          last = undefined
          return
        }
        asked = next
        const key = JSON.stringify([next.settings.kubeconfig, next.settings.context])
        if (cluster?.key !== key) {
          leave()
          cluster = { key, opened: open(next.settings) }
        }
        cluster.opened.want((namespace) => scopesOf(next, namespace))
        observe()
      }

      function open(options: KubernetesOptions): Cluster {
        const access = accessReader({ ...environment, options, now: clock.now })
        const api = createApi({ access, version: packageVersion(), clock })
        return openCluster({ ...context, api, changed: atMostEvery(TOGETHER_MS, clock, observe) })
      }

      function leave(): void {
        if (cluster === undefined) return
        const closed = cluster.opened.close().finally(() => closing.delete(closed))
        closing.add(closed)
        cluster = undefined
      }

      function observe(): void {
        if (cluster === undefined || asked === undefined) return
        const { settings } = asked
        const named = servicesOf(asked, cluster.opened.namespace() ?? '')
        const word = sightCluster(cluster.opened.view(), { named, settings, last, now: clock.now() })
        last = { source: KIND, at: clock.now(), ...word }
        publish(last)
      }
    },
  }
}

type Asked = {
  readonly settings: KubernetesOptions
  readonly services: readonly (Omit<NamedService, 'namespace'> & { readonly namespace: string | undefined })[]
}

/** What the spec asks of this source; undefined: nothing. */
function askedBy(spec: Spec): Asked | undefined {
  const written = spec.sources?.find(({ kind }) => kind === KIND)?.options as KubernetesOptions | undefined
  const services = spec.upstreams.flatMap(({ name, tier, source }) => {
    if (source?.kind !== KIND) return []
    const { service, namespace, port } = source.options as ServiceOptions
    return [{ upstream: name, tier, service, namespace, port }]
  })
  const { upstreams = false, ingress = false, kubeconfig } = written ?? {}
  if (services.length === 0 && !upstreams && ingress === false) return undefined
  const file = kubeconfig === undefined ? {} : { kubeconfig: resolve(dirname(spec.file), kubeconfig) }
  return { settings: { ...written, ...file, upstreams, ingress }, services }
}

function servicesOf({ services }: Asked, namespace: string): readonly NamedService[] {
  return services.map((one) => ({ ...one, namespace: one.namespace ?? namespace }))
}

/** As little as will do: the whole cluster only where the YAML says so, else the Services that it names. */
function scopesOf(asked: Asked, namespace: string): readonly Scope[] {
  const { upstreams, ingress, namespaces } = asked.settings
  const seeks = upstreams || ingress !== false
  const whole = { services: undefined, ingress: ingress !== false }
  if (seeks && namespaces === undefined) return [{ namespace: '', ...whole }]
  const searched = seeks ? (namespaces ?? []) : []
  const named = Map.groupBy(servicesOf(asked, namespace), (service) => service.namespace)
  const others = [...named].filter(([name]) => !searched.includes(name))
  return [
    ...searched.map((name) => ({ namespace: name, ...whole })),
    ...others.map(([name, services]) => ({
      namespace: name,
      services: [...new Set(services.map(({ service }) => service))].sort(),
      ingress: false,
    })),
  ]
}
