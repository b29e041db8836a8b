import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'

/** A certificate, with the chain behind it, and its private key: absolute paths of PEM files. */
export type CertificateFiles = { readonly cert: string; readonly key: string }

/** Both files, read, and found to belong together. */
export type Credentials = {
  readonly cert: Buffer
  readonly key: Buffer
  /** The first certificate in the file: the one that names its owner. */
  readonly leaf: X509Certificate
}

/** What could not be read or does not fit, as a sentence that names the file and says what to do. */
export class UnusableCredentials extends Error {
  override readonly name = 'UnusableCredentials'
}

/** Reads a certificate and its key. Rejects with `UnusableCredentials`. */
export async function readCredentials(files: CertificateFiles): Promise<Credentials> {
  const [cert, key] = await Promise.all([readPem(files.cert, 'certificate'), readPem(files.key, 'key')])
  const leaf = leafOf(cert, files.cert)
  if (!leaf.checkPrivateKey(privateKeyOf(key, files.key))) {
    throw new UnusableCredentials(`the key in ${files.key} is not that of the certificate in ${files.cert}`)
  }
  // What this refuses (a broken chain, a key too weak) no handshake could use.
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    throw new UnusableCredentials(`the certificate in ${files.cert} cannot be used: ${messageOf(error)}`)
  }
  return { cert, key, leaf }
}

/** Reads certificates of authorities. Rejects with `UnusableCredentials`. */
export async function readAuthorities(file: string): Promise<Buffer> {
  const pem = await readPem(file, 'certificates')
  leafOf(pem, file)
  return pem
}

/** Why a certificate is not valid at `now`, as a sentence about `file`; undefined: it is. */
export function invalidity(leaf: X509Certificate, file: string, now: number): string | undefined {
  const { validFromDate, validToDate } = leaf
  if (validToDate.getTime() <= now) {
    return `the certificate in ${file} expired on ${validToDate.toISOString()}; clients refuse it until it is renewed`
  }
  if (validFromDate.getTime() <= now) return undefined
  return `the certificate in ${file} is not valid before ${validFromDate.toISOString()}; clients refuse it until then`
}

async function readPem(file: string, what: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    throw new UnusableCredentials(`the ${what} file ${file} cannot be read (${codeOf(error)})`, { cause: error })
  }
}

function leafOf(pem: Buffer, file: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (error) {
    throw new UnusableCredentials(`${file} holds no certificate in PEM (${messageOf(error)})`)
  }
}

function privateKeyOf(pem: Buffer, file: string) {
  try {
    return createPrivateKey(pem)
  } catch (error) {
    throw new UnusableCredentials(`${file} holds no private key in PEM without a passphrase (${messageOf(error)})`)
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : messageOf(error)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
