import { createServer, type ServerResponse } from 'node:http'

/** `/healthz`, `/readyz` and `/metrics`, on the socket the supervisor bound for them. Not hot: node:http. */
export type StatusServer = {
  /** Closes the socket; an answer that has begun is finished. */
  close(): void
}

export type StatusServerOptions = {
  /** Inherited descriptor of a listening socket. */
  readonly fd: number
  readiness(): Readiness
  metrics(): Promise<string>
}

/** 200 `ok`, 200 `degraded` with the reasons, 503 without a plan or while draining. */
export type Readiness = {
  readonly status: 'ok' | 'degraded' | 'no-plan' | 'draining'
  readonly notices: readonly string[]
  readonly revision: number | undefined
}

export function openStatusServer({ fd, readiness, metrics }: StatusServerOptions): StatusServer {
  const server = createServer(
    { keepAliveTimeout: 2_000, requestTimeout: 5_000, headersTimeout: 5_000 },
    (request, response) => {
      const path = request.url?.split('?', 1)[0]
      if (request.method !== 'GET' && request.method !== 'HEAD') answer(response, 405, { status: 'method not allowed' })
      else if (path === '/healthz') answer(response, 200, { status: 'ok' })
      else if (path === '/readyz') answerReadiness(response, readiness())
      else if (path === '/metrics') void answerMetrics(response, metrics)
      else answer(response, 404, { status: 'not found', known: ['/healthz', '/readyz', '/metrics'] })
    },
  )
  server.listen({ fd })
  return {
    close() {
      server.close()
    },
  }
}

function answerReadiness(response: ServerResponse, { status, notices, revision }: Readiness): void {
  const code = status === 'ok' || status === 'degraded' ? 200 : 503
  answer(response, code, { status, revision, ...(notices.length > 0 ? { notices } : {}) })
}

async function answerMetrics(response: ServerResponse, metrics: () => Promise<string>): Promise<void> {
  const text = await metrics()
  response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text)
}

function answer(response: ServerResponse, code: number, body: object): void {
  const text = `${JSON.stringify(body)}\n`
  response.writeHead(code, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(text)
}
