import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Message } from './grammar.ts'
import { readSafe } from './safe.ts'

export type Recorded = {
  /** Whole requests, in the order in which they were answered. */
  readonly messages: readonly Message[]
  /** What arrived and was no request: why, and the bytes from where it began. */
  readonly unsafe: readonly { readonly fault: string; readonly bytes: string }[]
}

/** An upstream that trusts nobody: every byte that reaches it is part of one well-formed request, or is reported. */
export type Recorder = AsyncDisposable & {
  readonly port: number
  /** What was recorded since the last call. */
  take(): Recorded
  /** Whether a request has begun to arrive and has not ended, nor has its connection. */
  readonly pending: boolean
}

/** Starts one. A whole request is answered `200` with its number in `X-Oracle`; what is none loses its connection. */
export async function startRecorder(): Promise<Recorder> {
  let messages: Message[] = []
  let unsafe: { fault: string; bytes: string }[] = []
  let answered = 0
  const waiting = new Map<Socket, string>()
  const server = createServer({ noDelay: true }, (socket) => {
    let text = ''
    waiting.set(socket, text)
    socket.on('error', () => {})
    socket.on('close', () => waiting.delete(socket))
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      for (;;) {
        const read = readSafe(text)
        if (read.kind === 'fault') {
          unsafe.push({ fault: read.fault, bytes: text })
          text = ''
          socket.destroy()
        }
        if (read.kind !== 'message') break
        messages.push(read.message)
        text = text.slice(read.end)
        socket.write(`HTTP/1.1 200 OK\r\nX-Oracle: ${answered++}\r\nContent-Length: 0\r\n\r\n`)
        if (text === '') break
      }
      if (waiting.has(socket)) waiting.set(socket, text)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    take() {
      const taken = { messages, unsafe }
      messages = []
      unsafe = []
      return taken
    },
    get pending() {
      return [...waiting.values()].some((text) => text !== '')
    },
    async [Symbol.asyncDispose]() {
      for (const socket of waiting.keys()) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
