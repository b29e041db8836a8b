/**
 * One canonical path for everything that looks at a request: it is forwarded and given to policies, and the key
 * folded from it is matched. Whatever a client writes, no other spelling of a path reaches an upstream unmatched.
 */
export type CanonicalPath = {
  /** Dot segments resolved, unreserved characters decoded; `//`, case, `;` parameters and the rest as written. */
  readonly path: string
  /** Path parameters stripped, `//` merged, percent-encodings in upper case, case folded where asked. */
  readonly key: string
  /** It contains `%2F` or `%5C`: a separator for some servers, for others none (H25). Absent: it does not. */
  readonly encodedSlash?: true
}

/**
 * Canonical form of the path of a request target (no query). `fold`: case does not count in `key`. An error is a
 * reason to answer 400, as a sentence without its subject. `%2F` and `%5C` never become separators.
 */
export function canonicalPath(raw: string, fold = false): CanonicalPath | { readonly error: string } {
  if (isPlainPath(raw, fold)) return { path: raw, key: raw }
  const fault = pathFault(raw)
  if (fault !== undefined) return { error: fault }
  const resolved = resolveDots(raw.includes('%') ? decodeUnreserved(raw) : raw)
  if (typeof resolved !== 'string') return resolved
  const canonical = { path: resolved, key: foldedKey(resolved, fold) }
  return ENCODED_SLASH.test(resolved) ? { ...canonical, encodedSlash: true } : canonical
}

/** Whether a path is its own canonical path and its own key: one scan, nothing allocated. */
export function isPlainPath(raw: string, fold: boolean): boolean {
  if (raw.charCodeAt(0) !== SLASH) return false
  const allowed = fold ? PLAIN | CAPITAL : PLAIN
  let separator = false
  for (let index = 0; index < raw.length; index++) {
    const code = raw.charCodeAt(index)
    const kind = code < 128 ? (KINDS[code] ?? OTHER) : OTHER
    if (kind === PLAIN) separator = false
    else if (kind === SEPARATOR) {
      if (separator) return false
      separator = true
    } else if (kind === DOT) {
      if (separator) return false
    } else if (kind !== CAPITAL || allowed !== PLAIN) return false
    else separator = false
  }
  return true
}

/** Literal text of a template in the form a key has it; undefined where `%` is not followed by two digits. */
export function canonicalText(text: string): string | undefined {
  if (BAD_PERCENT.test(text)) return undefined
  const encoded = text.replace(/[^\x21-\x7e]+/g, (part) => encodeURIComponent(part.toWellFormed()))
  return upperCaseEncodings(decodeUnreserved(encoded))
}

const SLASH = 0x2f
const PLAIN = 0
const SEPARATOR = 1
const DOT = 2
const CAPITAL = 4
const OTHER = 8

const BAD_PERCENT = /%(?![0-9A-Fa-f]{2})|%00/
const ENCODED_SLASH = /%2f|%5c/i
const UNRESERVED = /^[A-Za-z0-9\-._~]$/

const KINDS = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code)
  if (character === '/') return SEPARATOR
  if (character === '.') return DOT
  if (/[A-Z]/.test(character)) return CAPITAL
  return code <= 0x20 || code === 0x7f || '%;?#\\'.includes(character) ? OTHER : PLAIN
})

function pathFault(raw: string): string | undefined {
  if (!raw.startsWith('/')) return 'does not begin with "/"'
  if (/[^\x21-\x7e]|[?#\\]/.test(raw)) return 'contains a character that must be percent-encoded'
  if (BAD_PERCENT.test(raw)) return 'contains "%00" or a "%" without two hexadecimal digits'
  return undefined
}

function decodeUnreserved(text: string): string {
  return text.replace(/%[0-9A-Fa-f]{2}/g, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
    return UNRESERVED.test(character) ? character : encoded
  })
}

function upperCaseEncodings(text: string): string {
  return text.replace(/%[0-9A-Fa-f]{2}/g, (encoded) => encoded.toUpperCase())
}

function resolveDots(path: string): string | { readonly error: string } {
  if (!path.includes('/.')) return path
  const resolved: string[] = []
  const segments = path.slice(1).split('/')
  for (const [index, segment] of segments.entries()) {
    const bare = withoutParameters(segment)
    if (bare !== '.' && bare !== '..') {
      resolved.push(segment)
      continue
    }
    // Servers disagree on whether `..;x` is a dot segment; whoever sends one is trying to walk round something.
    if (bare !== segment) return { error: `contains the dot segment "${bare}" with path parameters` }
    if (bare === '..' && resolved.pop() === undefined) return { error: 'leads above the root' }
    if (index === segments.length - 1) resolved.push('')
  }
  return `/${resolved.join('/')}`
}

function foldedKey(path: string, fold: boolean): string {
  const segments = path.slice(1).split('/').map(withoutParameters)
  const filled = segments.filter((segment) => segment !== '')
  const slash = filled.length > 0 && segments.at(-1) === '' ? '/' : ''
  const key = upperCaseEncodings(`/${filled.join('/')}${slash}`)
  return fold ? key.toLowerCase() : key
}

function withoutParameters(segment: string): string {
  const end = segment.indexOf(';')
  return end < 0 ? segment : segment.slice(0, end)
}
