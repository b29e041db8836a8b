import type { Field } from './hpack.ts'
import type { Reading, StreamReading } from './nghttp2.ts'
import type { CodecReading, CodecStream } from './reading.ts'
import { type Ending, type Frame, TYPE } from './wire.ts'

/** What the codec takes of the frames sent and nghttp2 does not, or takes otherwise; undefined: nothing. */
export function http2Difference(
  codec: CodecReading,
  reference: Reading,
  side: 'request' | 'response',
  sent: readonly Frame[],
): string | undefined {
  if (codec.wrong.length > 0) return codec.wrong.join('; ')
  if (reference.error !== undefined && isDeliberate(reference.error, codec, sent)) return undefined
  if (codec.error === undefined && reference.error !== undefined) {
    return `the connection goes on, nghttp2 ends it: ${JSON.stringify(reference.error)}`
  }
  for (const stream of codec.streams.values()) {
    if (stream.fault !== undefined || stream.fields.length === 0 || hasVainLength(stream)) continue
    const found = streamDifference(stream, codec, reference, side)
    if (found !== undefined) return `stream ${stream.id}: ${found}`
  }
  return undefined
}

/** What must be taken and is not. */
export function validDifference({ streams, error, resets }: CodecReading): string | undefined {
  if (error !== undefined) return `a connection without any mistake is ended: ${error.code}`
  for (const { id, fault } of streams.values()) {
    if (fault !== undefined && fault !== 'connection_reset')
      return `a message without any mistake is refused on ${id}: ${fault}`
  }
  const reset = [...resets].find(([, code]) => code !== 0 && code !== CANCEL)
  return reset === undefined ? undefined : `a stream without any mistake is reset: ${reset.join(' ')}`
}

const CANCEL = 8

/**
 * What ends the whole connection for nghttp2 and only the stream for the codec, which has reset it: RFC 9113 §5.4 leaves
 * the choice where the error is the stream's own.
 */
const STREAM_ERRORS: readonly string[] = [
  'HEADERS: stream closed',
  'DATA: stream not opened',
  'DATA: stream in half-closed(remote)',
]
/** What Node says for itself: of the answer to a PING that it has not sent, for one. */
const INTERNAL = 2
const FRAME_SIZE = 6
/** What harms nobody. */
const HARMLESS: readonly string[] = [
  'SETTINGS: unexpected ACK',
  'GOAWAY: invalid last_stream_id',
  // On a stream that has ended; on the connection the codec refuses it too.
  'WINDOW_UPDATE: window_size_increment == 0',
]

/** Settings of extensions, of which the codec knows nothing. */
const EXTENSION = /^SETTINGS: .*SETTINGS_(?:ENABLE_CONNECT_PROTOCOL|NO_RFC7540_PRIORITIES)/

function isDeliberate({ code, reason }: Ending, { resets }: CodecReading, sent: readonly Frame[]): boolean {
  if (code === INTERNAL || HARMLESS.includes(reason) || EXTENSION.test(reason)) return true
  // That is an error of the stream alone (RFC 9113 §6.3), if there still is one.
  if (code === FRAME_SIZE) return sent.some(({ type, payload }) => type === TYPE.priority && payload.length !== 5)
  return STREAM_ERRORS.includes(reason) && resets.size > 0
}

function streamDifference(
  stream: CodecStream,
  codec: CodecReading,
  reference: Reading,
  side: string,
): string | undefined {
  const other = reference.streams.get(stream.id)
  // Node takes no streams of a client that has said that it goes; HTTP/2 lets it open them (RFC 9113 §6.8).
  if (other === undefined || other.fields.length === 0)
    return reference.left ? undefined : `nghttp2 has no message: ${JSON.stringify(reference.error)}`
  const fields = side === 'request' ? asRequest(other.fields) : withCookiesJoined(other.fields)
  const found = unequal('fields', stream.fields, fields)
  if (found !== undefined) return found
  // Behind a GOAWAY Node reads no further; in HTTP/2 streams that are open go on.
  if (reference.left) return undefined
  if (side === 'response') {
    const interim = unequal('interim answers', stream.interims, other.interims.map(withCookiesJoined))
    if (interim !== undefined) return interim
  }
  const reset = reference.resets.get(stream.id) ?? 0
  // Where the codec has ended the connection it has said nothing more of the stream.
  const undecided = stream.over || codec.error !== undefined || hasDropped(stream.trailers)
  if (reset !== 0 && !undecided) return `nghttp2 resets it: ${reset}`
  return bodyDifference(stream, other)
}

/**
 * A 204 or an interim answer has no length; where one comes, the router passes none on, as from HTTP/1.1. nghttp2 leaves
 * one of 0 out too, and resets the stream for any other.
 */
function hasVainLength({ fields, interims }: CodecStream): boolean {
  const heads = fields[0]?.[1] === '204' ? [...interims, fields] : interims
  return heads.some((head) => head.some(([name]) => name === 'content-length'))
}

/** Fields that nghttp2 looks at behind a body too; they are never passed on there, so that they may say anything. */
function hasDropped(trailers: readonly Field[]): boolean {
  return trailers.some(([name]) => name === 'content-length' || name === 'host')
}

function bodyDifference(stream: CodecStream, other: StreamReading): string | undefined {
  if (!other.body.startsWith(stream.body)) return unequal('body', stream.body, other.body)
  if (!stream.ended) return undefined
  if (!other.ended && hasDropped(stream.trailers)) return undefined
  if (!other.ended) return 'it has ended, for nghttp2 it has not'
  return (
    unequal('body', stream.body, other.body) ?? unequal('trailers', stream.trailers, withCookiesJoined(other.trailers))
  )
}

function unequal(what: string, own: unknown, other: unknown): string | undefined {
  const [one, two] = [JSON.stringify(own), JSON.stringify(other)]
  return one === two ? undefined : `${what} ${one}, for nghttp2 ${two}`
}

/** Pseudo-headers in the order of a request line, then the fields, among which there is always a Host. */
function asRequest(raw: readonly Field[]): Field[] {
  const of = (name: string): string | undefined => raw.find(([other]) => other === name)?.[1]
  const fields = withCookiesJoined(raw.filter(([name]) => !name.startsWith(':')))
  const host = of('host')
  const authority = of(':authority')
  if (host === undefined && authority !== undefined) fields.push(['host', authority])
  return [
    [':method', of(':method') ?? ''],
    [':path', of(':path') ?? ''],
    [':authority', host ?? authority ?? ''],
    ...fields,
  ]
}

/** Crumbs of a cookie are one field to everybody else (RFC 9113 §8.2.3). */
function withCookiesJoined(fields: readonly Field[]): Field[] {
  const crumbs = fields.filter(([name]) => name === 'cookie').map(([, value]) => value)
  const first = fields.findIndex(([name]) => name === 'cookie')
  return fields.flatMap((field, index): Field[] => {
    if (field[0] !== 'cookie') return [field]
    return index === first ? [['cookie', crumbs.join('; ')]] : []
  })
}
