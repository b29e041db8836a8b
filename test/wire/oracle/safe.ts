import { type Field, type Message, type Read, readMessage, valuesOf } from './grammar.ts'

/**
 * Reads a request as one that a proxy wrote. Narrower than what a client may send: nothing in it may be left for the
 * application behind to decide, or to read in another way than the proxy did.
 */
export function readSafe(text: string, start = 0): Read {
  const read = readMessage(text, start)
  if (read.kind !== 'message') return read
  const fault = unsafe(read.message)
  return fault === undefined ? read : { kind: 'fault', fault }
}

/** What the path of a canonical target never contains (H24): a segment that some server takes for a step. */
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:;[^/]*)?(?=\/|$)/i
const ENCODED_UNRESERVED = /%(?:2d|2e|3\d|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9ae])/i

/** Fields for the next hop only: one that passes speaks for the client to a server that never met it (H14). */
const HOP_BY_HOP = [
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'http2-settings',
]

/** Fields that a trailer must not set: whoever merges trailers would frame, route or authenticate by them (H19). */
const NEVER_TRAILERS = [
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'trailer',
  'te',
  'upgrade',
  'authorization',
  'cookie',
  'set-cookie',
  'expect',
]

function unsafe({ minor, target, fields, trailers, extensions }: Message): string | undefined {
  if (minor !== 1) return 'another version'
  if (target !== '*' && !target.startsWith('/')) return 'an absolute target'
  const path = target.split('?')[0] ?? ''
  if (DOT_SEGMENT.test(path)) return 'a dot segment'
  if (ENCODED_UNRESERVED.test(path)) return 'an unreserved character, encoded'
  if (extensions.length > 0) return 'a chunk extension'
  const trailer = trailers.find(([name]) => NEVER_TRAILERS.includes(name.toLowerCase().replaceAll('_', '-')))
  if (trailer !== undefined) return 'a trailer that frames, routes or authenticates'
  return hopFault(fields) ?? aliasFault(fields)
}

function hopFault(fields: readonly Field[]): string | undefined {
  const names = fields.map(([name]) => name.toLowerCase())
  if (names.some((name) => HOP_BY_HOP.includes(name))) return 'a field for one hop only'
  // An upgrade is asked for anew at each hop, by the pair (RFC 9110 §7.8); Connection has no other business here.
  const connections = valuesOf(fields, 'connection')
  const upgrades = valuesOf(fields, 'upgrade')
  if (connections.length === 0 && upgrades.length === 0) return undefined
  const pair = connections.length === 1 && upgrades.length === 1 && connections[0]?.toLowerCase() === 'upgrade'
  return pair ? undefined : 'a field for one hop only'
}

/** CGI-like servers read `_` as `-`. */
function aliasFault(fields: readonly Field[]): string | undefined {
  const aliased = fields.map(([name]) => name.toLowerCase()).filter((name) => name.includes('_'))
  const known = ['content-length', 'transfer-encoding', 'host']
  return aliased.some((name) => known.includes(name.replaceAll('_', '-'))) ? 'a framing field with "_"' : undefined
}
