import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { bootRoutes } from './boot.ts'
import { openStore } from './database.ts'
import { type Clinic, dispatch } from './dispatch.ts'
import type { PageAnswer } from './exchange.ts'
import { CLINIC_ROUTES } from './routes.ts'
import { createSessions } from './sessions.ts'
import type { ClinicRoute } from './table.ts'

export type ClinicOptions = {
  /** 0 takes any free port. */
  readonly port: number
  /** The address to listen on; 127.0.0.1 unless given. */
  readonly hostname?: string
  /** The host, with port where it has one, that the clinic believes to be reached at. */
  readonly clinicHost: string
  /** A file, or `:memory:` (the default). */
  readonly databasePath?: string
  readonly routes?: readonly ClinicRoute[]
  readonly now?: () => number
  /** Gets a line for every handler that threw; silent unless given. */
  readonly log?: (line: string) => void
}

export type RunningClinic = {
  readonly url: string
  readonly port: number
  /** Adds a handler to the route table: it answers, and is published, from now on. */
  add(route: ClinicRoute): void
  /** Stops accepting, lets what is in flight finish for up to 5 s, and closes the database. */
  close(): Promise<void>
}

/** Starts the monolith; rejects where the port is taken or the database does not open. The caller closes it. */
export async function startClinic(options: ClinicOptions): Promise<RunningClinic> {
  const { port, hostname = '127.0.0.1', clinicHost, databasePath = ':memory:', now = Date.now } = options
  const routes = [...(options.routes ?? CLINIC_ROUTES)]
  const added = bootRoutes(() => routes)
  const store = openStore(databasePath)
  const clinic: Clinic = {
    get routes() {
      return [...routes, ...added]
    },
    store,
    sessions: createSessions({ now, newToken: () => randomBytes(16).toString('hex').toUpperCase() }),
    host: clinicHost,
    now,
    log: options.log ?? (() => {}),
  }
  // Longer than a proxy in front keeps an idle connection, so that it is never the clinic that closes under a request.
  const server = createServer({ keepAliveTimeout: 75_000 }, (req, res) => {
    // A clinic that is stopping would otherwise wait for its keep-alive connections to be used once more.
    if (!server.listening) res.setHeader('Connection', 'close')
    void serve(clinic, req, res)
  })
  try {
    await listen(server, port, hostname)
  } catch (error) {
    store.close()
    throw error
  }
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  return {
    url: `http://${hostname}:${bound}`,
    port: bound,
    add: (route) => void routes.push(route),
    async close() {
      await closeServer(server)
      store.close()
    },
  }
}

const FORM_LIMIT = 1_000_000
const CLOSE_GRACE_MS = 5_000

type Server = ReturnType<typeof createServer>

function listen(server: Server, port: number, hostname: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, hostname, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS)
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
  })
}

async function serve(clinic: Clinic, req: IncomingMessage, res: ServerResponse): Promise<void> {
  try {
    const form = await readForm(req)
    if (typeof form === 'number') {
      // The rest of the body is not read: the connection cannot carry another request.
      write(res, { status: form, headers: [['Connection', 'close']], body: '' })
      return
    }
    const { method = 'GET', url: target = '/' } = req
    write(res, dispatch(clinic, { method, target, cookie: req.headers.cookie ?? '', form }))
  } catch {
    // Only reading the body can throw: the client has gone, and nobody waits for an answer.
    res.destroy()
  }
}

// The form's fields, or the status to refuse it with. Other bodies are not for any page: they are read and dropped.
async function readForm(req: IncomingMessage): Promise<URLSearchParams | 413 | 415> {
  const chunks: Buffer[] = []
  let size = 0
  // Not destroyed when the loop ends early: a refusal goes out on the same socket.
  for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > FORM_LIMIT) return 413
    chunks.push(chunk)
  }
  if (req.method !== 'POST') return new URLSearchParams()
  const type = req.headers['content-type'] ?? 'application/x-www-form-urlencoded'
  if (!type.toLowerCase().startsWith('application/x-www-form-urlencoded')) return 415
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}

function write(res: ServerResponse, { status, headers, body }: PageAnswer): void {
  for (const [name, value] of headers) res.appendHeader(name, value)
  res.setHeader('Content-Length', Buffer.byteLength(body))
  res.writeHead(status)
  res.end(body)
}
