import { request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Child } from './children.ts'

export type Answer = {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** One GET on a connection of its own; with `body`, a POST. By https any certificate will do. */
export function ask(
  url: string,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
  body?: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWERS_MS)])
    const method = body === undefined ? 'GET' : 'POST'
    const open = url.startsWith('https:') ? secureRequest : request
    const options = { method, agent: false, headers, signal: limit, rejectUnauthorized: false }
    const asked = open(url, options, (response) => {
      let received = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        received += text
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: received, headers: response.headers }))
      response.on('error', reject)
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

/** Asks what `child` serves until the answer is 200; throws what it printed where it ends first, or within 20 s. */
export async function untilAnswered(
  url: string,
  child: Child,
  { signal, pauseMs = 20 }: { readonly signal: AbortSignal; readonly pauseMs?: number },
): Promise<void> {
  const deadline = performance.now() + READY_MS
  for (;;) {
    const answer = await ask(url, signal).catch(() => undefined)
    signal.throwIfAborted()
    if (answer?.status === 200) return
    if (!child.running) throw new Error(`${child.name} ended before ${url} answered:\n${child.output()}`)
    if (performance.now() > deadline) throw new Error(`${url} did not answer 200 within 20 s:\n${child.output()}`)
    await sleep(pauseMs, undefined, { signal })
  }
}

const ANSWERS_MS = 5_000
const READY_MS = 20_000
