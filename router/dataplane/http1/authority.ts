import { REG_NAME } from './chars.ts'

/**
 * Whether this is one host with an optional port and nothing else: no user information, no path, no list
 * (RFC 3986 §3.2, RFC 9110 §7.2). An empty one is none.
 */
export function isAuthority(text: string): boolean {
  const hostEnd = text.charCodeAt(0) === BRACKET ? literalEnd(text) : nameEnd(text)
  if (hostEnd <= 0) return false
  if (hostEnd === text.length) return true
  if (text.charCodeAt(hostEnd) !== COLON) return false
  return isPort(text, hostEnd + 1)
}

/** Host of an authority in lower case, without port; an IPv6 literal keeps its brackets. */
export function hostOf(authority: string): string {
  const colon = authority.lastIndexOf(':')
  const bare = colon > authority.lastIndexOf(']') ? authority.substring(0, colon) : authority
  for (let index = 0; index < bare.length; index++) {
    const code = bare.charCodeAt(index)
    if (code >= 0x41 && code <= 0x5a) return bare.toLowerCase()
  }
  return bare
}

const BRACKET = 0x5b
const COLON = 0x3a
const PERCENT = 0x25

function nameEnd(text: string): number {
  let at = 0
  while (REG_NAME[text.charCodeAt(at)] === 1) {
    if (text.charCodeAt(at) === PERCENT && !/^%[0-9A-Fa-f]{2}/.test(text.slice(at, at + 3))) return -1
    at++
  }
  return at
}

function literalEnd(text: string): number {
  const close = text.indexOf(']')
  return close > 1 && /^[0-9A-Fa-f:.]+$/.test(text.slice(1, close)) && text.includes(':') ? close + 1 : -1
}

/** An empty port is allowed by the grammar and means the scheme's own. */
function isPort(text: string, start: number): boolean {
  let port = 0
  for (let at = start; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9) return false
    port = port * 10 + digit
    if (port > 65_535) return false
  }
  return true
}
