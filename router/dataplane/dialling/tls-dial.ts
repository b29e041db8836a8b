import { isIP, Socket } from 'node:net'
import { type ConnectionOptions, connect, createSecureContext, type SecureContext } from 'node:tls'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import { readIdentity } from '../../kernel/tls/identity.ts'
import { Kept } from '../../kernel/tls/kept.ts'
import type { UpstreamTls } from '../../model/spec.ts'
import { type ByteReader, reading } from '../http1/socket.ts'
import type { Dial } from './dial.ts'

/** Why nothing can be dialled: the code of the error that a socket gets then. */
export const UNUSABLE = 'UNUSABLE_CREDENTIALS'

/** Most addresses whose sessions are remembered. */
const SESSIONS = 1024

/**
 * By TLS, with what the files of an upstream say: whom to trust and what to show. New connections are made with what
 * is in force; where it cannot be read, there are none. Whoever opens it closes it.
 */
export class TlsDial implements Dial {
  readonly id: string
  readonly ready = 'secureConnect'
  generation = 0
  readonly #tls: UpstreamTls
  readonly #context: Kept<SecureContext>
  /** The last session with each address: resuming it saves both sides the costly part of a handshake. */
  #sessions = new Map<string, Buffer>()

  /** `upstreams` names them in messages. */
  constructor(tls: UpstreamTls, upstreams: () => string, clock: Clock, log: Log) {
    this.id = tlsId(tls)
    this.#tls = tls
    const context: Kept<SecureContext> = new Kept({
      files: [tls.ca, tls.certificate?.cert, tls.certificate?.key].filter((file) => file !== undefined),
      load: async () => createSecureContext({ minVersion: 'TLSv1.2', ...(await readIdentity(tls)) }),
      clock,
      changed: (renewed) => {
        const { problem } = context
        if (problem !== undefined) log.error(`${upstreams()}: tls: ${problem}; the last good one stays in force`)
        if (!renewed) return
        log.info(`${upstreams()}: tls: what its files say now is in force`)
        this.generation++
        this.#sessions = new Map()
      },
    })
    this.#context = context
  }

  /** What is wrong with its files now; undefined: nothing. */
  get problem(): string | undefined {
    const { problem, value } = this.#context
    return problem === undefined || value !== undefined ? problem : `${problem}; nothing is sent there until it can be`
  }

  async open(): Promise<void> {
    await this.#context.open()
  }

  close(): void {
    this.#context.close()
  }

  connect(host: string, port: number, protocol: 'http/1.1' | 'h2', reader: ByteReader): Socket {
    const { value: secureContext, problem } = this.#context
    if (secureContext === undefined) return unusable(problem)
    const { serverName, verify } = this.#tls
    const servername = serverName ?? (isIP(host) === 0 ? host : undefined)
    const address = `${protocol} ${host} ${port}`
    const session = this.#sessions.get(address)
    const { generation } = this
    // `onread` is documented for it; its types have not heard of that.
    const options: ConnectionOptions & { readonly onread: object } = {
      host,
      port,
      secureContext,
      ALPNProtocols: [protocol],
      rejectUnauthorized: verify,
      onread: reading(reader),
      ...(servername === undefined ? {} : { servername }),
      ...(session === undefined ? {} : { session }),
    }
    const socket = connect(options)
    socket.setNoDelay(true)
    socket.on('session', (made) => {
      if (generation === this.generation) this.#remember(address, made)
    })
    return socket
  }

  #remember(address: string, session: Buffer): void {
    if (this.#sessions.size >= SESSIONS) this.#sessions.clear()
    this.#sessions.set(address, session)
  }
}

/** The same for the same options: upstreams that differ in them share no connection. */
export function tlsId({ ca, certificate, serverName, verify }: UpstreamTls): string {
  return `tls ${JSON.stringify([ca, certificate?.cert, certificate?.key, serverName, verify])}`
}

function unusable(problem: string | undefined): Socket {
  const error = Object.assign(new Error(problem), { code: UNUSABLE })
  return new Socket().destroy(error)
}
