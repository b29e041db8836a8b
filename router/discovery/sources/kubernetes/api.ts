import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Clock } from '../../../kernel/clock.ts'
import { own } from '../../../kernel/own.ts'
import { type JsonObject, objectOf, textOf } from '../../json.ts'
import type { Access, ReadAccess } from './access.ts'
import { type Lines, splitLines } from './lines.ts'

/** The API server answered an error, or nothing that can be read; `status` undefined: no answer came. */
export class ApiProblem extends Error {
  readonly status: number | undefined

  constructor(message: string, status?: number) {
    super(message)
    this.status = status
  }
}

/** Requests to one API server. Everything rejects with `ApiProblem`, within its deadline. */
export type Api = {
  /** How it is reached now. */
  access(): Promise<Access>
  get(path: string, signal: AbortSignal): Promise<JsonObject>
  /** Calls `onLines` with the lines of each piece that arrives; resolves when the server ends the stream. */
  stream(path: string, ask: StreamRequest): Promise<void>
  close(): void
}

export type StreamRequest = {
  readonly signal: AbortSignal
  /** By then the server was to end it. */
  readonly deadlineMs: number
  readonly onLines: (lines: readonly string[]) => void
}

/** Longest answer and longest time for one that is no stream. */
const GET_LIMITS = { bytes: 64 * 1024 * 1024, timeoutMs: 30_000 }
/** A watch is answered at once, long before there is anything to tell. */
const HEAD_TIMEOUT_MS = 15_000
/** After this time without a byte the system asks whether the other side is still there, and notices within seconds. */
const KEEPALIVE_MS = 15_000

export function createApi({ access, version, clock }: { access: ReadAccess; version: string; clock: Clock }): Api {
  const agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true }) }

  async function ask(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    const found = await access().catch((error: Error) => {
      throw new ApiProblem(error.message)
    })
    const { server, credentials } = found
    const secure = server.protocol === 'https:'
    const { verify, authorization, ...tls } = credentials
    const head = withDeadline(signal, HEAD_TIMEOUT_MS, clock)
    const options: RequestOptions = {
      agent: secure ? agents['https:'] : agents['http:'],
      path: `${server.pathname.replace(/\/$/, '')}${path}`,
      headers: {
        accept: 'application/json',
        'user-agent': `banyan/${version}`,
        ...(authorization === undefined ? {} : { authorization }),
      },
      signal: head.signal,
      ...(secure ? { ...tls, rejectUnauthorized: verify } : {}),
    }
    const request = secure ? httpsRequest(server, options) : httpRequest(server, options)
    const response = await answerOf(request, server).finally(head.cancel)
    if (response.statusCode === 200) return response
    const why = await errorText(response)
    if (response.statusCode === 401) access.refused()
    throw new ApiProblem(
      `${server.host} answered ${response.statusCode} to ${found.words}: ${why}`,
      response.statusCode,
    )
  }

  return {
    access,
    async get(path, signal) {
      const { signal: limited, cancel } = withDeadline(signal, GET_LIMITS.timeoutMs, clock)
      try {
        return objectOf(JSON.parse(await textOfAnswer(await ask(path, limited), GET_LIMITS.bytes)))
      } catch (error) {
        throw problemOf(error)
      } finally {
        cancel()
      }
    },
    async stream(path, { signal, deadlineMs, onLines }) {
      const { signal: limited, cancel } = withDeadline(signal, deadlineMs, clock)
      try {
        await readLines(await ask(path, limited), splitLines(), onLines)
      } catch (error) {
        throw problemOf(error)
      } finally {
        cancel()
      }
    },
    close() {
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }
}

function withDeadline(signal: AbortSignal, ms: number, clock: Clock): { signal: AbortSignal; cancel: () => void } {
  const late = new AbortController()
  const cancel = clock.after(ms, () =>
    late.abort(new ApiProblem(`the API server did not answer within ${ms / 1000} s`)),
  )
  return { signal: AbortSignal.any([signal, late.signal]), cancel }
}

function answerOf(request: ClientRequest, server: URL): Promise<IncomingMessage> {
  return new Promise((done, fail) => {
    request.on('socket', (socket) => socket.setKeepAlive(true, KEEPALIVE_MS))
    request.once('response', done)
    // Stays: a connection that breaks later on is an error of the request too, beside that of the answer.
    request.on('error', (error: NodeJS.ErrnoException) => {
      fail(error.name === 'AbortError' ? error : new ApiProblem(`${server.host} cannot be asked: ${error.message}`))
    })
    request.end()
  })
}

async function readLines(response: IncomingMessage, lines: Lines, onLines: StreamRequest['onLines']): Promise<void> {
  for await (const piece of response) {
    const whole = lines.push(piece as Buffer)
    if (whole.length > 0) onLines(whole)
  }
}

async function textOfAnswer(response: IncomingMessage, most: number): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of response) {
    const bytes = piece as Buffer
    size += bytes.length
    if (size > most) throw new ApiProblem(`the API server answered more than ${most} bytes`)
    pieces.push(bytes)
  }
  return Buffer.concat(pieces).toString('utf8')
}

/** The message of the Status object that the API server sends with an error. */
async function errorText(response: IncomingMessage): Promise<string> {
  const text = await textOfAnswer(response, 1024 * 1024).catch(() => '')
  try {
    return textOf(own(objectOf(JSON.parse(text)), 'message')) || text.slice(0, 200)
  } catch {
    return text.slice(0, 200).trim() || 'no reason given'
  }
}

function problemOf(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error
  // An aborted request fails with the signal's own reason as its cause.
  if (error instanceof Error && error.cause instanceof ApiProblem) return error.cause
  return new ApiProblem(`the API server's answer broke off: ${error instanceof Error ? error.message : String(error)}`)
}
