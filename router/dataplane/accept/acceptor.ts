import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { ListenerOptions } from '../../model/spec.ts'
import { type AddressSet, addressSet, peerAddress } from '../addresses.ts'
import { handle } from '../handle.ts'
import type { Plane } from '../plane.ts'
import type { Connection } from '../sides.ts'
import { type Client, plainClient } from './client.ts'
import { judge } from './client-certificate.ts'
import { Complaints } from './complaints.ts'
import { readProxyHeaderOf } from './proxy-reader.ts'
import { type Serve, SPOKEN, serveFor } from './serving.ts'
import { Terminator } from './terminator.ts'

/**
 * What is done on the connections of one listening socket before any request:
 *
 *   raw socket → PROXY header → TLS handshake → ALPN → HTTP
 */
export type Acceptor = {
  /** Takes up a connection of which nothing has been read; paused. */
  accept(socket: Socket): void
  /** Connections on their way to HTTP. */
  arriving(): number
  /** Whether connections can come as far as HTTP: it does TLS with a certificate, or none. */
  serves(): boolean
  /** What is wrong with the listener now, a sentence each. */
  problems(): readonly string[]
  /** Ends the connections that are on their way. */
  close(): void
}

export type AcceptorOptions = {
  /** `listen[1]`, for messages. */
  readonly key: string
  readonly options: ListenerOptions
  readonly plane: Plane
  readonly signingKey: Buffer
  /** Every connection that has come as far as HTTP, and its end. */
  readonly onConnection: (connection: Connection) => void
  readonly onClosed: (connection: Connection) => void
}

/** Reads certificates, where there are any; what is wrong with them is among its `problems`. */
export async function openAcceptor(options: AcceptorOptions): Promise<Acceptor> {
  const acceptor = new LiveAcceptor(options)
  await acceptor.open()
  return acceptor
}

class LiveAcceptor implements Acceptor {
  readonly #given: AcceptorOptions
  readonly #complaints: Complaints
  /** Who says in a PROXY header for whom it connects. */
  readonly #balancers: AddressSet
  readonly #terminator: Terminator | undefined
  /** Raw sockets on their way. */
  readonly #arriving = new Map<Socket, Client>()

  constructor(given: AcceptorOptions) {
    const { key, options, plane, signingKey } = given
    const { tls } = options
    const { clock, log } = plane
    this.#given = given
    this.#balancers = addressSet(options.proxyProtocol?.from ?? [])
    this.#complaints = new Complaints(key, clock, log)
    this.#terminator =
      tls &&
      new Terminator({
        key: `${key}.tls`,
        tls,
        protocols: [...SPOKEN.keys()],
        signingKey,
        clock,
        log,
        secured: (socket) => this.#secured(socket),
        failed: (_socket, reason) => this.#complaints.say('a TLS handshake failed', reason),
      })
  }

  async open(): Promise<void> {
    await this.#terminator?.open()
  }

  accept(socket: Socket): void {
    const peer = peerAddress(socket.remoteAddress)
    if (!this.#balancers.has(peer)) {
      this.#begin(socket, peer)
      return
    }
    this.#arrive(socket, plainClient(peer))
    readProxyHeaderOf(socket, this.#given.plane.wheel, {
      done: (address) => this.#begin(socket, address ?? peer),
      failed: (reason) => {
        this.#complaints.say('a connection has no good PROXY header', `${reason} (it is from ${peer})`)
        socket.destroy()
      },
    })
  }

  arriving(): number {
    return this.#arriving.size
  }

  serves(): boolean {
    return this.#terminator?.usable() !== false
  }

  problems(): readonly string[] {
    return this.#terminator?.problems() ?? []
  }

  close(): void {
    this.#terminator?.close()
    for (const socket of this.#arriving.keys()) socket.destroy()
  }

  #begin(socket: Socket, address: string): void {
    const { redirectToTls } = this.#given.options
    const client = plainClient(address, redirectToTls?.port)
    if (this.#terminator === undefined) {
      this.#arriving.delete(socket)
      this.#serve(handle, socket, client)
      return
    }
    this.#arrive(socket, client)
    if (!this.#terminator.accept(socket)) socket.resetAndDestroy()
  }

  #arrive(socket: Socket, client: Client): void {
    if (!this.#arriving.has(socket)) socket.once('close', () => this.#arriving.delete(socket))
    this.#arriving.set(socket, client)
  }

  #secured(socket: TLSSocket): void {
    const { plane, options } = this.#given
    const raw = rawSocket(socket)
    const arrived = raw && this.#arriving.get(raw)
    if (raw === undefined || arrived === undefined) {
      socket.destroy()
      return
    }
    this.#arriving.delete(raw)
    const { hsts, clientCertificates } = options.tls ?? {}
    const client: Client = {
      address: arrived.address,
      secure: true,
      ...judge(socket, clientCertificates, plane.clock.now()),
      tlsPort: undefined,
      answerLines: hsts === undefined ? '' : `Strict-Transport-Security: ${hsts}\r\n`,
    }
    this.#serve(serveFor(socket.alpnProtocol), socket, client)
  }

  #serve(serve: Serve, socket: Socket, client: Client): void {
    const { plane, onConnection, onClosed } = this.#given
    onConnection(serve(socket, client, plane, onClosed))
  }
}

/** The socket below: Node has no public name for it. */
function rawSocket(socket: TLSSocket): Socket | undefined {
  return (socket as unknown as { readonly _parent?: Socket })._parent
}
