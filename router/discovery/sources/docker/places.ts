import { own } from '../../../kernel/own.ts'
import type { ObservedEndpoint } from '../../../model/catalogue.ts'
import type { Container } from './engine.ts'

/** From where containers are to be reached. */
export type Viewpoint = {
  /** The machine whose ports the engine publishes. */
  readonly host: string
  /** Networks of the container that the router itself runs in; empty: it runs in none that the engine knows. */
  readonly ownNetworks: readonly string[]
  /** The network that the operator names. */
  readonly network: string | undefined
}

/** Where a container takes requests, or why it takes none, as words that follow its name. */
export type Place = { readonly endpoint: ObservedEndpoint } | { readonly why: string }

/** Looks for the networks of the router's own container: an engine gives its id, shortened, as the host's name. */
export function ownNetworks(containers: readonly Container[], hostname: string): readonly string[] {
  const own = /^[0-9a-f]{12}$/.test(hostname) ? containers.find(({ id }) => id.startsWith(hostname)) : undefined
  return Object.keys(own?.networks ?? {}).sort()
}

/**
 * In a network that the operator names or that the router is in itself, at the container's own address; else at the
 * port that is published on the engine's machine; else, where that is this machine, at the container's own address.
 */
export function placeOf(container: Container, wanted: number | string | undefined, from: Viewpoint): Place {
  const why = whyNot(container)
  if (why !== undefined) return { why }
  const port = portOf(container, wanted)
  if (typeof port === 'string') return { why: port }
  const at = (host: string, number = port): Place => ({ endpoint: { host, port: number, path: '' } })

  if (from.network !== undefined) {
    const address = own(container.networks, from.network)
    return address ? at(address) : { why: `is not in the network ${from.network}` }
  }
  const shared = from.ownNetworks.map((name) => own(container.networks, name)).find(Boolean)
  if (shared !== undefined) return at(shared)
  if ('host' in container.networks) return at(from.host)
  const published = container.ports
    .filter((one) => one.port === port && one.published !== undefined)
    .sort((a, b) => Number(a.ip.includes(':')) - Number(b.ip.includes(':')))[0]
  if (published !== undefined) return at(isAny(published.ip) ? from.host : published.ip, published.published)
  if (!isLoopback(from.host)) return { why: `does not publish port ${port}` }
  const addresses = Object.keys(container.networks)
    .sort()
    .map((name) => container.networks[name])
  const first = addresses.find(Boolean)
  return first === undefined ? { why: `publishes no port ${port} and has no address of its own` } : at(first)
}

/** Why a container is not asked at all, whatever its ports. */
function whyNot({ state, status }: Container): string | undefined {
  if (state === 'paused' || /\(Paused\)/.test(status)) return 'is paused'
  if (state !== 'running') return `is ${state === 'exited' ? 'stopped' : state}`
  if (/\(unhealthy\)/.test(status)) return 'is unhealthy'
  if (/\(health: starting\)/.test(status)) return 'has not passed its health check yet'
  return undefined
}

function portOf({ ports }: Container, wanted: number | string | undefined): number | string {
  if (wanted !== undefined) {
    const port = Number(wanted)
    const fits = Number.isInteger(port) && port > 0 && port < 65_536
    return fits ? port : `has the label banyan.port=${wanted}, which is no port`
  }
  const exposed = [...new Set(ports.map(({ port }) => port))]
  const [only] = exposed
  if (only === undefined) return 'exposes no port; set its label banyan.port, or docker.port of the upstream'
  if (exposed.length === 1) return only
  return `exposes the ports ${exposed.sort((a, b) => a - b).join(', ')}; set its label banyan.port, or docker.port of the upstream`
}

function isAny(ip: string): boolean {
  return ip === '' || ip === '0.0.0.0' || ip === '::'
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
