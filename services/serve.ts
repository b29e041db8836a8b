import { type ServerType, serve } from '@hono/node-server'

export type ServiceOptions = {
  /** 0 takes any free port. */
  readonly port: number
  /** The address to listen on; 127.0.0.1 unless given. */
  readonly hostname?: string
}

export type RunningService = {
  readonly url: string
  readonly port: number
  /** Stops accepting and lets what is in flight finish, for up to 5 s. */
  close(): Promise<void>
}

type App = { readonly fetch: (request: Request) => Response | Promise<Response> }

/** Listens for an app; rejects where the port is taken. The caller closes it. */
export async function listen(app: App, { port, hostname = '127.0.0.1' }: ServiceOptions): Promise<RunningService> {
  const { server, bound } = await new Promise<{ server: ServerType; bound: number }>((resolve, reject) => {
    // Longer than a proxy in front keeps an idle connection, so that it is never the service that closes under a request.
    const options = { fetch: app.fetch, port, hostname, serverOptions: { keepAliveTimeout: 75_000 } }
    const server: ServerType = serve(options, (address) => resolve({ server, bound: address.port }))
    server.once('error', reject)
  })
  return { url: `http://${hostname}:${bound}`, port: bound, close: () => close(server) }
}

/** What every service's main does: PORT and HOST from the environment, one line when it listens, a clean stop. */
export function run(name: string, defaultPort: number, start: (options: ServiceOptions) => Promise<RunningService>) {
  const { PORT = String(defaultPort), HOST = '127.0.0.1' } = process.env
  start({ port: Number(PORT), hostname: HOST }).then(
    (service) => {
      const stop = (): void => void service.close().then(() => process.exit(0))
      process.once('SIGTERM', stop)
      process.once('SIGINT', stop)
      console.log(`${name} listens on ${service.url}`)
    },
    (error: unknown) => {
      console.error(`${name} did not start: ${error instanceof Error ? error.message : String(error)}`)
      process.exit(1)
    },
  )
}

const CLOSE_GRACE_MS = 5_000

function close(server: ServerType): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => {
      if ('closeAllConnections' in server) server.closeAllConnections()
    }, CLOSE_GRACE_MS)
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
  })
}
