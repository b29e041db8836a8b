import { type Field, type Message, type Read, readMessage, valuesOf } from './grammar.ts'

/** What must become of bytes that a client sends. */
export type Expected = {
  /** Requests that must reach the upstream in this order; `here`: answered by the router itself. */
  readonly requests: readonly (Delivered | 'here')[]
  /**
   * And then: `open`: the connection waits for more. `closed`: the last request ended it. `refused`: an error and the
   * end. `incomplete`: the rest never came; it may be refused already, and must not be delivered. `unread`: the last one
   * was answered here before its body was read; what follows is drained or dropped (H33).
   */
  readonly end: 'open' | 'closed' | 'refused' | 'incomplete' | 'unread'
  readonly why: string
}

/** A request as the upstream must see it, but for the fields that the router adds. */
export type Delivered = Pick<Message, 'method' | 'target' | 'fields' | 'body'> & { readonly trailers: readonly Field[] }

/** Reads the bytes as one client's connection, by the grammar and the rows H1–H25. */
export function expected(text: string, upstreamAuthority: string): Expected {
  const requests: (Delivered | 'here')[] = []
  let at = 0
  for (;;) {
    // RFC 9112 §2.2: one empty line before a request is passed over.
    if (text.startsWith('\r\n', at)) at += 2
    if (at >= text.length || text.slice(at) === '\r') return { requests, end: 'open', why: 'everything was read' }
    const read = readMessage(text, at)
    const fault = limitFault(text, at) ?? (read.kind === 'message' ? rowFault(read.message) : undefined)
    if (fault !== undefined) return { requests, end: 'refused', why: fault }
    const here = ANSWERED_HERE.test(text.slice(at, at + 8192))
    if (here && hasBody(text, at, read)) return { requests, end: 'unread', why: 'answered here' }
    if (read.kind === 'incomplete') return { requests, end: 'incomplete', why: 'the rest is missing' }
    if (read.kind === 'fault') return { requests, end: read.early ? 'incomplete' : 'refused', why: read.fault }
    const { message, end } = read
    const delivered = here ? 'here' : deliver(message, upstreamAuthority)
    if (delivered === undefined) return { requests, end: 'refused', why: 'a path that leads nowhere' }
    requests.push(delivered)
    if (!isKept(message)) return { requests, end: 'closed', why: 'the client asked for it' }
    at = end
  }
}

const ANSWERED_HERE = /^OPTIONS (?:\*|https?:\/\/[^/? ]*) HTTP\/1\.[01]\r\n/i

/** Where a whole head has one, or seems to. */
function hasBody(text: string, start: number, read: Read): boolean {
  if (read.kind === 'message') return read.end > headEnd(text, start)
  return /\r\n(?:content-length|transfer-encoding):/i.test(text.slice(start, Math.max(start, headEnd(text, start))))
}

/** Behind the empty line; -1: it never ends, so it may be refused early, or waited for. */
function headEnd(text: string, start: number): number {
  const found = text.indexOf('\r\n\r\n', start)
  return found < 0 ? -1 : found + 4
}

/** H10. */
function limitFault(text: string, start: number): string | undefined {
  const end = headEnd(text, start)
  if (end < 0) return undefined
  const head = text.slice(start, end - 2)
  const target = /^[^ ]* ([^ ]*) HTTP\/\d\.\d\r\n/.exec(head)?.[1] ?? ''
  if (target.length > 8 * 1024) return 'a target over 8 KiB'
  if (head.length > 32 * 1024) return 'a head over 32 KiB'
  return head.split('\r\n').length - 2 > 200 ? 'more than 200 fields' : undefined
}

const ESSENTIAL = /^(?:host|content-length|transfer-encoding|authorization|cookie|x-forwarded-.*)$/

/** H9, H12, H20. */
function rowFault(message: Message): string | undefined {
  if (message.method === 'CONNECT' || message.method === 'TRACE') return `the method ${message.method}`
  const named = connectionOptions(message).find((option) => ESSENTIAL.test(option))
  if (named !== undefined) return `Connection names ${named}`
  const strange = valuesOf(message.fields, 'expect').find((value) => value.toLowerCase() !== '100-continue')
  return message.minor === 1 && strange !== undefined ? `the expectation ${strange}` : undefined
}

function connectionOptions({ fields }: Message): string[] {
  const members = valuesOf(fields, 'connection').flatMap((value) => value.split(','))
  return members.map((member) => member.replace(/^[ \t]+|[ \t]+$/g, '').toLowerCase())
}

/** RFC 9112 §9.3: `close` wins wherever it stands. */
function isKept(message: Message): boolean {
  const options = connectionOptions(message)
  return !options.includes('close') && (message.minor === 1 || options.includes('keep-alive'))
}

/** Undefined where its path has no canonical form. */
function deliver(message: Message, upstreamAuthority: string): Delivered | undefined {
  const [, authority, rest = ''] = /^(?:https?:\/\/([^/?]*))?(.*)$/i.exec(message.target) ?? []
  const question = rest.indexOf('?')
  const path = canonical((question < 0 ? rest : rest.slice(0, question)) || '/')
  if (path === undefined) return undefined
  const host = authority ?? valuesOf(message.fields, 'host')[0] ?? upstreamAuthority
  const named = connectionOptions(message)
  const passing = message.fields.filter(
    ([name, value]) => !isDropped(name.toLowerCase(), value, message) && !named.includes(name.toLowerCase()),
  )
  return {
    method: message.method,
    target: path + (question < 0 ? '' : rest.slice(question)),
    fields: [['Host', host], ...passing.map(normalised)],
    body: message.body,
    trailers: message.trailers,
  }
}

/** H24: unreserved characters decoded once, then dot segments resolved; undefined: refused. */
function canonical(path: string): string | undefined {
  const decoded = path.replace(/%([0-9A-Fa-f]{2})/g, (encoded, digits) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16))
    return /[A-Za-z0-9\-._~]/.test(character) ? character : encoded
  })
  const kept: string[] = []
  for (const segment of decoded.split('/').slice(1)) {
    const dots = /^(\.\.?)(;.*)?$/.exec(segment)
    if (dots?.[2] !== undefined) return undefined
    if (dots?.[1] === '..' && kept.pop() === undefined) return undefined
    if (dots === null) kept.push(segment)
  }
  if (/\/\.\.?$/.test(decoded)) kept.push('')
  return `/${kept.join('/')}`
}

const OURS = ['host', 'transfer-encoding', 'connection', 'x-request-id', 'trailer', 'upgrade', 'te', 'keep-alive']
const PROXIES = ['proxy-connection', 'proxy-authorization', 'proxy-authenticate', 'http2-settings']
const CLAIMS = ['forwarded', 'x-real-ip', 'x-original-url', 'x-rewrite-url']
const FRAMING = ['content-length', 'transfer-encoding', 'host']

/** H14, H16: what never comes from a client. */
function isDropped(name: string, value: string, { minor }: Message): boolean {
  const plain = name.replaceAll('_', '-')
  if (CLAIMS.includes(plain) || plain.startsWith('x-forwarded-') || plain.startsWith('x-banyan-')) return true
  if (name !== plain) return FRAMING.includes(plain)
  if (name === 'expect') return minor === 0 || value === ''
  return OURS.includes(name) || PROXIES.includes(name)
}

function normalised([name, value]: Field): Field {
  return name.toLowerCase() === 'content-length' ? [name, String(Number(value))] : [name, value]
}
