import { createHash } from 'node:crypto'

/**
 * A file that proves its own wholeness: one line with format and checksum, then one line of JSON. A write that a
 * crash or a full disk cut short is recognised when it is read, never half believed.
 */
export function seal(body: unknown): string {
  const text = JSON.stringify(body)
  return `${JSON.stringify({ format: FORMAT, sha256: digest(text) })}\n${text}\n`
}

/** `body` is exactly what `seal` was given: the checksum has been verified. */
export type Unsealed =
  | { readonly kind: 'whole'; readonly body: unknown }
  | { readonly kind: 'corrupt'; readonly reason: string }

/** Reads what `seal` wrote. */
export function unseal(text: string): Unsealed {
  const end = text.indexOf('\n')
  const head = headOf(text.slice(0, Math.max(end, 0)))
  if (head === undefined) return { kind: 'corrupt', reason: 'it does not begin with a format and a checksum' }
  if (head.format !== FORMAT) {
    return { kind: 'corrupt', reason: `it has format ${head.format}; this version reads format ${FORMAT}` }
  }
  const body = text.slice(end + 1).replace(/\n$/, '')
  if (digest(body) !== head.sha256) return { kind: 'corrupt', reason: 'its checksum does not match' }
  return { kind: 'whole', body: JSON.parse(body) }
}

// Of everything that is sealed: it rises when an old file could be misunderstood.
const FORMAT = 1

function headOf(line: string): { format: unknown; sha256: unknown } | undefined {
  try {
    const head: unknown = JSON.parse(line)
    if (typeof head !== 'object' || head === null || !('format' in head) || !('sha256' in head)) return undefined
    return { format: head.format, sha256: head.sha256 }
  } catch {
    return undefined
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
