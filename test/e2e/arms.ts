import { createServer, type IncomingHttpHeaders } from 'node:http'

/** A tiny upstream that says who it is, and remembers what reached it. */
export type Arm = {
  readonly name: string
  readonly url: string
  /** Every request that reached it, in order. */
  readonly seen: readonly Seen[]
  forget(): void
  close(): Promise<void>
}

export type Seen = { readonly path: string; readonly headers: IncomingHttpHeaders }

/**
 * Starts one: every answer's body is its name. `?late=MS` delays the answer's end by that much, its first part comes
 * at once.
 */
export async function startArm(name: string): Promise<Arm> {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    seen.push({ path, headers: request.headers })
    const late = Number(/[?&]late=(\d+)/.exec(path)?.[1] ?? 0)
    if (late === 0) return void response.end(name)
    response.write('begun ')
    setTimeout(() => response.end(name), late)
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    name,
    url: `http://127.0.0.1:${port}`,
    seen,
    forget: () => void seen.splice(0),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
