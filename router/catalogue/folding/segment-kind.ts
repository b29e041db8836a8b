/**
 * What one segment of a path looks like by its characters alone. `identifier`: a value whatever stands beside it, such
 * as `17`, a UUID or a hash. `mixed`: letters with digits, which is more often a value than a name. `word`: either.
 */
export type SegmentKind = 'identifier' | 'mixed' | 'word'

/** Pure; looks at the segment only. */
export function segmentKind(segment: string): SegmentKind {
  if (IDENTIFIERS.some((identifier) => identifier.test(segment))) return 'identifier'
  if (!/\d/.test(segment) || NUMBERED_NAME.test(segment)) return 'word'
  return 'mixed'
}

const IDENTIFIERS: readonly RegExp[] = [
  // Numbers, and numbers with a prefix of one or two characters or with an extension: `17`, `-3`, `12.50`, `2024-01-31`.
  /^[-+]?\d[\d.,:_-]*(?:\.[a-z]{2,4})?$/i,
  // UUIDs, hashes and other runs of hexadecimal digits that no word has.
  /^(?:[a-z0-9]+[:_-])?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i,
  /^(?:[a-z0-9]+[:_-])?(?=[a-f]*\d)(?=(?:\d*[a-f]){1})[0-9a-f]{7,}$/i,
  // Random text: long, with digits between letters more than once.
  /^(?=.{12,})(?:[A-Za-z_-]+\d+){3,}[A-Za-z_-]*$/,
  // Codes in groups: `GHSA-2x4f-9h7j-m3qr`.
  /^[a-z]+(?=[a-z-]*\d)(?:-[a-z0-9]{4}){3,}$/i,
  // What is encoded or punctuated was typed by somebody: addresses, titles, ranges, JSON.
  /[^A-Za-z0-9._~!$'()+;=:-]|\.\.\.|~0/,
  /^.{49,}$/,
]

/** Names with a number of their own: `v2`, `v1.1`, `oauth2`, `s3`, `base64`, `utf-8`, `http2.html`. */
const NUMBERED_NAME =
  /^(?:v\d+(?:[._-]\d+)*|(?:[a-z]+[_-])*[a-z]{1,12}[_-]?\d{1,2}(?:[_-][a-z]+)*|\d[a-z]+)(?:\.[a-z]{2,5})?$/i
