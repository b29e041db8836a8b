import type { X509Certificate } from 'node:crypto'

/** One name in a certificate. */
export type CertificateName = { readonly kind: string; readonly value: string }

/** The alternative names of a certificate (SAN), in its order; kinds as OpenSSL writes them: `DNS`, `URI`, `email`. */
export function alternativeNames({ subjectAltName }: X509Certificate): readonly CertificateName[] {
  const names: CertificateName[] = []
  for (const [, kind = '', quoted, plain = ''] of (subjectAltName ?? '').matchAll(NAME)) {
    names.push({ kind, value: quoted === undefined ? plain : unquoted(quoted) })
  }
  return names
}

/** Host names that a certificate is for, in lower case. */
export function hostNames(certificate: X509Certificate): readonly string[] {
  return alternativeNames(certificate)
    .filter(({ kind }) => kind === 'DNS')
    .map(({ value }) => value.toLowerCase())
}

/**
 * The name by which the owner of a certificate is called: its first URI, host name or mail address, else the common
 * name of its subject; each with its kind, so that one cannot pass for another. Visible ASCII: all else is escaped.
 */
export function ownerName(certificate: X509Certificate): string {
  const names = alternativeNames(certificate)
  for (const kind of ['URI', 'DNS', 'email']) {
    const found = names.find((name) => name.kind === kind)
    if (found !== undefined) return `${kind}:${visible(found.value)}`
  }
  const common = certificate.subject?.split('\n').find((line) => line.startsWith('CN='))
  return common === undefined ? 'unnamed' : `CN:${visible(common.slice(3))}`
}

// Node quotes a value that could be taken for the beginning of another name.
const NAME = /(?:^|, )([^:,"]+):(?:("(?:[^"\\]|\\.)*")|((?:(?!, [^:,"]+:).)*))/gs

function unquoted(text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'string' ? value : text
  } catch {
    return text
  }
}

function visible(text: string): string {
  return text.toWellFormed().replace(/[^\x21-\x24\x26-\x7e]/gu, (character) => encodeURIComponent(character))
}
