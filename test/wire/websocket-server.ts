import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** A WebSocket application (RFC 6455) of the smallest kind. */
export type EchoServer = AsyncDisposable & {
  readonly port: number
  /** Codes of the close frames that clients sent. */
  readonly closed: number[]
}

const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10

/** Starts one that sends `hello` and the subprotocol as soon as it has switched, and every message back. */
export async function startEchoServer(): Promise<EchoServer> {
  const closed: number[] = []
  const sockets = new Set<Socket>()
  const server = createServer((_request, response) => response.writeHead(426).end())
  server.on('upgrade', (request: IncomingMessage, socket: Socket, early: Buffer) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    const protocol = request.headers['sec-websocket-protocol']?.split(',')[0]
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64')
    const chosen = protocol === undefined ? '' : `Sec-WebSocket-Protocol: ${protocol}\r\n`
    const head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${chosen}`
    socket.write(`${head}Sec-WebSocket-Accept: ${accept}\r\n\r\n`)
    socket.write(frame(TEXT, Buffer.from(`hello ${protocol ?? ''}`.trim())))
    converse(socket, early, closed)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    closed,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

function converse(socket: Socket, early: Buffer, closed: number[]): void {
  let waiting = early
  const take = (): void => {
    for (let read = readFrame(waiting); read !== undefined; read = readFrame(waiting)) {
      waiting = waiting.subarray(read.size)
      const { opcode, payload } = read
      if (opcode === TEXT || opcode === BINARY) socket.write(frame(opcode, payload))
      else if (opcode === PING) socket.write(frame(PONG, payload))
      else if (opcode === CLOSE) {
        closed.push(payload.length >= 2 ? payload.readUInt16BE(0) : 1005)
        socket.end(frame(CLOSE, payload))
      }
    }
  }
  socket.on('data', (bytes) => {
    waiting = Buffer.concat([waiting, bytes])
    take()
  })
  take()
}

/** One whole frame; undefined: the rest is still to come. */
function readFrame(bytes: Buffer): { opcode: number; payload: Buffer; size: number } | undefined {
  if (bytes.length < 2) return undefined
  const short = bytes.readUInt8(1) & 0x7f
  const maskAt = short === 127 ? 10 : short === 126 ? 4 : 2
  if (bytes.length < maskAt + 4) return undefined
  const length = short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short
  const size = maskAt + 4 + length
  if (bytes.length < size) return undefined
  const payload = Buffer.from(bytes.subarray(maskAt + 4, size))
  for (let at = 0; at < length; at++) payload[at] = (payload[at] ?? 0) ^ (bytes[maskAt + (at & 3)] ?? 0)
  return { opcode: bytes.readUInt8(0) & 0x0f, payload, size }
}

function frame(opcode: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(payload.length < 126 ? 2 : payload.length < 65_536 ? 4 : 10)
  head.writeUInt8(0x80 | opcode, 0)
  head.writeUInt8(payload.length < 126 ? payload.length : payload.length < 65_536 ? 126 : 127, 1)
  if (head.length === 4) head.writeUInt16BE(payload.length, 2)
  if (head.length === 10) head.writeBigUInt64BE(BigInt(payload.length), 2)
  return Buffer.concat([head, payload])
}
