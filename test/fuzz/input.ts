import { createHash } from 'node:crypto'
import type { Random } from '../random.ts'
import { segments } from '../random.ts'
import { generate } from '../wire/oracle/mutations.ts'
import type { Side } from './reference.ts'

/** Bytes to be read, latin1, and as what. */
export type Input = { readonly side: Side; readonly text: string }

/** Longer ones only cost time: limits have tests of their own. */
const LENGTH_LIMIT = 6000

/** A new input: a request of the kind that the oracle sends, or an answer. */
export function freshInput(random: Random): Input {
  if (random.chance(0.3)) return { side: 'response', text: response(random) }
  const { text } = generate(random)
  return { side: 'request', text: text.length > LENGTH_LIMIT ? text.slice(0, 300) : text }
}

/** The input with one to four changes, with parts of another one perhaps. */
export function mutated(input: Input, other: Input, random: Random): Input {
  let { text } = input
  for (let left = 1 + random.below(4); left > 0; left--) text = random.pick(CHANGES)(text, random, other.text)
  return { side: input.side, text: text.slice(0, LENGTH_LIMIT) }
}

/** The name of the file that keeps it. */
export function nameOf({ side, text }: Input): string {
  return `${side}-${createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 16)}`
}

/** Cuts it as it might arrive. */
export function pieces({ text }: Input, random: Random): string[] {
  return random.chance(0.3) || text.length === 0 ? [text] : segments(text, random)
}

function response(random: Random): string {
  const status = random.pick([
    '200 OK',
    '204 No Content',
    '304 Not Modified',
    '404 Teil\xfc',
    '500',
    '200 ',
    '201 a  b',
  ])
  const interim = random.pick([
    '',
    '',
    'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
  ])
  const framed = random.pick([
    'Content-Length: 5\r\n\r\nhello',
    'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    'transfer-encoding:CHUNKED\r\n\r\n3;a="b"\r\nabc\r\n2\r\nde\r\n0\r\nA: b\r\n\r\n',
    '\r\nhello',
    'Connection: close\r\n\r\nhello',
    'Connection: keep-alive, x\r\nX: 1\r\nContent-Length: 0\r\n\r\n',
    'Set-Cookie: a=1\r\nset-cookie: b=2\r\nContent-Length: 0\r\n\r\n',
  ])
  return `${interim}HTTP/1.${random.pick([1, 1, 0])} ${status}\r\nServer: x\r\n${framed}`
}

type Change = (text: string, random: Random, other: string) => string

const CHANGES: readonly [Change, ...Change[]] = [
  function byte(text, random) {
    const at = random.below(text.length + 1)
    return text.slice(0, at) + random.pick([String.fromCharCode(random.below(256)), ...BYTES]) + text.slice(at + 1)
  },
  function insert(text, random) {
    const at = random.below(text.length + 1)
    return text.slice(0, at) + random.pick(TOKENS) + text.slice(at)
  },
  function insertLine(text, random) {
    const at = lineStart(text, random)
    return text.slice(0, at) + random.pick(LINES) + text.slice(at)
  },
  function remove(text, random) {
    const at = random.below(text.length + 1)
    return text.slice(0, at) + text.slice(at + 1 + random.below(random.pick([1, 1, 2, 8, 40])))
  },
  function removeLine(text, random) {
    const at = lineStart(text, random)
    const end = text.indexOf('\n', at)
    return end < 0 ? text : text.slice(0, at) + text.slice(end + 1)
  },
  function repeat(text, random) {
    const at = random.below(text.length + 1)
    const part = text.slice(at, at + 1 + random.below(random.pick([1, 4, 40, 200])))
    return text.slice(0, at) + part + text.slice(at)
  },
  function repeatLine(text, random) {
    const at = lineStart(text, random)
    const line = text.slice(at, text.indexOf('\n', at) + 1)
    return text.slice(0, at) + line + text.slice(at)
  },
  function numbers(text, random) {
    const found = [...text.matchAll(/\d+/g)]
    const one = found[random.below(found.length)]
    if (one === undefined) return text
    const changed = random.pick([`${Number(one[0]) + 1}`, `${Number(one[0]) - 1}`, `0${one[0]}`, `+${one[0]}`, '0', ''])
    return text.slice(0, one.index) + changed + text.slice(one.index + one[0].length)
  },
  function letterCase(text, random) {
    const at = random.below(text.length + 1)
    const end = at + 1 + random.below(20)
    const part = text.slice(at, end)
    return (
      text.slice(0, at) +
      (random.chance(0.5) ? part.toUpperCase() : part.toLowerCase()).slice(0, part.length) +
      text.slice(end)
    )
  },
  function cut(text, random) {
    return text.slice(0, random.below(text.length + 1))
  },
  function cross(text, random, other) {
    return text.slice(0, lineStart(text, random)) + other.slice(lineStart(other, random))
  },
  function both(text, _random, other) {
    return text + other
  },
]

const BYTES = [
  '\r',
  '\n',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '"',
  '\\',
  '%',
  '/',
  '?',
  '#',
  '\x0b',
  '\x7f',
  '\x80',
  '\xa0',
  '\xff',
] as const

const TOKENS = [
  ...BYTES,
  '\r\n',
  '\r\n\r\n',
  '\n\n',
  '0\r\n\r\n',
  'chunked',
  'HTTP/1.1',
  'http://a.test',
  '/../',
  '%2e',
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
] as const

const LINES = [
  'Host: a\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Connection: close\r\n',
  'Connection: keep-alive\r\n',
  'Connection: upgrade\r\n',
  'Upgrade: websocket\r\n',
  'Expect: 100-continue\r\n',
  'A: b\r\n',
  ' folded\r\n',
  '\r\n',
  '\n',
  '5\r\nhello\r\n',
  'a;b="c"\r\n0123456789\r\n',
  '0\r\n',
  'Trailer: x\r\n',
] as const

function lineStart(text: string, random: Random): number {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts[random.below(starts.length)] ?? 0
}
