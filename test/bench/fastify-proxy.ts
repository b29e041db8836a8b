/**
 * The process of one peer: @fastify/http-proxy, set up for speed. `node fastify-proxy.ts PORT UPSTREAM_PORT`;
 * SIGTERM ends it.
 */
import proxy from '@fastify/http-proxy'
import { fastify } from 'fastify'

const [port, upstream] = process.argv.slice(2).map(Number)
const app = fastify({ logger: false })
await app.register(proxy, {
  upstream: `http://127.0.0.1:${upstream}`,
  undici: { connections: 64, pipelining: 1 },
  replyOptions: {
    // Without this it names the client to nobody.
    rewriteRequestHeaders: (request, headers) => ({ ...headers, 'x-forwarded-for': request.ip }),
  },
})
await app.listen({ host: '127.0.0.1', port: port ?? 0 })
