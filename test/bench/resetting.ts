/**
 * An upstream that fails on demand, as a process of its own: `resetting.ts PORT`. The query says what it does: `wait`
 * answers late, `long` with 256 KiB, `reset` resets the connection instead of an answer, `half` in the middle of a long
 * one; any other request gets the usual answer.
 */
import { createServer } from 'node:http'
import { BODY } from './nginx.ts'

const LONG = Buffer.alloc(256 * 1024, 'x')
// Later than any client waits, even on a machine that is busy.
const LATE_MS = 5_000

const server = createServer((request, response) => {
  const kind = request.url?.split('?')[1]
  if (kind === 'reset') request.socket.resetAndDestroy()
  else if (kind === 'long') response.end(LONG)
  else if (kind === 'wait') {
    const late = setTimeout(() => response.end(BODY), LATE_MS)
    response.on('close', () => clearTimeout(late))
  } else if (kind === 'half') {
    response.writeHead(200, { 'content-length': LONG.length })
    response.write(LONG.subarray(0, LONG.length / 2), () => request.socket.resetAndDestroy())
  } else response.end(BODY)
})

// Closing connections for their age would only measure dialling.
server.keepAliveTimeout = 600_000
server.listen(Number(process.argv[2]), '127.0.0.1')
