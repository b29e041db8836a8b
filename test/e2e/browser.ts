import { connect, type Socket } from 'node:net'

/** A raw keep-alive connection: one request at a time, and every way it can end is told. */
export type Connection = {
  /** Our side's port, by which its owner can be found. */
  readonly localPort: number
  readonly closed: boolean
  /** Rejects with `Lost` where the connection ends before the whole answer has come. */
  ask(target: string, fields?: Readonly<Record<string, string>>): Promise<Reply>
  close(): void
}

export type Reply = {
  readonly status: number
  readonly head: string
  readonly body: string
  /** The value of our own cookie, where the answer gives one. */
  readonly key: string | undefined
}

/** The connection ended while a request was in flight, or before it could be sent. */
export class Lost extends Error {}

/** Opens one; rejects where nobody accepts. `from`: the loopback address to call from. */
export function openConnection(port: number, from = '127.0.0.1'): Promise<Connection> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true })
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.removeListener('error', reject)
      resolve(converse(socket))
    })
  })
}

type Waiting = { resolve(reply: Reply): void; reject(error: Error): void }

function converse(socket: Socket): Connection {
  let text = ''
  let waiting: Waiting | undefined
  let closed = false
  const end = (why: string): void => {
    closed = true
    waiting?.reject(new Lost(why))
    waiting = undefined
  }
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    text += chunk
    const reply = wholeReply(text)
    if (reply === undefined || waiting === undefined) return
    text = ''
    const { resolve } = waiting
    waiting = undefined
    if (/\r\nconnection: close\r\n/i.test(reply.head)) closed = true
    resolve(reply)
  })
  socket.on('error', (error) => end(error.message))
  socket.on('close', () => end('closed'))
  socket.on('end', () => end('ended'))
  const { localPort = 0 } = socket
  return {
    localPort,
    get closed() {
      return closed
    },
    ask(target, fields = {}) {
      if (closed) return Promise.reject(new Lost('closed before'))
      const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        socket.write(`GET ${target} HTTP/1.1\r\nHost: test\r\n${lines.join('')}\r\n`)
      })
    },
    close() {
      closed = true
      socket.destroy()
    },
  }
}

/** What has arrived, once it is a whole answer with a length or in chunks. */
function wholeReply(text: string): Reply | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = text.slice(0, end + 2)
  const rest = text.slice(end + 4)
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  const body = length === undefined ? joinChunks(rest) : rest.length < Number(length) ? undefined : rest
  if (body === undefined) return undefined
  const key = /\r\nset-cookie: banyan-key=([^;]+)/i.exec(head)?.[1]
  return { status: Number(head.slice(9, 12)), head, body, key }
}

/** Undefined: the last chunk has not come yet. */
function joinChunks(text: string): string | undefined {
  let body = ''
  for (let at = 0; ; ) {
    const line = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, line), 16)
    if (line < 0 || text.length < line + size + 4) return undefined
    if (size === 0) return body
    body += text.slice(line + 2, line + 2 + size)
    at = line + size + 4
  }
}
