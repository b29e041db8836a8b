import { COLON, CR, FIELD_TEXT, HTAB, LF, SPACE, TOKEN } from './chars.ts'
import { type FieldKind, fieldKind } from './field-kind.ts'

/** Most fields that one head may have. */
export const FIELD_LIMIT = 200

/**
 * The fields of one head: name, value, name, value, … as received, and a kind for each pair. Only the first `count`
 * pairs count: the arrays are used again for the next head, and cutting them would cost more than filling them.
 */
export type Fields = { readonly list: string[]; readonly kinds: FieldKind[]; count: number }

/**
 * A head as received: its text, and the bytes it was made from, which begin at `base`. Characters are looked at in
 * the bytes, several times as fast as in a string; tokens are cut from the text.
 */
export type RawHead = { readonly text: string; readonly bytes: Uint8Array; readonly base: number }

/**
 * Reads the field lines from `start` up to `end`, which is just behind the CRLF of the last one, into `into`, in
 * order. Returns why not, or undefined. One pass: each character is looked at once (RFC 9112 §5).
 */
export function parseFields(
  raw: RawHead,
  start: number,
  end: number,
  into: Fields,
): 'malformed' | 'too many' | undefined {
  const { text, bytes, base } = raw
  const { list, kinds } = into
  const stop = base + end
  let at = base + start
  let count = 0
  while (at < stop) {
    const nameStart = at
    while (TOKEN[bytes[at] ?? 0] === 1) at++
    // A line that begins with white space (obs-fold), an empty name and a space before the colon all end here.
    if (at === nameStart || bytes[at] !== COLON) return 'malformed'
    const name = text.substring(nameStart - base, at - base)
    do at++
    while (isBlank(bytes[at] ?? 0))
    const valueStart = at
    while (FIELD_TEXT[bytes[at] ?? 0] === 1) at++
    if (bytes[at] !== CR || bytes[at + 1] !== LF || at >= stop) return 'malformed'
    let valueEnd = at
    while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1] ?? 0)) valueEnd--
    if (count === FIELD_LIMIT) return 'too many'
    list[count * 2] = name
    list[count * 2 + 1] = text.substring(valueStart - base, valueEnd - base)
    kinds[count++] = fieldKind(name)
    at += 2
  }
  into.count = count
  return undefined
}

/** The same text in one piece: what is written often is copied at once then, not from the pieces it was joined of. */
export function flat(text: string): string {
  // Looking at a character is what makes V8 join them.
  text.charCodeAt(0)
  return text
}

/** Value of the first field of this kind, or undefined. */
export function firstValue(fields: Fields, kind: FieldKind): string | undefined {
  for (let index = 0; index < fields.count; index++) {
    if (fields.kinds[index] === kind) return fields.list[index * 2 + 1]
  }
  return undefined
}

/** Values of all fields of this kind, in order. */
export function allValues(fields: Fields, kind: FieldKind): string[] {
  const values: string[] = []
  for (let index = 0; index < fields.count; index++) {
    if (fields.kinds[index] === kind) values.push(fields.list[index * 2 + 1] ?? '')
  }
  return values
}

/** Members of a comma-separated list, as written; empty ones are nothing. */
export function listMembers(value: string): string[] {
  return value
    .split(',')
    .map(withoutBlanks)
    .filter((member) => member !== '')
}

/** The same in lower case, for tokens of which case does not count. */
export function listTokens(value: string): string[] {
  return listMembers(value).map((member) => member.toLowerCase())
}

/**
 * Without white space around it. Not `trim`, which takes a byte 0xA0 for a space: `close` with one behind it is
 * another word for everyone else. Not a pattern, which takes a second for 32 KiB of spaces.
 */
function withoutBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.substring(start, end)
}

/**
 * The length that a Content-Length value states, or -1 where it is anything but digits or above 2^53 - 1: such a
 * value is where request smuggling begins, so nobody guesses what it means.
 */
export function parseLength(value: string): number {
  if (value.length === 0 || value.length > 19) return -1
  let length = 0
  for (let index = 0; index < value.length; index++) {
    const digit = value.charCodeAt(index) - 0x30
    if (digit < 0 || digit > 9) return -1
    length = length * 10 + digit
  }
  return Number.isSafeInteger(length) ? length : -1
}

function isBlank(code: number): boolean {
  return code === SPACE || code === HTAB
}
