import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { handle, handleHttp2 } from '../handle.ts'
import type { Plane } from '../plane.ts'
import type { Connection } from '../sides.ts'
import type { Client } from './client.ts'

/** Serves a connection, plain or behind TLS, until it ends. */
export type Serve = (
  accepted: Socket | TLSSocket,
  client: Client,
  plane: Plane,
  onClosed: (connection: Connection) => void,
) => Connection

/** What is spoken behind TLS, by its name in ALPN (RFC 7301), best first. A client that names none gets HTTP/1.1. */
export const SPOKEN: ReadonlyMap<string, Serve> = new Map<string, Serve>([
  ['h2', handleHttp2],
  ['http/1.1', handle],
])

/** What serves a connection whose handshake settled on `protocol`; false: it settled on none. */
export function serveFor(protocol: string | false | null): Serve {
  return SPOKEN.get(protocol || 'http/1.1') ?? handle
}
