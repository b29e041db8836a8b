import { createHash, randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'
import type { Said } from './named-upstream.ts'

/** One answered request: what was sent, what came, and when. */
export type Exchanged = {
  readonly id: string
  readonly checksum: string
  /** Number of the worker's connection. */
  readonly connection: number
  readonly startedAt: number
  readonly endedAt: number
  readonly status: number
  readonly body: string
}

export type Load = {
  /** Answered so far. */
  readonly exchanged: readonly Exchanged[]
  /** Requests that got no whole answer, in words. */
  readonly failures: readonly string[]
  /** Stops when what is in flight has ended. */
  stop(): Promise<void>
}

export type LoadOptions = {
  readonly url: string
  readonly workers: number
  readonly method?: 'GET' | 'POST'
  /** Time between a worker's answer and its next request. */
  readonly pauseMs?: number
}

/** Requests without end until `stop`: every worker asks one after the other, odd ones on a new connection each time. */
export function startLoad({ url, workers, method = 'POST', pauseMs = 5 }: LoadOptions): Load {
  const exchanged: Exchanged[] = []
  const failures: string[] = []
  let stopped = false
  let ids = 0

  async function work(number: number): Promise<void> {
    const agent = number % 2 === 0 ? new Agent({ keepAlive: true, maxSockets: 1 }) : undefined
    while (!stopped) {
      ids += 1
      const id = `${number}-${ids}`
      await send(id, number, agent).then(
        (one) => exchanged.push(one),
        (error: unknown) => failures.push(`${id}: ${error instanceof Error ? error.message : String(error)}`),
      )
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
    agent?.destroy()
  }

  function send(id: string, connection: number, agent: Agent | undefined): Promise<Exchanged> {
    const sent = method === 'POST' ? randomBytes(1 + (ids % 3) * 20_000) : Buffer.alloc(0)
    const checksum = createHash('sha256').update(sent).digest('hex')
    const startedAt = performance.now()
    return new Promise((resolve, reject) => {
      const asked = request(url, { method, agent: agent ?? false, headers: { 'x-test-id': id } }, (response) => {
        let body = ''
        response.on('data', (chunk) => (body += String(chunk)))
        response.on('error', reject)
        response.on('end', () => {
          const status = response.statusCode ?? 0
          resolve({ id, checksum, connection, startedAt, endedAt: performance.now(), status, body })
        })
      })
      asked.setTimeout(10_000, () => asked.destroy(new Error('no answer within 10 s')))
      asked.on('error', reject)
      asked.end(sent)
    })
  }

  const working = Array.from({ length: workers }, (_, number) => work(number))
  return {
    exchanged,
    failures,
    async stop() {
      stopped = true
      await Promise.all(working)
    },
  }
}

/** What is wrong with an answer of a named upstream; undefined: nothing. */
export function wrongness(one: Exchanged): string | undefined {
  if (one.status !== 200) return `${one.id}: ${one.status} ${one.body}`
  const said: Said = JSON.parse(one.body)
  if (said.id !== one.id) return `${one.id}: the answer is for ${said.id}`
  if (said.checksum !== one.checksum) return `${one.id}: the upstream got another body`
  return undefined
}

/** Who answered. */
export function nameIn(one: Exchanged): string {
  const said: Said = JSON.parse(one.body)
  return said.name
}
