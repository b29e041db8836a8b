import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

/** An upstream that takes requests and never answers. */
export type Silent = AsyncDisposable & {
  readonly port: number
  /** How many requests it holds now. */
  held(): number
}

/** Starts it on a port of its own; the caller disposes of it. */
export async function startSilent(): Promise<Silent> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', () => sockets.add(socket))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    held: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await once(server.close(), 'close')
    },
  }
}
