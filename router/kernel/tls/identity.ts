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
