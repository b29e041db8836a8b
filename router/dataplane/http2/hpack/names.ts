import { FIELD_TEXT, HTAB, SPACE, TOKEN } from '../../http1/chars.ts'
import { fieldKind } from '../../http1/field-kind.ts'

/** What stands for the kind of a field where its name begins with a colon, or is none. */
export const PSEUDO = { method: -1, scheme: -2, authority: -3, path: -4, status: -5, unknown: -6, noName: -7 } as const

/** One field of a table, with what has to be known of it each time it comes. */
export type Entry = {
  readonly name: string
  readonly value: string
  /** A `FieldKind`, or one of `PSEUDO`. */
  readonly kind: number
  /** Whether its value may be one. */
  readonly sound: boolean
}

/** Kind of a field by its name as it came. Lower case is all there is in HTTP/2 (RFC 9113 §8.2.1). */
export function kindOfName(name: string): number {
  if (name.charCodeAt(0) === COLON) return PSEUDOS.get(name) ?? PSEUDO.unknown
  if (name === '') return PSEUDO.noName
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at)
    if (TOKEN[code] !== 1 || (code >= 0x41 && code <= 0x5a)) return PSEUDO.noName
  }
  return fieldKind(name)
}

/** Whether a value may be one: no control characters, no white space at its ends (RFC 9113 §8.2.1). */
export function isValue(text: string): boolean {
  if (text === '') return true
  for (let at = 0; at < text.length; at++) if (FIELD_TEXT[text.charCodeAt(at)] !== 1) return false
  return !isBlank(text.charCodeAt(0)) && !isBlank(text.charCodeAt(text.length - 1))
}

const COLON = 0x3a

const PSEUDOS: ReadonlyMap<string, number> = new Map([
  [':method', PSEUDO.method],
  [':scheme', PSEUDO.scheme],
  [':authority', PSEUDO.authority],
  [':path', PSEUDO.path],
  [':status', PSEUDO.status],
])

function isBlank(code: number): boolean {
  return code === SPACE || code === HTAB
}
