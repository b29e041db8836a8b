import type { Random } from '../../random.ts'
import { type Draft, text, withChunks } from './draft.ts'
import {
  CHUNK_ENDS,
  CHUNKS,
  CODING_LINES,
  CONNECTION_LINES,
  FIELD_LINES,
  HOST_LINES,
  METHODS,
  TARGETS,
  VERSIONS,
} from './lines.ts'

/** Changes a request where proxies have been mistaken before. */
export type Mutation = (draft: Draft, random: Random) => void

/** All of them, by what they change. */
export const FAMILIES: readonly [Family, ...Family[]] = [
  ['transfer-encoding', transferEncoding],
  ['content-length', contentLength],
  ['host', host],
  ['target', target],
  ['request line', requestLine],
  ['connection', connection],
  ['field', field],
  ['chunks', chunks],
]

type Family = readonly [name: string, mutate: Mutation]

function setField(draft: Draft, name: string, line: string): void {
  const at = draft.fields.findIndex((field) => field.toLowerCase().startsWith(`${name}:`))
  if (at < 0) draft.fields.push(line)
  else draft.fields[at] = line
}

function addField(draft: Draft, line: string, random: Random): void {
  draft.fields.splice(random.below(draft.fields.length + 1), 0, line)
}

function transferEncoding(draft: Draft, random: Random): void {
  const line = random.pick(CODING_LINES)
  if (random.chance(0.7)) {
    withChunks(draft, random)
    draft.fields.pop()
    setField(draft, 'transfer-encoding', line)
  } else addField(draft, line, random)
  if (random.chance(0.1)) draft.version = 'HTTP/1.0'
}

function contentLength(draft: Draft, random: Random): void {
  draft.body = text(random)
  const length = draft.body.length
  const line = random.pick([
    `Content-Length: 00${length}`,
    `content-length:${length}`,
    `Content-Length: \t ${length} \t`,
    `Content-Length: +${length}`,
    `Content-Length: -${length}`,
    `Content-Length: ${length}, ${length}`,
    `Content-Length: ${length},`,
    `Content-Length: ${length} ${length}`,
    `Content-Length: 0x${length.toString(16)}`,
    `Content-Length: ${length}.0`,
    `Content-Length: ${length}e0`,
    `Content-Length: ${length}_0`,
    `Content-Length: "${length}"`,
    'Content-Length:',
    'Content-Length: 9007199254740992',
    'Content-Length: 18446744073709551616',
    `Content-Length: ${18_446_744_073_709_551_616n + BigInt(length)}`,
    `Content-Length: ${length}\r\nContent-Length: ${length}`,
    `Content-Length: ${length}\r\ncontent-length: ${length + 1}`,
    `Content-Length: ${length}\r\nContent_Length: 0`,
    `Content-Length: ${length + 1}`,
    `Content-Length: ${Math.max(0, length - 1)}`,
    `Content-Length : ${length}`,
    `Content-Length\xa0: ${length}`,
    `Content-Length: ${length}\x0b`,
    `Content-Length: \xa0${length}`,
    `X: y\nContent-Length: ${length}`,
    `Content-Length:\r\n ${length}`,
  ])
  draft.fields = draft.fields.filter((field) => !/^(?:transfer-encoding|content-length):/i.test(field))
  addField(draft, line, random)
}

function host(draft: Draft, random: Random): void {
  const line = random.pick(HOST_LINES)
  setField(draft, 'host', line)
  if (random.chance(0.1)) draft.version = 'HTTP/1.0'
}

function target(draft: Draft, random: Random): void {
  draft.target = random.pick(TARGETS)
  if (random.chance(0.1)) draft.method = 'OPTIONS'
}

function requestLine(draft: Draft, random: Random): void {
  const change = random.pick(['method', 'version'])
  if (change === 'method') {
    draft.method = random.pick(METHODS)
    return
  }
  draft.version = random.pick(VERSIONS)
}

function connection(draft: Draft, random: Random): void {
  const line = random.pick(CONNECTION_LINES)
  addField(draft, line, random)
}

function field(draft: Draft, random: Random): void {
  const line = random.pick(FIELD_LINES)
  addField(draft, line, random)
}

function chunks(draft: Draft, random: Random): void {
  draft.fields = draft.fields.filter((one) => !/^(?:transfer-encoding|content-length):/i.test(one))
  draft.fields.push('Transfer-Encoding: chunked')
  const start = random.pick(['', '3\r\nabc\r\n', '0003;x\r\nabc\r\n', 'A\r\n0123456789\r\n'])
  const chunk = random.pick(CHUNKS)
  const end = random.pick(CHUNK_ENDS)
  draft.body = start + (random.chance(0.6) ? chunk : '') + end
}
