import { once } from 'node:events'
import { get } from 'node:http'
import { createServer, type Socket } from 'node:net'

/** An upstream that takes requests and never answers. */
export type Silent = AsyncDisposable & {
  readonly port: number
  /** How many requests it holds now. */
  held(): number
}

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

export type Asking = Disposable & {
  /** What any of them was told; none of them should be told anything. */
  readonly answers: readonly string[]
}

/** So many clients that ask, lose patience, leave, and ask again on a new connection; not all of them at one moment. */
export function keepAsking(url: string, clients: number, patienceMs: number): Asking {
  const answers: string[] = []
  const stops = new Set<() => void>()
  for (let client = 0; client < clients; client++) {
    let timer = setTimeout(ask, (client / clients) * patienceMs)
    let leave = (): void => undefined
    function ask(): void {
      const sent = get(url, { agent: false }, (response) => {
        answers.push(`${response.statusCode}`)
        response.resume()
      })
      let left = false
      sent.on('error', (error) => {
        if (!left) answers.push(error.message)
      })
      leave = () => {
        left = true
        sent.destroy()
      }
      timer = setTimeout(() => {
        leave()
        ask()
      }, patienceMs)
    }
    stops.add(() => {
      clearTimeout(timer)
      leave()
    })
  }
  return {
    answers,
    [Symbol.dispose]() {
      for (const stop of stops) stop()
    },
  }
}
