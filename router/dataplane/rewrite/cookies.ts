import type { OwnHosts } from './own-hosts.ts'

/**
 * Set-Cookie: a Domain attribute that names one of the application's own hosts goes, so that the cookie belongs to
 * the host the client asked; a browser would refuse it otherwise. All else stays byte for byte.
 */
export function rewriteSetCookie(value: string, own: OwnHosts): string {
  if (!/domain/i.test(value)) return value
  const [pair = '', ...attributes] = value.split(';')
  const kept = attributes.filter((attribute) => {
    const domain = /^\s*domain\s*=\s*\.?([^\s]*)\s*$/i.exec(attribute)
    return domain === null || !own.hasHost(domain[1] ?? '')
  })
  return [pair, ...kept].join(';')
}
