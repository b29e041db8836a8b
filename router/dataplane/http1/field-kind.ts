/**
 * What the router has to know of a field by its name, as a small number, so that nothing on the request path
 * compares names twice. `plain` fields pass as they are.
 */
export const FIELD = {
  plain: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  /** Speaks to the next hop only, besides Connection and the framing fields: never passed on. */
  hop: 5,
  expect: 6,
  cookie: 7,
  via: 8,
  requestId: 9,
  forwardedFor: 10,
  forwardedHost: 11,
  forwardedProto: 12,
  /** Any other `X-Forwarded-*`, X-Real-IP, X-Original-URL, X-Rewrite-URL: believed of trusted peers only. */
  claim: 13,
  /** `Forwarded`: never passed on, because we speak `X-Forwarded-*` and two accounts may differ. */
  forwarded: 14,
  /** `x-banyan-*`, and Client-Cert and Client-Cert-Chain (RFC 9440): ours to say, whoever sends them. */
  banyan: 15,
  banyanArm: 16,
  functionError: 17,
  /** If-None-Match, If-Modified-Since, If-Range. */
  validator: 18,
  setCookie: 19,
  /** Location, Content-Location. */
  location: 20,
  refresh: 21,
  link: 22,
  cacheControl: 23,
  /** A known name spelt with `_`: CGI-like servers take it for the real one. */
  alias: 24,
  maxForwards: 25,
  /** Speaks to the next hop only, and is asked for anew there. */
  upgrade: 26,
  /** Strict-Transport-Security. */
  strictTransport: 27,
} as const

/** One of the numbers in `FIELD`. */
export type FieldKind = (typeof FIELD)[keyof typeof FIELD]

/** Kind of the field with this name (a token, any case). */
export function fieldKind(name: string): FieldKind {
  const kind = kindByLength(name)
  if (kind === FIELD.plain) return kind
  // In CGI-like servers `X_Forwarded_For` and `X-Forwarded-For` are one variable; so they are one here too.
  if (name.includes('_') && !isPrivate(name)) return FIELD.alias
  return kind
}

function kindByLength(name: string): FieldKind {
  switch (name.length) {
    case 2:
      return same(name, 'te') ? FIELD.hop : FIELD.plain
    case 3:
      return same(name, 'via') ? FIELD.via : FIELD.plain
    case 4:
      return same(name, 'host') ? FIELD.host : same(name, 'link') ? FIELD.link : FIELD.plain
    case 6:
      return same(name, 'cookie') ? FIELD.cookie : same(name, 'expect') ? FIELD.expect : FIELD.plain
    case 7:
      if (same(name, 'refresh')) return FIELD.refresh
      if (same(name, 'upgrade')) return FIELD.upgrade
      return same(name, 'trailer') ? FIELD.hop : FIELD.plain
    case 8:
      return same(name, 'location') ? FIELD.location : same(name, 'if-range') ? FIELD.validator : FIELD.plain
    case 9:
      if (same(name, 'forwarded')) return FIELD.forwarded
      return same(name, 'x-real-ip') ? FIELD.claim : privateKind(name)
    case 10:
      if (same(name, 'connection')) return FIELD.connection
      if (same(name, 'set-cookie')) return FIELD.setCookie
      return same(name, 'keep-alive') ? FIELD.hop : privateKind(name)
    case 11:
      return same(name, 'client-cert') ? FIELD.banyan : privateKind(name)
    case 12:
      return same(name, 'max-forwards') ? FIELD.maxForwards : privateKind(name)
    case 13:
      if (same(name, 'cache-control')) return FIELD.cacheControl
      return same(name, 'if-none-match') ? FIELD.validator : privateKind(name)
    case 14:
      if (same(name, 'content-length')) return FIELD.contentLength
      return same(name, 'http2-settings') ? FIELD.hop : privateKind(name)
    case 16:
      if (same(name, 'content-location')) return FIELD.location
      return same(name, 'proxy-connection') ? FIELD.hop : privateKind(name)
    case 17:
      if (same(name, 'transfer-encoding')) return FIELD.transferEncoding
      if (same(name, 'client-cert-chain')) return FIELD.banyan
      return same(name, 'if-modified-since') ? FIELD.validator : privateKind(name)
    case 18:
      return same(name, 'proxy-authenticate') ? FIELD.hop : privateKind(name)
    case 19:
      return same(name, 'proxy-authorization') ? FIELD.hop : privateKind(name)
    case 25:
      return same(name, 'strict-transport-security') ? FIELD.strictTransport : privateKind(name)
    default:
      return privateKind(name)
  }
}

function privateKind(name: string): FieldKind {
  if (!isPrivate(name)) return FIELD.plain
  switch (name.length) {
    case 12:
      if (same(name, 'x-request-id')) return FIELD.requestId
      if (same(name, 'x-banyan-arm')) return FIELD.banyanArm
      break
    case 13:
      if (same(name, 'x-rewrite-url')) return FIELD.claim
      break
    case 14:
      if (same(name, 'x-original-url')) return FIELD.claim
      break
    case 15:
      if (same(name, 'x-forwarded-for')) return FIELD.forwardedFor
      break
    case 16:
      if (same(name, 'x-forwarded-host')) return FIELD.forwardedHost
      break
    case 17:
      if (same(name, 'x-forwarded-proto')) return FIELD.forwardedProto
      break
    case 23:
      if (same(name, 'x-banyan-function-error')) return FIELD.functionError
      break
  }
  if (begins(name, 'x-banyan-')) return FIELD.banyan
  return begins(name, 'x-forwarded-') ? FIELD.claim : FIELD.plain
}

/** Whether it begins with `x-`, or `x_`. */
function isPrivate(name: string): boolean {
  return (name.charCodeAt(0) | 0x20) === 0x78 && fold(name.charCodeAt(1)) === 0x2d
}

function same(name: string, lower: string): boolean {
  return name.length === lower.length && begins(name, lower)
}

function begins(name: string, lower: string): boolean {
  if (name.length < lower.length) return false
  for (let index = 0; index < lower.length; index++) {
    if (fold(name.charCodeAt(index)) !== lower.charCodeAt(index)) return false
  }
  return true
}

// Among characters of a token, setting this bit changes letters only (and `^`, `_`, which no known name has).
function fold(code: number): number {
  return code === 0x5f ? 0x2d : code | 0x20
}
