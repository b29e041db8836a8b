import { constants, createHash, hkdfSync } from 'node:crypto'
import type { Socket } from 'node:net'
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { CertificateFiles } from '../../kernel/tls/credentials.ts'
import { type Credentials, invalidity, readAuthorities, readCredentials } from '../../kernel/tls/credentials.ts'
import { Kept } from '../../kernel/tls/kept.ts'
import type { ListenerTls } from '../../model/spec.ts'
import { Certificates } from './certificates.ts'

export type TerminatorOptions = {
  /** `listen[1].tls`, for messages. */
  readonly key: string
  readonly tls: ListenerTls
  /** What is spoken behind TLS, best first (ALPN). */
  readonly protocols: readonly string[]
  /** The same in all processes of the router: a session that one of them made is resumed by any. */
  readonly signingKey: Buffer
  readonly clock: Clock
  readonly log: Log
  /** A handshake is done. */
  readonly secured: (socket: TLSSocket) => void
  /** It failed, and its connection is closed; `reason` in words. */
  readonly failed: (socket: TLSSocket, reason: string) => void
  /** How long a handshake may take, in milliseconds; 10 s if absent. */
  readonly handshakeMs?: number
}

const HANDSHAKE_MS = 10_000
/** How long a session may be resumed, in seconds. */
const SESSION_S = 4 * 3600

// Mozilla's "intermediate" list: forward secrecy and authenticated encryption only. The client chooses, because it
// knows whether its processor has AES.
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/**
 * Ends TLS for one listener. Its certificates are what their files say; one that cannot be used leaves the last good
 * one in force, and without any the listener's connections are closed. Whoever opens it closes it.
 */
export class Terminator {
  readonly #options: TerminatorOptions
  readonly #pairs: readonly Kept<Credentials>[]
  readonly #authorities: Kept<Buffer> | undefined
  #server: Server | undefined

  constructor(options: TerminatorOptions) {
    this.#options = options
    this.#pairs = options.tls.certificates.map((files, index) => this.#keep(files, index))
    const ca = options.tls.clientCertificates?.ca
    this.#authorities = ca === undefined ? undefined : this.#keepAuthorities(ca)
  }

  async open(): Promise<this> {
    await Promise.all([...this.#pairs, this.#authorities].map((kept) => kept?.open()))
    this.#renew()
    for (const problem of this.problems()) this.#options.log.error(problem)
    return this
  }

  /** Shakes hands; false: there is no certificate to do it with. */
  accept(socket: Socket): boolean {
    // Whoever ends its half before the handshake is done wants no answer: waiting for the rest would be in vain.
    socket.allowHalfOpen = false
    return this.#server?.emit('connection', socket) === true
  }

  /** Whether there is a certificate to shake hands with. */
  usable(): boolean {
    return this.#server !== undefined
  }

  /** What is wrong with its files or certificates now, a sentence each. */
  problems(): readonly string[] {
    const { key, tls, clock } = this.#options
    const found = [
      ...this.#pairs.map(({ problem }) => problem),
      this.#authorities?.problem,
      ...this.#pairs.map(
        ({ value }, index) => value && invalidity(value.leaf, tls.certificates[index]?.cert ?? '', clock.now()),
      ),
    ]
    const outcome = this.#server === undefined ? '; its connections are closed until that is mended' : ''
    return found.filter((text) => text !== undefined).map((text) => `${key}: ${text}${outcome}`)
  }

  close(): void {
    for (const kept of this.#pairs) kept.close()
    this.#authorities?.close()
    this.#server = undefined
  }

  #keep(files: CertificateFiles, index: number): Kept<Credentials> {
    const { clock, log, key } = this.#options
    const kept: Kept<Credentials> = new Kept({
      files: [files.cert, files.key],
      load: () => readCredentials(files),
      // One whose time has not come, or is over, does not take the place of one that is valid.
      ripe: (next, current) =>
        invalidity(next.leaf, files.cert, clock.now()) === undefined ||
        invalidity(current.leaf, files.cert, clock.now()) !== undefined,
      clock,
      changed: (renewed) => {
        if (renewed) log.info(`${key}: the certificate in ${files.cert} is in force`, { index })
        this.#changed(kept.problem, renewed)
      },
    })
    return kept
  }

  #keepAuthorities(file: string): Kept<Buffer> {
    const { clock, log, key } = this.#options
    const kept: Kept<Buffer> = new Kept({
      files: [file],
      load: () => readAuthorities(file),
      clock,
      changed: (renewed) => {
        if (renewed) log.info(`${key}: the authorities in ${file} are in force`)
        this.#changed(kept.problem, renewed)
      },
    })
    return kept
  }

  #changed(problem: string | undefined, renewed: boolean): void {
    const { key, log } = this.#options
    if (problem !== undefined) log.error(`${key}: ${problem}; the last good one stays in force`)
    if (renewed) this.#renew()
  }

  /** Connections that stand keep what they were made with; new ones get what is in force now. */
  #renew(): void {
    const { tls, protocols, secured, failed, handshakeMs = HANDSHAKE_MS } = this.#options
    const certificates = this.#certificates()
    if (certificates === undefined) return
    const server = createServer({
      ...certificates.first,
      ALPNProtocols: [...protocols],
      handshakeTimeout: handshakeMs,
      requestCert: tls.clientCertificates !== undefined,
      // Who may not come in is told so in an answer: what TLS can say arrives after the request was sent.
      rejectUnauthorized: false,
      SNICallback: (host, done) => {
        const context = certificates.find(host)
        if (context === undefined && tls.unknownNames === 'reject') done(new Error(`no certificate names ${host}`))
        else done(null, context)
      },
    })
    server.on('secureConnection', secured)
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      failed(socket, error.message)
      // Of one that takes too long Node tells, and leaves it at that.
      socket.destroy()
    })
    this.#server = server
  }

  #certificates(): Certificates | undefined {
    const { tls } = this.#options
    const [first, ...others] = this.#pairs.flatMap(({ value }) => value ?? [])
    const ca = this.#authorities?.value
    // Without its authorities nobody could be let in who has a certificate, and somebody who has none might be.
    if (first === undefined || (tls.clientCertificates !== undefined && ca === undefined)) return undefined
    const shared: SecureContextOptions = {
      ciphers: CIPHERS,
      minVersion: tls.minVersion === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
      sessionTimeout: SESSION_S,
      ...this.#sessions(ca),
      ...(ca === undefined ? {} : { ca }),
    }
    return new Certificates([first, ...others], shared)
  }

  /**
   * A session made under one set of authorities, or none, must not open what another guards: its ticket says which
   * listener and which authorities it is for, and is good for nothing else.
   */
  #sessions(ca: Buffer | undefined): { readonly ticketKeys: Buffer; readonly sessionIdContext: string } {
    const { key, signingKey } = this.#options
    const meant = createHash('sha256')
      .update(key)
      .update('\0')
      .update(ca ?? '')
    const derived = hkdfSync('sha256', signingKey, '', 'banyan tls tickets', 48)
    return { ticketKeys: Buffer.from(derived), sessionIdContext: meant.digest('hex').slice(0, 32) }
  }
}
