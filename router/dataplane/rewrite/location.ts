import type { OwnHosts } from './own-hosts.ts'

/**
 * Location or Content-Location: where it is an absolute or scheme-relative URL of one of the application's own hosts,
 * scheme and authority become `origin` (the client's own, such as `http://shop.example`). Anything else stays as it
 * is, URLs inside a query too.
 */
export function rewriteLocation(value: string, own: OwnHosts, origin: string): string {
  const url = ABSOLUTE.exec(value)
  if (url === null) return value
  const [start, scheme, authority] = url
  if (authority === undefined || !own.hasAuthority(withoutUser(authority), scheme ?? schemeOf(origin))) return value
  return origin + value.slice(start.length)
}

/** Refresh: `5; url=…`, the URL bare or in quotes. */
export function rewriteRefresh(value: string, own: OwnHosts, origin: string): string {
  // No two runs of white space meet in it: that would try all ways to share a long one out.
  const parts = /^(\s*(?:[\d.]+\s*)?(?:[;,]\s*)?url\s*=\s*["']?)(.*)$/i.exec(value)
  if (parts === null) return value
  const [, before, url] = parts
  return (before ?? '') + rewriteLocation(url ?? '', own, origin)
}

/** Link: the target of each of its values, which stands in angle brackets; parameters stay as they are. */
export function rewriteLink(value: string, own: OwnHosts, origin: string): string {
  if (!value.includes('//')) return value
  // A quoted parameter may hold what looks like a target, so quoted text is passed over whole; where the quote never
  // ends, to the end. Neither part looks beyond the next beginning, so that a long value is read once.
  return value.replace(/"(?:[^"\\]|\\.)*(?:"|\\?$)|<([^<>]*)>/g, (part, target: string | undefined) =>
    target === undefined ? part : `<${rewriteLocation(target, own, origin)}>`,
  )
}

// A back-slash is what browsers take for a slash.
const ABSOLUTE = /^(?:(https?):)?[/\\]{2}([^/\\?#]*)/i

function withoutUser(authority: string): string {
  return authority.slice(authority.lastIndexOf('@') + 1)
}

function schemeOf(origin: string): string {
  return origin.slice(0, origin.indexOf(':'))
}
