import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { Counts } from './counts.ts'

export type CounterVersion = 'v1' | 'v2'

export type CounterOptions = {
  readonly counts: Counts
  /** The name of the pod, shown in the answer. */
  readonly pod: string
  readonly version: CounterVersion
}

/** The visit counter: `GET /counter`, its description at /openapi.json, and /health and /ready. */
export function createCounter({ counts, pod, version }: CounterOptions) {
  const app = new OpenAPIHono()
  app.openapi(countVisit, async (c) => {
    c.header('x-counter-version', version)
    c.header('cache-control', 'no-store')
    try {
      const value = await counts.next()
      const line = `[${pod}] ${counts.name} counter value=${value}\n`
      return c.text(version === 'v1' ? line : `Hello, visitor ${value}!\n${line}`, 200)
    } catch {
      c.header('retry-after', '1')
      return c.text(`[${pod}] ${counts.name} is away; the visit was not counted\n`, 503)
    }
  })
  app.doc31('/openapi.json', { openapi: '3.1.0', info: { title: 'Counter', version } })
  app.get('/health', (c) => c.json({ status: 'UP' }))
  app.get('/ready', async (c) =>
    (await counts.ready())
      ? c.json({ status: 'UP' })
      : c.json({ status: 'DOWN', because: `${counts.name} is away` }, 503),
  )
  return app
}

const textContent = { 'text/plain': { schema: z.string() } }

const countVisit = createRoute({
  method: 'get',
  path: '/counter',
  operationId: 'countVisit',
  summary: 'Counts a visit and says how many there were',
  responses: {
    200: { description: '`[pod-name] Redis counter value=214`; v2 greets before', content: textContent },
    503: { description: 'The store of the counter is away', content: textContent },
  },
})
