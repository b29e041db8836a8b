/**
 * The process of one peer: http-proxy-3 with kept connections. `node http-proxy-3.ts PORT UPSTREAM_PORT`; SIGTERM
 * ends it.
 */
import { Agent } from 'node:http'
import { createProxyServer } from 'http-proxy-3'

const [port, upstream] = process.argv.slice(2).map(Number)
// Without an agent it dials anew for every request.
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
createProxyServer({ target: `http://127.0.0.1:${upstream}`, agent, xfwd: true }).listen(port ?? 0, '127.0.0.1')
