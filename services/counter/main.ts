import { hostname } from 'node:os'
import { run } from '../serve.ts'
import type { CounterVersion } from './app.ts'
import { startCounter } from './server.ts'

// Settings beside PORT and HOST: POD_NAME (the host's name), VERSION (v1 or v2), REDIS_URL (counts in memory without it).
run('counter', 8104, async (options) => {
  const { POD_NAME: pod = hostname(), VERSION = 'v1', REDIS_URL } = process.env
  return startCounter({ ...options, pod, version: decodeVersion(VERSION), redisUrl: REDIS_URL || undefined })
})

function decodeVersion(text: string): CounterVersion {
  if (text === 'v1' || text === 'v2') return text
  throw new Error(`VERSION is "${text}"; it must be v1 or v2`)
}
