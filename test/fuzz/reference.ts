/**
 * What llhttp reads, by the parser object that `node:http` itself puts behind every socket, without any leniency flag.
 *
 * It is taken from Node rather than from a package because this is the llhttp that servers really run, at the version
 * that the pinned runtime has, and rather than through an `http.Server` because that adds rules and streams of its own
 * and reads a tenth as many messages a second. A test holds that a real server reads the same.
 */
import { createRequire } from 'node:module'

export type Side = 'request' | 'response'

export type ReferenceMessage = {
  readonly method: string
  /** As received. */
  readonly url: string
  readonly status: number
  readonly reason: string
  readonly minor: number
  /** Name, value, name, value, … */
  readonly fields: readonly string[]
  readonly keepAlive: boolean
  readonly body: string
  /** Behind a chunked body, as `fields`. */
  readonly trailers: readonly string[]
  /** Whether it was read to its end; else it is the last one. */
  readonly complete: boolean
}

export type Reference = {
  readonly messages: readonly ReferenceMessage[]
  /** Why it stopped before the end of the bytes. */
  readonly error?: { readonly code: string; readonly reason: string }
}

/**
 * Reads the bytes (latin1) as one connection: the requests of a client, or the answers to one request. `toHead`: that
 * request was a HEAD.
 */
export function readReference(text: string, side: Side, toHead = false): Reference {
  messages = []
  skipBody = (status) => side === 'response' && (toHead || isBodiless(status))
  for (let rest = Buffer.from(text, 'latin1'); ; ) {
    begin(side)
    const result = PARSER.execute(rest)
    if (typeof result !== 'number') return { messages, error: { code: result.code, reason: result.reason } }
    // It stops where an upgrade was asked for; nobody here grants one, so requests go on.
    if (result === rest.length || result === 0) return { messages }
    rest = rest.subarray(result)
  }
}

/** Methods that llhttp knows; it reads no others. */
export function isKnownMethod(method: string): boolean {
  return methods.includes(method)
}

type Writable = { -readonly [Key in keyof ReferenceMessage]: ReferenceMessage[Key] }

type Parser = {
  initialize(type: number, resource: object, maxHeaderSize: number, lenientFlags: number): void
  execute(bytes: Buffer): number | (Error & { code: string; reason: string })
  [callback: number]: (...args: never[]) => unknown
}

type ParserClass = { new (): Parser } & Readonly<Record<Callback | 'REQUEST' | 'RESPONSE' | 'kLenientNone', number>>
type Callback = 'kOnHeaders' | 'kOnHeadersComplete' | 'kOnBody' | 'kOnMessageComplete'

// Node's own module, without types: its shape is asserted once, here.
const { HTTPParser, methods } = createRequire(import.meta.url)('_http_common') as {
  readonly HTTPParser: ParserClass
  readonly methods: readonly string[]
}

/** llhttp gives methods as numbers, and Node keeps their table to itself: it is read off the parser. */
const METHOD_NAMES = new Map<number, string>()
for (const method of methods) {
  const parser = new HTTPParser()
  parser.initialize(HTTPParser.REQUEST, {}, 0, HTTPParser.kLenientNone)
  parser[HTTPParser.kOnHeadersComplete | 0] = (_major: number, _minor: number, _fields: unknown, number: number) => {
    METHOD_NAMES.set(number, method)
  }
  parser.execute(Buffer.from(`${method} ${method === 'CONNECT' ? 'a:1' : '/'} HTTP/1.1\r\nHost: a\r\n\r\n`))
}

const HEAD_LIMIT = 128 * 1024
const SKIP_BODY = 1

/** What the one parser is reading into: it is used again for every connection, as Node uses its own. */
let messages: Writable[] = []
let skipBody: (status: number) => boolean = () => false
let flushed: string[] = []
let flushedUrl = ''

const PARSER = new HTTPParser()

PARSER[HTTPParser.kOnHeaders | 0] = (fields: string[], url: string) => {
  // Long lists come in parts before the head is complete; trailers come here behind it.
  flushed.push(...fields)
  flushedUrl += url
}

PARSER[HTTPParser.kOnHeadersComplete | 0] = (
  _major: number,
  minor: number,
  fields: string[] | null,
  method: number | undefined,
  url: string | null,
  status: number | undefined,
  reason: string | null,
  _upgrade: boolean,
  keepAlive: boolean,
) => {
  messages.push({
    method: method === undefined ? '' : (METHOD_NAMES.get(method) ?? `number ${method}`),
    url: url ?? flushedUrl,
    status: status ?? 0,
    reason: reason ?? '',
    minor,
    fields: fields ?? flushed,
    keepAlive,
    body: '',
    trailers: [],
    complete: false,
  })
  flushed = []
  flushedUrl = ''
  return skipBody(status ?? 0) ? SKIP_BODY : 0
}

PARSER[HTTPParser.kOnBody | 0] = (bytes: Buffer) => {
  const current = messages.at(-1)
  if (current !== undefined) current.body += bytes.toString('latin1')
}

PARSER[HTTPParser.kOnMessageComplete | 0] = () => {
  const current = messages.at(-1)
  if (current !== undefined) {
    current.complete = true
    current.trailers = flushed
  }
  flushed = []
  flushedUrl = ''
}

function begin(side: Side): void {
  flushed = []
  flushedUrl = ''
  const type = side === 'request' ? HTTPParser.REQUEST : HTTPParser.RESPONSE
  PARSER.initialize(type, {}, HEAD_LIMIT, HTTPParser.kLenientNone)
}

/** RFC 9112 §6.3. */
function isBodiless(status: number): boolean {
  return status < 200 || status === 204 || status === 304
}
