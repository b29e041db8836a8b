import { z } from 'zod'
import type { CertificateFiles } from '../kernel/tls/credentials.ts'
import type { ListenerOptions, ListenerTls, UpstreamTls } from '../model/spec.ts'
import { absolutePath } from './paths.ts'
import type { Path, Reading } from './reading.ts'
import { block, flag, list, map, oneOf, port, Refused, textKind } from './values.ts'

/** What a listener does before any request: `tls`, `proxyProtocol`, `redirectToTls`; and `tls` of an upstream. */

const file = textKind('file:PATH', (text) => {
  const path = /^file:(.+)$/s.exec(text)?.[1]
  if (path !== undefined) return path
  throw new Refused({ hint: 'certificates and keys stand in files of their own, which may be replaced while it runs' })
}).meta({ pattern: '^file:.+$', examples: ['file:/etc/banyan/tls.crt'] })

const certificate = {
  cert: file.describe('Its certificate, with the chain behind it, in PEM'),
  key: file.describe('The private key of it, in PEM without a passphrase'),
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }
const LONGEST_S = 3650 * 86_400
const YEAR_S = 365 * 86_400

const age = textKind('a duration such as 0s, 5m, 30d or 365d, at most 3650d', (text) => {
  const match = /^(\d{1,9})([smhd])$/.exec(text)
  const seconds = Number(match?.[1]) * (SECONDS[match?.[2] ?? ''] ?? Number.NaN)
  if (!(seconds <= LONGEST_S)) throw new Refused()
  return seconds
}).meta({ pattern: '^(\\d{1,9})([smhd])$', examples: ['365d'] })

const hsts = z
  .union(
    [
      age,
      map({
        maxAge: age.describe('How long browsers remember it'),
        includeSubDomains: flag.optional().describe('Every host below this one too').meta({ default: false }),
        preload: flag.optional().describe("Consent to stand in the browsers' own lists").meta({ default: false }),
      }),
    ],
    { error: 'a duration such as 365d, or a map with maxAge, includeSubDomains, preload' },
  )
  .optional()
  .describe('Tells browsers to come by TLS only (HSTS): for how long; default: not told')

const clientCertificates = map({
  ca: file.describe('Certificates of the authorities that sign clients, in PEM'),
  required: flag
    .optional()
    .describe('Whether a client without a certificate is refused; one whose certificate is not good always is')
    .meta({ default: true }),
})

const listenerTls = map({
  cert: certificate.cert.optional().describe('Certificate for every host, with the chain behind it, in PEM'),
  key: certificate.key.optional(),
  certificates: list(map(certificate), 'certificates such as { cert: file:a.crt, key: file:a.key }')
    .optional()
    .describe('Several, chosen by the host a client asks for (SNI); the first also where none names it'),
  minVersion: oneOf(['1.2', '1.3']).optional().describe('Oldest version of TLS').meta({ default: '1.2' }),
  unknownNames: oneOf(['default', 'reject'])
    .optional()
    .describe('Whether a client that asks for a host that no certificate names gets the first one, or no connection')
    .meta({ default: 'default' }),
  clientCertificates: clientCertificates.optional().describe('Asks clients for certificates; default: not asked'),
  hsts,
})

/** The keys of an entry of `listen` besides its address. */
export const listenerKeys = {
  tls: listenerTls.optional().describe('Ends TLS here; default: HTTP in plain'),
  proxyProtocol: map({
    from: list(block, 'IP addresses or CIDR blocks').describe('Who sends it'),
  })
    .optional()
    .describe('Load balancers whose connections begin with a PROXY header, version 1 or 2; default: none'),
  redirectToTls: z
    .union([flag, map({ port: port.describe('TCP port of the TLS listener, as clients see it') })], {
      error: 'true, false, or a map with port',
    })
    .optional()
    .describe('Answers every request with 308 to the same address by https; a map names the port, else it is 443')
    .meta({ default: false }),
}

/** `tls` of an upstream. */
export const upstreamTlsSchema = map({
  ca: file.optional().describe("Authorities that sign its certificate, in PEM; default: Node's own list"),
  cert: certificate.cert.optional().describe('Certificate that the router shows it, in PEM'),
  key: certificate.key.optional().describe('The private key of that, in PEM without a passphrase'),
  serverName: textKind('a host name', (text) => {
    if (!/^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text)) throw new Refused()
    return text.toLowerCase()
  })
    .optional()
    .describe('Name that it is asked for (SNI) and that its certificate must have; default: the host of its address'),
  verify: flag
    .optional()
    .describe('false: any certificate will do, so that anybody in between can read and change everything')
    .meta({ default: true }),
})
  .optional()
  .describe('How https: addresses are spoken to')

type WrittenListener = {
  readonly [key in keyof typeof listenerKeys]?: z.output<(typeof listenerKeys)[key]> | undefined
}

/** What an entry of `listen` says besides its address. */
export function decodeListener(reading: Reading, written: WrittenListener, path: Path): ListenerOptions {
  const tls = written.tls && decodeListenerTls(reading, written.tls, [...path, 'tls'])
  const redirect = written.redirectToTls
  if (written.tls !== undefined && redirect !== undefined && redirect !== false) {
    const message = 'this listener has tls itself; the one that redirects to it is another, in plain'
    reading.report({ code: 'redirect-to-itself', path: [...path, 'redirectToTls'], message })
  }
  return {
    ...(tls && { tls }),
    ...(written.proxyProtocol && { proxyProtocol: written.proxyProtocol }),
    ...(redirect !== undefined &&
      redirect !== false && { redirectToTls: redirect === true ? { port: 443 } : redirect }),
  }
}

function decodeListenerTls(reading: Reading, written: z.output<typeof listenerTls>, path: Path): ListenerTls {
  const clients = written.clientCertificates
  const strict = written.hsts === undefined ? undefined : decodeHsts(reading, written.hsts, [...path, 'hsts'])
  return {
    certificates: decodeCertificates(reading, written, path),
    minVersion: written.minVersion ?? '1.2',
    unknownNames: written.unknownNames ?? 'default',
    ...(clients && {
      clientCertificates: {
        ca: authorities(reading, clients.ca, [...path, 'clientCertificates', 'ca']),
        required: clients.required ?? true,
      },
    }),
    ...(strict !== undefined && { hsts: strict }),
  }
}

function decodeCertificates(
  reading: Reading,
  { cert, key, certificates }: z.output<typeof listenerTls>,
  path: Path,
): readonly CertificateFiles[] {
  const single = decodePair(reading, cert, key, path)
  if (certificates !== undefined && (cert !== undefined || key !== undefined)) {
    const message = 'cert and key are for one certificate; with several, all of them stand here'
    reading.report({ code: 'two-certificates', path: [...path, 'certificates'], message })
  }
  if (certificates === undefined && cert === undefined && key === undefined) {
    const message = 'is missing; TLS needs a certificate'
    const hint = 'write tls: { cert: file:tls.crt, key: file:tls.key }'
    reading.report({ code: 'missing-key', path: [...path, 'cert'], message, hint })
  }
  const several = (certificates ?? []).flatMap((pair, index) =>
    decodePair(reading, pair.cert, pair.key, [...path, 'certificates', index]),
  )
  return [...single, ...several]
}

/** A certificate and its key, or neither; none where one of them is missing, which is reported. */
function decodePair(
  reading: Reading,
  cert: string | undefined,
  key: string | undefined,
  path: Path,
): readonly CertificateFiles[] {
  if (cert === undefined && key === undefined) return []
  if (cert === undefined || key === undefined) {
    const [missing, other] = cert === undefined ? ['cert', 'key'] : ['key', 'cert']
    const message = `is missing; ${other} is of no use without it`
    reading.report({ code: 'missing-key', path: [...path, missing], message })
    return []
  }
  const files = { cert: absolutePath(reading.file, cert), key: absolutePath(reading.file, key) }
  reading.needsFiles({ kind: 'pair', files }, [...path, 'cert'])
  return [files]
}

function authorities(reading: Reading, written: string, path: Path): string {
  const absolute = absolutePath(reading.file, written)
  reading.needsFiles({ kind: 'authorities', file: absolute }, path)
  return absolute
}

/** The field's value (RFC 6797 §6.1). */
function decodeHsts(reading: Reading, written: NonNullable<z.output<typeof hsts>>, path: Path): string {
  const { maxAge, includeSubDomains, preload } =
    typeof written === 'number' ? { maxAge: written, includeSubDomains: false, preload: false } : written
  if (preload === true && (includeSubDomains !== true || maxAge < YEAR_S)) {
    const message = 'the lists of browsers take a host only with includeSubDomains: true and maxAge: 365d or more'
    reading.report({ code: 'wrong-value', path: [...path, 'preload'], message })
  }
  const words = [`max-age=${maxAge}`, includeSubDomains === true ? 'includeSubDomains' : '', preload ? 'preload' : '']
  return words.filter((word) => word !== '').join('; ')
}

type WrittenUpstream = {
  readonly url?: URL | undefined
  readonly urls?: readonly URL[] | undefined
  readonly tls?: z.output<typeof upstreamTlsSchema>
}

/** `tls` of an upstream; undefined: it is spoken to in plain. Where its addresses are written, their scheme says so. */
export function decodeUpstreamTls(reading: Reading, written: WrittenUpstream, path: Path): UpstreamTls | undefined {
  const schemes = new Set(
    [...(written.urls ?? []), ...(written.url === undefined ? [] : [written.url])].map(({ protocol }) => protocol),
  )
  if (schemes.size > 1) {
    const message = 'are http: and https: addresses; those of one upstream are all of one kind'
    reading.report({ code: 'mixed-schemes', path: [...path, 'urls'], message })
  }
  if (schemes.has('http:') && written.tls !== undefined) {
    const hint = 'write https: in its address, or remove tls'
    reading.report({ code: 'unused-tls', path: [...path, 'tls'], message: 'its address is an http: one', hint })
  }
  if (!schemes.has('https:') && (written.tls === undefined || schemes.size > 0)) return undefined
  return toUpstreamTls(reading, written.tls ?? {}, [...path, 'tls'])
}

function toUpstreamTls(
  reading: Reading,
  { ca, cert, key, serverName, verify = true }: NonNullable<WrittenUpstream['tls']>,
  path: Path,
): UpstreamTls {
  const [pair] = decodePair(reading, cert, key, path)
  if (!verify) {
    reading.report({
      severity: 'warning',
      code: 'unverified-upstream',
      path: [...path, 'verify'],
      message: 'the certificate of this upstream is not verified: anybody in between can read and change everything',
      hint: 'name the authority that signed it: tls: { ca: file:PATH }',
    })
  }
  return {
    verify,
    ...(ca !== undefined && { ca: authorities(reading, ca, [...path, 'ca']) }),
    ...(pair && { certificate: pair }),
    ...(serverName !== undefined && { serverName }),
  }
}
