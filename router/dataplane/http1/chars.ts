/**
 * Which bytes may stand where, as tables indexed by character code: 1 is allowed. Heads are read as latin1, so a
 * code never passes 255.
 */

/** A token: methods and field names (RFC 9110 §5.6.2). */
export const TOKEN = table((code) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(code)))

/** A field value: tab, visible characters, space, and obs-text. Everything else is 400 or 502. */
export const FIELD_TEXT = table((code) => code === 0x09 || (code >= 0x20 && code !== 0x7f))

/** A request target; what may be in its path is narrower. `#` never reaches a server (RFC 9112 §3.2). */
export const TARGET = table((code) => code > 0x20 && code < 0x7f && code !== 0x23)

/** A registered name in an authority (RFC 3986 §3.2.2), without the comma that would make Host a list. */
export const REG_NAME = table((code) => /[A-Za-z0-9\-._~!$&'()*+;=%]/.test(String.fromCharCode(code)))

export const HTAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SPACE = 0x20
export const COLON = 0x3a

/** Value of a hexadecimal digit, or -1. */
export function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

function table(allowed: (code: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (allowed(code) ? 1 : 0))
}
