import type { OwnHosts } from './own-hosts.ts'

/**
 * Set-Cookie: a Domain attribute that names one of the application's own hosts goes, so that the cookie belongs to
 * the host the client asked; a browser would refuse it otherwise. All else stays byte for byte.
 */
export function rewriteSetCookie(value: string, own: OwnHosts): string {
  if (!/domain/i.test(value)) return value
  const [pair = '', ...attributes] = value.split(';')
  const kept = attributes.filter((attribute) => {
    const domain = domainOf(attribute)
    return domain === undefined || !own.hasHost(domain)
  })
  return [pair, ...kept].join(';')
}

/** Without the dot that old servers put in front; undefined: another attribute. */
function domainOf(attribute: string): string | undefined {
  const equals = attribute.indexOf('=')
  if (equals < 0 || attribute.slice(0, equals).trim().toLowerCase() !== 'domain') return undefined
  return attribute
    .slice(equals + 1)
    .trim()
    .replace(/^\./, '')
}
