/** What tests of TLS are made of: listeners with certificates of a test authority, and clients that look closely. */
import { once } from 'node:events'
import { type ConnectionOptions, connect, type PeerCertificate, type TLSSocket } from 'node:tls'
import type { Dataplane, DataplaneOptions } from '../../router/dataplane/dataplane.ts'
import type { Log } from '../../router/kernel/log.ts'
import type { PlanUpstream } from '../../router/model/plan.ts'
import type { ListenerOptions, ListenerTls } from '../../router/model/spec.ts'
import { type Authority, authority, type Issued, PemFolder } from '../certificates.ts'
import { later, type RawUpstream, routed, type Setup } from './support.ts'

export type SecureRouter = {
  readonly port: number
  /** The same data plane in plain. */
  readonly plainPort: number
  readonly plane: Dataplane
  readonly upstream: RawUpstream
  readonly ca: Authority
  readonly folder: PemFolder
}

export type SecureSetup = {
  readonly tls?: Partial<ListenerTls> | ((folder: PemFolder, ca: Authority) => Promise<Partial<ListenerTls>>)
  readonly listener?: Omit<ListenerOptions, 'tls'>
  readonly setup?: Partial<Setup>
  readonly upstream?: Partial<PlanUpstream>
  readonly options?: Partial<DataplaneOptions>
  /** Names in the certificate. */
  readonly dns?: readonly string[]
}

/** A data plane with a TLS listener whose certificate is for shop.test, in front of a recording upstream. */
export async function secureRouter(given: SecureSetup = {}): Promise<SecureRouter> {
  const folder = pemFolder()
  const ca = await authority()
  const pair = folder.pair('shop', await ca.issue({ dns: given.dns ?? ['shop.test'] }))
  const more = typeof given.tls === 'function' ? await given.tls(folder, ca) : given.tls
  const routedTo = await routed(undefined, given.upstream, given.setup, given.options)
  const { plane, upstream } = routedTo
  const tls = { certificates: [pair], minVersion: '1.2', unknownNames: 'default', ...more } as const
  const { port } = await plane.listen({ host: '127.0.0.1', port: 0 }, { ...given.listener, tls }, 'listen[1]')
  return { port, plainPort: routedTo.port, plane, upstream, ca, folder }
}

/** A folder of PEM files for the time of a test. */
export function pemFolder(): PemFolder {
  const folder = new PemFolder()
  later(() => folder.close())
  return folder
}

export type Told = {
  /** Everything that came until the router closed. */
  readonly text: string
  readonly protocol: string | null
  readonly cipher: string
  readonly peer: PeerCertificate
  readonly resumed: boolean
  /** What a later connection resumes. */
  readonly session: Buffer | undefined
}

/** Sends a request that asks the router to close, by TLS; rejects where no handshake succeeds. */
export async function tell(port: number, ca: Issued, request: string, options: ConnectionOptions = {}): Promise<Told> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'shop.test', ca: ca.cert, ...options })
  let session: Buffer | undefined
  socket.on('session', (made) => {
    session = made
  })
  let text = ''
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1')
  })
  await secured(socket)
  const { name: cipher } = socket.getCipher()
  const told = {
    protocol: socket.getProtocol(),
    cipher,
    peer: socket.getPeerCertificate(),
    resumed: socket.isSessionReused(),
  }
  socket.write(request, 'latin1')
  await new Promise<void>((resolve) => {
    socket.once('close', resolve)
    socket.on('error', () => resolve())
  })
  return { ...told, text, session }
}

/** Resolves when the handshake is done. */
export async function secured(socket: TLSSocket): Promise<void> {
  later(() => {
    socket.destroy()
  })
  await once(socket, 'secureConnect')
}

/** A log that keeps what it was told. */
export function recording(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = []
  const say = (message: string) => void lines.push(message)
  const log: Log = { info: say, warn: say, error: say, child: () => log }
  return { log, lines }
}
