import { FIELD } from './field-kind.ts'
import type { Fields } from './fields.ts'

/**
 * Lines of the trailer fields that are passed on, in their order. They stay behind the body and are never merged into
 * the head. A field that frames, routes, authenticates, or says how the message is to be taken came too late for
 * whoever decided by the head, and may be merged by whoever comes next: it is dropped (RFC 9110 §6.5.1).
 *
 * `TE: trailers` says that trailers will not be dropped on the way; it is no leave to send them, which every reader
 * of chunks has to cope with (RFC 9112 §7.1.2). So it is not asked for here.
 */
export function trailerLines(trailers: Fields | undefined): string {
  if (trailers === undefined) return ''
  let out = ''
  for (let index = 0; index < trailers.count; index++) {
    const name = trailers.list[index * 2] ?? ''
    if (trailers.kinds[index] !== FIELD.plain || HEAD_ONLY.has(name.toLowerCase().replaceAll('_', '-'))) continue
    out += `${name}: ${trailers.list[index * 2 + 1]}\r\n`
  }
  return out
}

/** Fields that mean something in a head only, besides those that mean something to the router. */
const HEAD_ONLY: ReadonlySet<string> = new Set([
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'accept-ranges',
  'age',
  'allow',
  'alt-svc',
  'authorization',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-range',
  'content-security-policy',
  'content-type',
  'cookie2',
  'date',
  'expires',
  'if-match',
  'if-unmodified-since',
  'origin',
  'pragma',
  'range',
  'referer',
  'retry-after',
  'set-cookie2',
  'strict-transport-security',
  'user-agent',
  'vary',
  'warning',
  'www-authenticate',
])
