import type { Clock } from '../../../kernel/clock.ts'
import type { Log } from '../../../kernel/log.ts'
import type { Api } from './api.ts'
import {
  type IngressObject,
  readIngress,
  readService,
  readSlice,
  type ServiceObject,
  type SliceObject,
} from './objects.ts'
import { pause, pauseAfter } from './pause.ts'
import { ENDPOINT_SLICES, INGRESSES, type Resource, SERVICES } from './resources.ts'
import type { ClusterView } from './sightings.ts'
import type { Standing } from './standing.ts'
import { startWatch, type Watched } from './watch.ts'

/** What is watched in one namespace; an empty name is all of them. */
export type Scope = {
  readonly namespace: string
  /** Names of the Services whose endpoints matter; undefined: all. */
  readonly services: readonly string[] | undefined
  readonly ingress: boolean
}

/** One cluster as its API server tells it. */
export type Cluster = {
  /** Watches these from now on, and nothing else; `scopes` is given the namespace of the credentials. */
  want(scopes: (namespace: string) => readonly Scope[]): void
  /** Namespace of the credentials; undefined: they have not been read yet. */
  namespace(): string | undefined
  view(): ClusterView
  close(): Promise<void>
}

export type ClusterOptions = {
  readonly api: Api
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  /** `view` says something else. */
  readonly changed: () => void
}

type Kind = 'services' | 'slices' | 'ingresses'
type Running = { readonly kind: Kind; readonly namespace: string } & (
  | { readonly kind: 'services'; readonly watched: Watched<ServiceObject> }
  | { readonly kind: 'slices'; readonly watched: Watched<SliceObject> }
  | { readonly kind: 'ingresses'; readonly watched: Watched<IngressObject> }
)

export function openCluster(options: ClusterOptions): Cluster {
  const { api, clock, random, log, changed } = options
  const stopping = new AbortController()
  const watches = new Map<string, Running>()
  let scopes: (namespace: string) => readonly Scope[] = () => []
  let namespace: string | undefined
  let problem: Standing['problem']
  const connecting = connect()

  /** Without credentials there is nothing to ask; they may be mounted, or written, later. */
  async function connect(): Promise<void> {
    for (let misses = 0; !stopping.signal.aborted; misses++) {
      try {
        namespace = (await api.access()).namespace
        problem = undefined
        return settle()
      } catch (error) {
        const ms = pauseAfter(misses, random)
        const message = error instanceof Error ? error.message : String(error)
        if (message !== problem?.message) log.warn(`kubernetes: ${message}`)
        problem = { message, at: clock.now(), nextAt: clock.now() + ms }
        changed()
        await pause(ms, clock, stopping.signal)
      }
    }
  }

  function settle(): void {
    if (namespace === undefined || stopping.signal.aborted) return
    const wanted = new Map(scopes(namespace).flatMap((scope) => watchesOf(scope).map((one) => [one.key, one] as const)))
    for (const [key, { watched }] of watches) {
      if (wanted.has(key)) continue
      watches.delete(key)
      void watched.close()
    }
    for (const [key, { kind, scope }] of wanted) if (!watches.has(key)) watches.set(key, start(kind, scope))
    changed()
  }

  function start(kind: Kind, { namespace: within, services }: Scope): Running {
    const common = { api, namespace: within, changed, clock, random, log }
    switch (kind) {
      case 'services':
        return { kind, namespace: within, watched: startWatch({ ...common, resource: SERVICES, read: readService }) }
      case 'ingresses':
        return { kind, namespace: within, watched: startWatch({ ...common, resource: INGRESSES, read: readIngress }) }
      case 'slices': {
        const labelSelector =
          services === undefined ? undefined : `kubernetes.io/service-name in (${services.join(',')})`
        const watched = startWatch({ ...common, resource: ENDPOINT_SLICES, labelSelector, read: readSlice })
        return { kind, namespace: within, watched }
      }
    }
  }

  return {
    want(next) {
      scopes = next
      settle()
    },
    namespace: () => namespace,
    view: () => viewOf([...watches.values()], { what: 'read credentials', confirmedAt: undefined, problem }),
    async close() {
      stopping.abort()
      await connecting
      await Promise.all([...watches.values()].map(({ watched }) => watched.close()))
      api.close()
    },
  }
}

type WantedWatch = { readonly key: string; readonly kind: Kind; readonly scope: Scope }

function watchesOf(scope: Scope): readonly WantedWatch[] {
  const { namespace, services, ingress } = scope
  const named = (kind: Kind, resource: Resource, more = '') => ({
    key: `${resource.plural} ${namespace} ${more}`,
    kind,
    scope,
  })
  return [
    named('services', SERVICES),
    named('slices', ENDPOINT_SLICES, services?.join()),
    ...(ingress ? [named('ingresses', INGRESSES)] : []),
  ]
}

/** `unconnected` stands for everything as long as nothing is watched. */
function viewOf(running: readonly Running[], unconnected: Standing): ClusterView {
  const services = new Map<string, ServiceObject>()
  const slices: SliceObject[] = []
  const ingresses: IngressObject[] = []
  for (const { kind, watched } of running) {
    if (kind === 'services') for (const [key, service] of watched.objects()) services.set(key, service)
    else if (kind === 'slices') for (const slice of watched.objects().values()) slices.push(slice)
    else for (const ingress of watched.objects().values()) ingresses.push(ingress)
  }
  const standing = (chosen: readonly Running[]) =>
    chosen.length === 0 ? [unconnected] : chosen.map(({ watched }) => watched.standing())
  return {
    services,
    slices: Map.groupBy(slices, ({ service }) => service),
    ingresses,
    standing: (namespace) =>
      standing(running.filter((one) => one.kind !== 'ingresses' && ['', namespace].includes(one.namespace))),
    standings: standing(running),
  }
}
