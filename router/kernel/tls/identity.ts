import { isIP } from 'node:net'
import { type CertificateFiles, readAuthorities, readCredentials } from './credentials.ts'

/** Files by which a client of TLS knows whom to trust and says who it is; each absent: the usual, or nothing. */
export type IdentityFiles = { readonly ca?: string; readonly certificate?: CertificateFiles }

/** What they hold, by the names that Node's TLS has for it. */
export type Identity = { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer }

/** Reads them. Rejects with `UnusableCredentials`. */
export async function readIdentity({ ca, certificate }: IdentityFiles): Promise<Identity> {
  const [authorities, credentials] = await Promise.all([
    ca === undefined ? undefined : readAuthorities(ca),
    certificate === undefined ? undefined : readCredentials(certificate),
  ])
  return {
    ...(authorities && { ca: authorities }),
    ...(credentials && { cert: credentials.cert, key: credentials.key }),
  }
}

/** How a peer is spoken to by TLS. */
export type PeerFiles = IdentityFiles & {
  /** Absent: the host that is dialled. */
  readonly serverName?: string
  readonly verify: boolean
}

/** Options of a request by node:https to `host`. Rejects with `UnusableCredentials`. */
export async function secureOptions(host: string, { serverName, verify, ...files }: PeerFiles) {
  const identity = await readIdentity(files)
  // Without a name of its own an address is what the certificate must have; it is no name to ask for.
  const servername = serverName ?? (isIP(host) === 0 ? host : '')
  return { ...identity, servername, rejectUnauthorized: verify, minVersion: 'TLSv1.2' } as const
}
