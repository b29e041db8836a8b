/**
 * An endpoint that chaos is done to, as a process of its own: `upstream.ts PORT LOG`. Every request's id is in its
 * log before anything of it is answered, so the log is right even where the process is killed a moment later.
 */
import { appendFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

const [port = '0', log = ''] = process.argv.slice(2)
const BIG = Buffer.alloc(1024 * 1024, 'x')

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://upstream')
  appendFileSync(log, `${url.searchParams.get('id')}\n`)
  let received = 0
  request.on('data', (chunk: Buffer) => {
    received += chunk.length
  })
  request.on('end', () => answer(url, request, response, received))
})

function answer(url: URL, request: IncomingMessage, response: ServerResponse, received: number): void {
  const kind = url.pathname.split('/').at(-1)
  if (kind === 'hang') return
  if (kind === 'half') {
    response.writeHead(200, { 'content-length': String(BIG.length) })
    response.write(BIG.subarray(0, BIG.length / 2), () => request.socket.resetAndDestroy())
  } else if (kind === 'big') response.end(BIG)
  else if (kind === 'slow') setTimeout(() => response.end(`${received}`), 50)
  else response.end(`${received}`)
}

// A connection closed under a POST would be this server's failure, not the router's.
server.keepAliveTimeout = 60_000
server.listen(Number(port), '127.0.0.1', () => process.stdout.write('listening\n'))
