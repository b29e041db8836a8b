import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'

/** Certificates made when a test runs: none is stored, so none expires. */
export type Issued = {
  /** PEM. */
  readonly cert: string
  readonly key: string
}

export type Authority = Issued & {
  /** A certificate for these names, signed by this authority; by default good for servers and clients, for a day. */
  issue(options?: IssueOptions): Promise<Issued>
}

export type IssueOptions = {
  readonly name?: string
  readonly dns?: readonly string[]
  readonly ip?: readonly string[]
  readonly uri?: readonly string[]
  /** Days from now; negative: in the past. */
  readonly from?: number
  readonly until?: number
  /** RSA where a peer of old is meant; else P-256. */
  readonly rsa?: boolean
}

/** An authority that signs itself. */
export async function authority(name = 'Test authority'): Promise<Authority> {
  const keys = await generate(false)
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=${name}`,
    notBefore: days(-2),
    notAfter: days(2),
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  })
  return {
    cert: `${root.toString('pem')}\n`,
    key: await privatePem(keys),
    issue: async (options = {}) => {
      const own = await generate(options.rsa === true)
      const names = [
        ...(options.dns ?? []).map((value) => ({ type: 'dns' as const, value })),
        ...(options.ip ?? []).map((value) => ({ type: 'ip' as const, value })),
        ...(options.uri ?? []).map((value) => ({ type: 'url' as const, value })),
      ]
      const made = await x509.X509CertificateGenerator.create({
        serialNumber: serial(),
        subject: [{ CN: [options.name ?? options.dns?.[0] ?? 'somebody'] }],
        issuer: root.subject,
        notBefore: days(options.from ?? -1),
        notAfter: days(options.until ?? 1),
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        extensions: names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)],
      })
      return { cert: `${made.toString('pem')}\n`, key: await privatePem(own) }
    },
  }
}

/** A folder of PEM files that is gone when the test has ended. */
export class PemFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'banyan-tls-'))

  /** Writes a file, in place of an older one at once; returns its path. */
  write(name: string, pem: string): string {
    const path = join(this.path, name)
    writeFileSync(`${path}.new`, pem)
    renameSync(`${path}.new`, path)
    return path
  }

  /** `NAME.crt` and `NAME.key`. */
  pair(name: string, { cert, key }: Issued): { readonly cert: string; readonly key: string } {
    return { cert: this.write(`${name}.crt`, cert), key: this.write(`${name}.key`, key) }
  }

  close(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

type Keys = webcrypto.CryptoKeyPair

function generate(rsa: boolean): Promise<Keys> {
  const algorithm = rsa
    ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }
    : { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<Keys>
}

async function privatePem({ privateKey }: Keys): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey))
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`
}

function days(count: number): Date {
  return new Date(Date.now() + count * 86_400_000)
}

function serial(): string {
  return `01${randomBytes(8).toString('hex')}`
}
