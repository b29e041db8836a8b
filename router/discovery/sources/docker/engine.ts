import type { ContainerInfo } from 'dockerode'
import type { EngineAddress } from './options.ts'

/** A container as the engine lists it, as far as it matters. */
export type Container = {
  readonly id: string
  readonly name: string
  /** Digest of its image. */
  readonly image: string
  /** Seconds since the epoch. */
  readonly created: number
  /** `running`, `paused`, `exited` … */
  readonly state: string
  /** `Up 3 minutes (unhealthy)`: the only place of a list that tells the health. */
  readonly status: string
  readonly labels: Readonly<Record<string, string>>
  /** TCP ports that it exposes; `published` on the engine's machine, at `ip`. */
  readonly ports: readonly { readonly port: number; readonly published: number | undefined; readonly ip: string }[]
  /** IPv4 address by network; `host` has none. */
  readonly networks: Readonly<Record<string, string>>
}

/** What is asked of an engine. Every promise ends when `signal` is aborted. */
export type Engine = {
  /** In words: `unix:///var/run/docker.sock`. */
  readonly address: string
  /** The machine whose ports it publishes, as seen from here. */
  readonly host: string
  list(signal: AbortSignal): Promise<readonly Container[]>
  /** Calls `heard` at whatever may change the list; the promise inside resolves when there is nothing more to hear. */
  listen(signal: AbortSignal, heard: () => void): Promise<{ readonly ended: Promise<void> }>
}

/** Speaks to the engine at this address, or to that of the docker command. The client is loaded with the first call. */
export async function openEngine(address: EngineAddress | undefined): Promise<Engine> {
  const { default: Dockerode } = await import('dockerode')
  const docker = new Dockerode(address === undefined ? {} : connectionOf(address))
  return {
    ...placeOf(docker.modem),
    async list(signal) {
      const listed = await docker.listContainers({ all: true, abortSignal: signal })
      return listed.map(containerOf)
    },
    async listen(signal, heard) {
      const stream: NodeJS.ReadableStream = await docker.getEvents({ filters: FILTERS, abortSignal: signal })
      const ended = new Promise<void>((resolve) => {
        for (const event of ['end', 'close', 'error']) stream.on(event, () => resolve())
      })
      // What happened is not read: a start tells labels but no ports, so that the list is asked for in any case.
      stream.on('data', heard)
      return { ended }
    },
  }
}

// As text, which says it in one way to every version. Without the checks inside containers every few seconds.
const FILTERS = JSON.stringify({
  type: ['container', 'network'],
  event: [
    ...['create', 'start', 'die', 'stop', 'pause', 'unpause', 'destroy', 'rename', 'health_status'],
    ...['connect', 'disconnect'],
  ],
})

/** Where the client turned out to look: it follows DOCKER_HOST and knows where engines usually listen. */
function placeOf(modem: object): Pick<Engine, 'address' | 'host'> {
  const text = (key: string): string | undefined => {
    const value: unknown = Reflect.get(modem, key)
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
  }
  const host = text('host')
  if (host !== undefined) return { address: `tcp://${host}:${text('port')}`, host }
  return { address: `unix://${text('socketPath') ?? '/var/run/docker.sock'}`, host: '127.0.0.1' }
}

function connectionOf(address: EngineAddress) {
  // DOCKER_HOST would otherwise be taken for what is not given.
  if ('socket' in address) return { socketPath: address.socket, host: undefined, port: undefined }
  return { host: address.host, port: address.port, protocol: 'http' as const }
}

function containerOf(listed: ContainerInfo): Container {
  const { Id, Names, ImageID, Created, State, Status, Labels, Ports, NetworkSettings } = listed
  const networks = Object.entries(NetworkSettings?.Networks ?? {})
  return {
    id: Id,
    name: (Names[0] ?? Id.slice(0, 12)).replace(/^\//, ''),
    image: ImageID,
    created: Created,
    state: State,
    status: Status,
    labels: Labels ?? {},
    ports: (Ports ?? [])
      .filter(({ Type }) => Type === 'tcp')
      .map(({ PrivatePort, PublicPort, IP }) => ({
        port: PrivatePort,
        published: PublicPort || undefined,
        ip: IP ?? '',
      })),
    networks: Object.fromEntries(networks.map(([name, { IPAddress }]) => [name, IPAddress ?? ''])),
  }
}
