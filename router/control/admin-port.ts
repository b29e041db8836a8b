import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { Control } from '../admin/control.ts'
import type { GuardOptions } from '../admin/guard.ts'
import type { Log } from '../kernel/log.ts'
import type { Bound } from '../model/link.ts'
import type { Spec } from '../model/spec.ts'

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
  let loaded: Promise<RequestListener> | undefined
  const server = createServer((request, response) => {
    loaded ??= loadListener(control, guardOptions(address))
    loaded
      .then((listener) => listener(request, response))
      .catch((error: unknown) => {
        log.error('the admin API could not be loaded', { error })
        response.writeHead(500).end()
      })
  })
  await listen(server, address.port, host)
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

async function loadListener(control: Control, options: GuardOptions): Promise<RequestListener> {
  const [{ createAdminApp }, { getRequestListener }] = await Promise.all([
    import('../admin/app.ts'),
    import('@hono/node-server'),
  ])
  return getRequestListener(createAdminApp(control, options).fetch)
}

function guardOptions({ host, tokens }: Spec['admin']): GuardOptions {
  const own = host === undefined || host === '0.0.0.0' || host === '::' ? [] : [host.toLowerCase()]
  return {
    hosts: ['127.0.0.1', 'localhost', '::1', ...own],
    tokens: tokens.map(({ name, role, token }) => ({ name, role, value: secretOf(token) })),
  }
}

function secretOf(token: string): string {
  return token.startsWith('file:') ? readFileSync(token.slice('file:'.length), 'utf8').trim() : token
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
