import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expandEnvironment } from '../kernel/environment.ts'

/** Speaks to the admin API of a running router. */
export type AdminClient = {
  readonly url: string
  /** `T` is the documented shape of the resource: the answer is bytes until here. */
  get<T>(path: string): Promise<T>
  post<T>(path: string, body: unknown): Promise<T>
}

/** A request the router refused or could not be asked; `message` is for the person at the terminal. */
export class AdminError extends Error {
  readonly status: number | undefined

  constructor(message: string, status?: number) {
    super(message)
    this.name = 'AdminError'
    this.status = status
  }
}

/** Options every verb that asks a running router has, for `parseArgs`. */
export const ADMIN_OPTIONS = {
  admin: { type: 'string' },
  config: { type: 'string', short: 'c' },
  json: { type: 'boolean' },
} as const

export const ADMIN_USAGE = `  --admin URL        the router's admin API (default: BANYAN_ADMIN, else admin.port of ./banyan.yaml,
                     else http://127.0.0.1:9080); a token comes from BANYAN_TOKEN
  --json             print JSON`

/** Finds the admin API: `--admin`, BANYAN_ADMIN, `admin.port` of banyan.yaml, else the default port. */
export function adminClient(
  options: { readonly admin?: string | undefined; readonly config?: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
): AdminClient {
  const url = (options.admin ?? env.BANYAN_ADMIN ?? `http://127.0.0.1:${portOf(options.config, env)}`).replace(
    /\/$/,
    '',
  )
  const headers: Record<string, string> = { 'content-type': 'application/json', connection: 'close' }
  if (env.BANYAN_TOKEN !== undefined && env.BANYAN_TOKEN !== '') headers.authorization = `Bearer ${env.BANYAN_TOKEN}`
  return {
    url,
    get: (path) => call(url, path, { headers }),
    post: (path, body) => call(url, path, { method: 'POST', headers, body: JSON.stringify(body) }),
  }
}

async function call<T>(url: string, path: string, init: RequestInit): Promise<T> {
  const response = await fetch(url + path, init).catch((error: unknown) => {
    throw new AdminError(`no router answers at ${url} (${reason(error)}); is it running? Start it with: banyan up`)
  })
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok) return body as T
  const detail = typeof body === 'object' && body !== null && 'detail' in body ? String(body.detail) : undefined
  // A refused reload carries its diagnostics in a body of its own shape.
  if (detail === undefined && response.status === 409) return body as T
  throw new AdminError(detail ?? `${url}${path} answered ${response.status}`, response.status)
}

/**
 * `admin.port` by a light look at the file: asking a running router must work while its file is broken, and must
 * not load the whole configuration to find one number.
 */
function portOf(config: string | undefined, env: Readonly<Record<string, string | undefined>>): number {
  const file = resolve(config ?? 'banyan.yaml')
  if (!existsSync(file)) return 9080
  const text = readFileSync(file, 'utf8')
  const block = /^admin:[ \t]*(?:\{([^}\n]*)\}|\n((?:[ \t]+.*\n?)*))/m.exec(text)
  const port = /\bport:[ \t]*["']?([^\s,"'}]+(?:\})?)/.exec(block?.[1] ?? block?.[2] ?? '')?.[1] ?? ''
  const number = Number(expandEnvironment(port, env).value)
  return Number.isInteger(number) && number > 0 ? number : 9080
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error && 'code' in error.cause ? String(error.cause.code) : error.message
}
