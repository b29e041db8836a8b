import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { BODY } from './nginx.ts'

export type LatencyOptions = {
  readonly url: string
  readonly perSecond: number
  readonly seconds: number
  readonly signal: AbortSignal
}

/**
 * Asks so often, however long the answers take, and returns for each request the milliseconds until its answer was
 * whole: who waits for one answer before the next question would ask least while answers are slow. Throws where one is
 * not right.
 */
export async function latencies({ url, perSecond, seconds, signal }: LatencyOptions): Promise<readonly number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const asked: Promise<number>[] = []
  const start = performance.now()
  try {
    while (asked.length < perSecond * seconds) {
      await sleep(1, undefined, { signal })
      const due = Math.min(perSecond * seconds, ((performance.now() - start) / 1000) * perSecond)
      while (asked.length < due) asked.push(timed(url, agent, signal))
    }
    return await Promise.all(asked)
  } finally {
    agent.destroy()
    await Promise.allSettled(asked)
  }
}

function timed(url: string, agent: Agent, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const start = performance.now()
    const sent = request(url, { agent, signal, timeout: ANSWERS_MS }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text
      })
      response.on('error', reject).on('end', () => {
        if (response.statusCode === 200 && body === BODY) resolve(performance.now() - start)
        else reject(new Error(`${url} answered ${response.statusCode} ${body}`))
      })
    })
    sent.on('timeout', () => sent.destroy(new Error(`${url} did not answer within ${ANSWERS_MS / 1000} s`)))
    sent.on('error', reject)
    sent.end()
  })
}

const ANSWERS_MS = 10_000
