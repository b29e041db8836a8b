import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Control } from '../admin/control.ts'
import type { GuardOptions } from '../admin/guard.ts'
import type { Log } from '../kernel/log.ts'
import type { Bound } from '../model/link.ts'
import type { AdminToken, Spec } from '../model/spec.ts'

/** The port of the admin API. */
export type AdminPort = {
  bound(): Bound
  close(): Promise<void>
}

/**
 * Takes the port at once, so that one in use is said at the start; the API behind it is loaded by the first request,
 * so that traffic does not wait for it. Rejects with what to do where the port cannot be taken.
 */
export async function openAdmin(options: {
  readonly control: Control
  readonly address: Spec['admin']
  readonly log: Log
}): Promise<AdminPort> {
  const { control, address, log } = options
  const host = address.host ?? '0.0.0.0'
  let loading: Promise<RequestListener> | undefined
  const server = createServer((request, response) => {
    loading ??= loadListener(control, address)
    loading
      .then((listener) => listener(request, response))
      .catch((error: unknown) => {
        // The next request tries again: what a token refers to may be there by then.
        loading = undefined
        log.error('the admin API cannot answer', { error })
        if (!response.headersSent) unavailable(response, error)
      })
  })
  await listen(server, address.port, host)
  // Said at the start, although nobody has asked yet.
  for (const token of address.tokens) {
    try {
      secretOf(token)
    } catch (error) {
      log.error(messageOf(error))
    }
  }
  const at = server.address()
  const port = typeof at === 'object' && at !== null ? at.port : address.port
  return {
    bound: () => ({ host, port }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function loadListener(control: Control, address: Spec['admin']): Promise<RequestListener> {
  const guarded = guardOptions(address)
  const [{ createAdminApp }, { getRequestListener }] = await Promise.all([
    import('../admin/app.ts'),
    import('@hono/node-server'),
  ])
  return getRequestListener(createAdminApp(control, guarded).fetch)
}

function guardOptions({ host, tokens }: Spec['admin']): GuardOptions {
  const own = host === undefined || host === '0.0.0.0' || host === '::' ? [] : [host.toLowerCase()]
  return {
    hosts: ['127.0.0.1', 'localhost', '::1', ...own],
    tokens: tokens.map((token) => ({ name: token.name, role: token.role, value: secretOf(token) })),
  }
}

/** Throws where the file that a token refers to cannot be read or is empty: without a value nobody may come in. */
function secretOf({ name, token }: AdminToken): string {
  if (!token.startsWith('file:')) return token
  const subject = `admin API: token "${name}": ${token}`
  const text = readText(token.slice('file:'.length), subject)
  if (text === '') throw new Error(`${subject} is empty; write the token into it`)
  return text
}

function readText(file: string, subject: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new Error(`${subject} cannot be read (${messageOf(error)}); the API answers 503 until it can`, {
      cause: error,
    })
  }
}

function unavailable(response: ServerResponse, error: unknown): void {
  const body = { type: 'about:blank', title: 'admin_unavailable', status: 503, detail: messageOf(error) }
  response.writeHead(503, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? `port ${port} is in use` : error.message
      reject(new Error(`admin API: ${why}; free it or change admin.port`, { cause: error }))
    })
    server.listen(port, host, () => resolve())
  })
}
