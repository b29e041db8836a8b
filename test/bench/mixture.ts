import { Agent, type IncomingMessage, request } from 'node:http'
import { BODY } from './nginx.ts'

/** How many requests ended how. */
export type Ends = { readonly answered: number; readonly aborted: number; readonly broken: number }

export type MixtureOptions = {
  readonly url: string
  readonly requests: number
  readonly signal: AbortSignal
  /** Called after every request that has ended, with how many have. */
  ended?(count: number): void
}

/**
 * Sends that many requests from 64 clients, to the upstream that fails on demand. Of twenty, the client leaves one
 * before its answer and one in the middle of it, and the upstream resets one, in turn before its answer and in the middle.
 * Throws where any of the others is not answered rightly, or one of those ends in another way.
 */
export async function sendMixture({ url, requests, signal, ended }: MixtureOptions): Promise<Ends> {
  using agents = new DisposableStack()
  const counts = { answered: 0, aborted: 0, broken: 0 }
  let begun = 0
  let done = 0
  async function client(): Promise<void> {
    const agent = agents.adopt(new Agent({ keepAlive: true, maxSockets: 1 }), (one) => one.destroy())
    while (begun < requests) {
      signal.throwIfAborted()
      const kind = kindOf(begun++)
      counts[await send(`${url}${kind === 'plain' ? '' : `?${kind}`}`, agent, kind)]++
      ended?.(++done)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  return counts
}

const CLIENTS = 64

export type Kind = 'plain' | 'wait' | 'long' | 'reset' | 'half'

/** What request `turn` is. */
export function kindOf(turn: number): Kind {
  const place = turn % 20
  if (place === 3) return 'wait'
  if (place === 9) return 'long'
  if (place === 15) return turn % 40 < 20 ? 'reset' : 'half'
  return 'plain'
}

/** Sends one; a client that leaves closes its connection. */
function send(url: string, agent: Agent, kind: Kind): Promise<keyof Ends> {
  return new Promise((resolve, reject) => {
    const wrong = (what: string) => reject(new Error(`a request of the kind "${kind}" ${what}`))
    const sent = request(url, { agent, timeout: ANSWERS_MS }, (response) => {
      if (kind === 'long') {
        response.on('error', () => undefined).once('data', () => leave())
      } else if (kind === 'half') {
        response.on('error', () => resolve('broken')).on('end', () => wrong('was answered whole'))
        response.resume()
      } else {
        received(response).then((body) => {
          if (kind === 'reset' && response.statusCode === 502) resolve('broken')
          else if (kind === 'plain' && response.statusCode === 200 && body === BODY) resolve('answered')
          else wrong(`was answered ${response.statusCode} ${body}`)
        }, reject)
      }
    })
    const leave = (): void => {
      resolve('aborted')
      sent.destroy()
    }
    if (kind === 'wait') setTimeout(leave, LEAVES_MS)
    sent.on('timeout', () => wrong(`was not answered in ${ANSWERS_MS / 1000} s`))
    // A reset may overtake the head of the answer.
    sent.on('error', (error) => (kind === 'half' ? resolve('broken') : wrong(`failed: ${error.message}`)))
    sent.end()
  })
}

async function received(response: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of response) body += chunk
  return body
}

const ANSWERS_MS = 10_000
const LEAVES_MS = 10
