import { request } from 'node:http'
import type { Clock } from '../kernel/clock.ts'
import type { Declaration, HonoEntry } from './routes.ts'

/** The wrapper's answer to a private request: what the function says about itself, or why it did not load. */
export type Report =
  | { readonly kind: 'loaded'; readonly declaration: Declaration }
  | { readonly kind: 'failed'; readonly failure: Failure }

export type Failure = { readonly name: string; readonly message: string; readonly stack: string }

/**
 * Asks the wrapper in front of a function, on the loopback port that serves its requests too; the token keeps
 * everyone else from asking. Undefined where no whole answer came within `deadlineMs`: the function hangs, is
 * gone, or answers nonsense.
 */
export async function askWrapper(
  port: number,
  token: string,
  deadlineMs: number,
  clock: Clock,
): Promise<Report | undefined> {
  const body = await get(port, token, deadlineMs, clock)
  try {
    return body === undefined ? undefined : decodeReport(JSON.parse(body))
  } catch {
    return undefined
  }
}

const BODY_LIMIT = 1_048_576

function get(port: number, token: string, deadlineMs: number, clock: Clock): Promise<string | undefined> {
  return new Promise((resolve) => {
    // A connection for each: workerd closes idle ones after five seconds.
    const headers = { 'x-banyan-function-token': token, connection: 'close' }
    const asked = request({ host: '127.0.0.1', port, path: '/', headers, agent: false })
    const finish = (body: string | undefined): void => {
      cancel()
      asked.destroy()
      resolve(body)
    }
    // Where this process itself stood still past the deadline, the answer is already waiting to be read: two turns
    // of the loop let it in before anybody is called dead.
    const cancel = clock.after(deadlineMs, () => setImmediate(() => setImmediate(() => finish(undefined))))
    asked.on('error', () => finish(undefined))
    asked.on('response', (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
        if (body.length > BODY_LIMIT) finish(undefined)
      })
      response.on('end', () => finish(response.statusCode === 200 ? body : undefined))
      response.on('error', () => finish(undefined))
    })
    asked.end()
  })
}

// The function shares its isolate with the wrapper and may have changed what JSON does there: believe nothing.
function decodeReport(value: unknown): Report | undefined {
  if (!isRecord(value)) return undefined
  if (value.kind === 'failed' && isRecord(value.failure)) {
    const { name, message, stack } = value.failure
    return { kind: 'failed', failure: { name: String(name), message: String(message), stack: String(stack) } }
  }
  if (value.kind === 'exported') return { kind: 'loaded', declaration: { kind: 'exported', routes: value.routes } }
  if (value.kind === 'none') return { kind: 'loaded', declaration: { kind: 'none' } }
  if (value.kind !== 'hono' || !Array.isArray(value.entries)) return undefined
  return { kind: 'loaded', declaration: { kind: 'hono', entries: value.entries.filter(isHonoEntry) } }
}

function isHonoEntry(value: unknown): value is HonoEntry {
  return (
    isRecord(value) &&
    typeof value.method === 'string' &&
    typeof value.path === 'string' &&
    typeof value.middleware === 'boolean'
  )
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
