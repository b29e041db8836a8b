import type { CodecMessage, CodecReading } from './codec.ts'
import { isKnownMethod, type Reference, type ReferenceMessage, readReference, type Side } from './reference.ts'

/**
 * What the codec accepts and llhttp reads otherwise, as a sentence; undefined: nothing. What the codec refuses may be
 * anything: it is stricter on purpose.
 */
export function difference(codec: CodecReading, reference: Reference, side: Side): string | undefined {
  for (const [index, message] of codec.messages.entries()) {
    const other = reference.messages[index]
    if (other === undefined && isClosedByInterim(reference)) return undefined
    const found =
      other === undefined
        ? missing(message, reference)
        : messageDifference(message, other, reference, { side, waits: codec.refused === undefined })
    if (found === STOP) return undefined
    if (found !== undefined) return `message ${index + 1}: ${found}`
  }
  const more = reference.messages[codec.messages.length]
  if (side === 'request' && goesOn(codec) && more?.complete) return `llhttp reads another message: ${shown(more)}`
  return side === 'request' ? forwardedDifference(codec.messages) : undefined
}

/** Whether the codec would have read another message, if it had seen one. */
function goesOn({ messages, refused }: CodecReading): boolean {
  const last = messages.at(-1)
  return refused === undefined && (last === undefined || (last.complete && last.keepAlive))
}

/** From here on the two cannot be compared, and that is right. */
const STOP = 'stop'

/** An interim answer never ends a connection, whatever it says: llhttp reads nothing behind its `Connection: close`. */
function isClosedByInterim({ messages, error }: Reference): boolean {
  const last = messages.at(-1)
  if (error?.code !== 'HPE_CLOSED_CONNECTION' || last === undefined) return false
  return last.status >= 100 && last.status < 200
}

/** llhttp read no head here, or not to its end. */
function missing(message: CodecMessage, { error }: Reference): string {
  // llhttp has a list of methods; to us any token is one (RFC 9110 §9.1), as applications have methods of their own.
  // `PRI` it takes for the beginning of HTTP/2.
  if (error?.code === 'HPE_INVALID_METHOD' && !isKnownMethod(message.method)) return STOP
  if (message.method === 'PRI') return STOP
  return `accepted ${shown(message)}, llhttp refuses: ${error?.code} ${error?.reason}`
}

function messageDifference(
  message: CodecMessage,
  other: ReferenceMessage,
  { error }: Reference,
  { side, waits }: { readonly side: Side; readonly waits: boolean },
): string | undefined {
  const head = side === 'request' ? requestHeadDifference(message, other) : responseHeadDifference(message, other)
  if (head !== undefined) return head
  if (JSON.stringify(message.fields) !== JSON.stringify(other.fields)) return differ('fields', message, other)
  // The other way round is safe: a connection that we close serves nothing that could be read in two ways. Of an answer
  // that has no body whatever its fields say, llhttp judges by the fields.
  const judged = side === 'request' || message.framing === 'length' || message.framing === 'chunked'
  if (judged && message.keepAlive && !other.keepAlive) return differ('keepAlive', message, other)
  if (!message.complete) {
    if (other.complete && waits) return differ('end', message, other)
    return startsAlike(message.body, other.body) ? undefined : differ('body', message, other)
  }
  if (message.body !== other.body) return differ('body', message, other)
  if (framesInTrailers(message)) return STOP
  if (other.complete || message.framing === 'close') {
    return String(message.trailers) === String(other.trailers) ? undefined : differ('trailers', message, other)
  }
  return `accepted ${shown(message)} to its end, llhttp does not: ${error?.code} ${error?.reason}`
}

/**
 * In trailers llhttp heeds names that frame a message or end a connection (and then refuses, closes, or reads on): for
 * us they are fields like any other there, and dropped on the way.
 */
function framesInTrailers({ trailers }: CodecMessage): boolean {
  return trailers.some((name, index) => index % 2 === 0 && FRAMING.includes(name.toLowerCase()))
}

const FRAMING = ['content-length', 'transfer-encoding', 'connection', 'proxy-connection', 'upgrade']

function requestHeadDifference(message: CodecMessage, other: ReferenceMessage): string | undefined {
  const [, authority, path = '', query] = /^(?:https?:\/\/([^/?]*))?([^?]*)(?:\?(.*))?$/i.exec(other.url) ?? []
  const expected = path === '' ? (authority !== undefined && message.path === '*' ? '*' : '/') : path
  const same =
    message.method === other.method &&
    message.minor === other.minor &&
    message.path === expected &&
    message.query === query &&
    (authority === undefined || message.authority === authority)
  return same ? undefined : differ('head', message, other)
}

function responseHeadDifference(message: CodecMessage, other: ReferenceMessage): string | undefined {
  const same = message.status === other.status && message.minor === other.minor && message.reason === other.reason
  return same ? undefined : differ('head', message, other)
}

/** What is written for the upstream: llhttp must read each request as it was meant, and nothing besides. */
function forwardedDifference(messages: readonly CodecMessage[]): string | undefined {
  const whole = messages.filter(({ complete, forwarded }) => complete && forwarded !== undefined)
  for (const { method, body, forwarded } of whole) {
    if (forwarded === undefined || !isKnownMethod(method) || forwarded.target === '*') continue
    const { messages: read, error } = readReference(forwarded.text, 'request')
    const [one] = read
    if (one === undefined || read.length !== 1 || !one.complete || error !== undefined) {
      return `forwarded ${JSON.stringify(forwarded.text)} is not one message: ${error?.reason ?? read.length}`
    }
    if (written(one) !== forwarded.head || one.url !== forwarded.target || one.body !== body) {
      return `forwarded ${JSON.stringify(forwarded.text)} is read as ${shown(one)}`
    }
  }
  return undefined
}

function written({ method, url, fields }: ReferenceMessage): string {
  let text = `${method} ${url} HTTP/1.1\r\n`
  for (let index = 0; index < fields.length; index += 2) text += `${fields[index]}: ${fields[index + 1]}\r\n`
  return `${text}\r\n`
}

function startsAlike(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a)
}

function differ(what: string, message: CodecMessage, other: ReferenceMessage): string {
  return `${what}: accepted ${shown(message)}, llhttp reads ${shown(other)}`
}

function shown(value: object): string {
  return JSON.stringify(value).slice(0, 600)
}
