import { createServer } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import type { Address } from '../model/spec.ts'

/**
 * A thread that holds one listening socket and never accepts: it blocks before its loop could look at the socket.
 * Children inherit the descriptor and accept. Waking it closes the supervisor's own copy.
 */
export type ThreadOrder = { readonly address: Address; readonly gate: Int32Array<SharedArrayBuffer> }

export type ThreadReport =
  | { readonly kind: 'listening'; readonly fd: number; readonly host: string; readonly port: number }
  | { readonly kind: 'failed'; readonly code: string }

const { address, gate }: ThreadOrder = workerData
const server = createServer()

server.on('error', (error: NodeJS.ErrnoException) => report({ kind: 'failed', code: error.code ?? error.message }))
server.listen({ ...(address.host === undefined ? {} : { host: address.host }), port: address.port, backlog: 4096 })
server.on('listening', () => {
  const bound = server.address()
  if (typeof bound !== 'object' || bound === null) return report({ kind: 'failed', code: 'no address' })
  report({ kind: 'listening', fd: descriptorOf(server), host: bound.address, port: bound.port })
  Atomics.wait(gate, 0, 0)
  server.close()
})

function report(message: ThreadReport): void {
  parentPort?.postMessage(message)
}

/** Node has no public name for the descriptor of a server. */
function descriptorOf(listening: object): number {
  return (listening as { _handle: { fd: number } })._handle.fd
}
