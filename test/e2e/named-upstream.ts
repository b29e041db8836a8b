import { createHash } from 'node:crypto'
import { createServer } from 'node:http'

/** An upstream that says who it is and what it was sent. */
export type NamedUpstream = {
  readonly port: number
  /** Requests whose head arrived. */
  seen(): number
  close(): Promise<void>
}

/** What its answer says. */
export type Said = { readonly name: string; readonly id: string; readonly path: string; readonly checksum: string }

/** Starts one, on `port` where that matters; the caller closes. */
export function namedUpstream(name: string, port = 0): Promise<NamedUpstream> {
  let seen = 0
  const server = createServer((request, response) => {
    seen += 1
    const hash = createHash('sha256')
    request.on('data', (chunk: Buffer) => hash.update(chunk))
    request.on('end', () => {
      const id = String(request.headers['x-test-id'] ?? '')
      const said: Said = { name, id, path: request.url ?? '', checksum: hash.digest('hex') }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(said))
    })
  })
  // An idle connection that is closed under a POST would be a failure of this server, not of the router.
  server.keepAliveTimeout = 60_000
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : 0,
        seen: () => seen,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed())
            server.closeAllConnections()
          }),
      })
    })
  })
}
