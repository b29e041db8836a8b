/** A server for gRPC by HTTP/2 in plain: reads a call to its end and answers with five bytes and a status behind them. */
import { createServer } from 'node:http2'

const port = Number(process.argv[2])
const server = createServer({ settings: { maxConcurrentStreams: 1000 } })
server.on('stream', (stream) => {
  stream.on('error', () => {})
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.on('end', () => {
    if (stream.closed) return
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.end('hello')
  })
  stream.resume()
})
server.listen(port, '127.0.0.1')
