import { connect, type Socket } from 'node:net'
import { type ByteReader, reading } from '../http1/socket.ts'

/** How connections to the endpoints of an upstream are opened: in plain, or by TLS. */
export type Dial = {
  /** What tells its connections from others to the same address; '' in plain. */
  readonly id: string
  /** The event of its sockets after which a request may be written. */
  readonly ready: 'connect' | 'secureConnect'
  /** Rises whenever what connections are made with changes: older ones serve out, and are not used again. */
  readonly generation: number
  /** Connects. `protocol` is what is spoken on it, by its name in ALPN. Bytes that arrive go to `reader`. */
  connect(host: string, port: number, protocol: 'http/1.1' | 'h2', reader: ByteReader): Socket
}

/** In plain. */
export const PLAIN: Dial = {
  id: '',
  ready: 'connect',
  generation: 0,
  connect: (host, port, _protocol, reader) => connect({ host, port, noDelay: true, onread: reading(reader) }),
}
