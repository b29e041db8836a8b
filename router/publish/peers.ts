import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { createFrameDecoder, encodeFrame, parseFrame } from '../kernel/frames.ts'
import type { Log } from '../kernel/log.ts'
import { isPrivate } from '../kernel/state-paths.ts'
import type { FromDataplane, ToDataplane } from '../model/link.ts'
import type { Edition } from './edition.ts'

/** One connected data-plane process. */
export type Peer = {
  readonly pid: number
  /** What it served when it connected; 0: nothing. */
  readonly revision: number
  /** Sends an edition, without the plan where the process has it. */
  send(edition: Edition): void
  answer(message: ToDataplane): void
}

export type PeerSocketOptions = {
  /** Where to listen, best first. */
  readonly paths: readonly string[]
  readonly log: Log
  onHello(peer: Peer): void
  onMessage(peer: Peer, message: FromDataplane): void
  onClose(peer: Peer): void
}

export type PeerSocket = { readonly path: string; close(): Promise<void> }

/** Listens for data-plane processes on the first path that only this user can reach. */
export async function openPeerSocket(options: PeerSocketOptions): Promise<PeerSocket> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    converse(socket, options)
  })
  const path = await listenOnFirst(server, options.paths)
  server.on('error', (error) => options.log.error('the control socket failed', { error }))
  return {
    path,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

function converse(socket: Socket, { log, onHello, onMessage, onClose }: PeerSocketOptions): void {
  const decoder = createFrameDecoder(MAX_FRAME_BYTES)
  let peer: Peer | undefined
  const take = (message: FromDataplane): void => {
    if (peer !== undefined) onMessage(peer, message)
    else if (message.kind === 'hello') {
      peer = createPeer(socket, message)
      onHello(peer)
    } else throw new Error(`"${message.kind}" before "hello"`)
  }
  socket.on('data', (chunk) => {
    try {
      // Only processes that we started can connect here: what they say has the shape of our own types.
      for (const payload of decoder.push(chunk)) take(parseFrame(payload) as FromDataplane)
    } catch (error) {
      log.error('a data-plane process does not speak as expected; its connection is closed', { pid: peer?.pid, error })
      socket.destroy()
    }
  })
  // `close` follows, and says all that matters.
  socket.on('error', () => {})
  socket.on('close', () => {
    if (peer !== undefined) onClose(peer)
  })
}

const MAX_FRAME_BYTES = 16 * 1024 * 1024

function createPeer(socket: Socket, hello: Extract<FromDataplane, { kind: 'hello' }>): Peer {
  let knownPlanHash = hello.planHash
  return {
    pid: hello.pid,
    revision: hello.revision,
    send(edition) {
      for (const frame of edition.frames(knownPlanHash)) socket.write(frame)
      knownPlanHash = edition.planHash
    },
    answer: (message) => void socket.write(encodeFrame(message)),
  }
}

async function listenOnFirst(server: Server, paths: readonly string[]): Promise<string> {
  const tried: string[] = []
  for (const path of paths) {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      if (!isPrivate(path)) throw new Error('others may write to its folder')
      // The lock is ours: what is there was left by a control process that died.
      rmSync(path, { force: true })
      await listen(server, path)
      return path
    } catch (error) {
      tried.push(`${path} (${error instanceof Error ? error.message : String(error)})`)
    }
  }
  throw new Error(`no control socket can be made: ${tried.join('; ')}. Make the state folder writable`)
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.removeListener('error', reject)
      chmodSync(path, 0o600)
      resolve()
    })
  })
}
