import { type Random, segments } from '../../random.ts'
import { plainDraft, written } from './draft.ts'
import { FAMILIES } from './families.ts'

/** What one client sends on one connection. */
export type Case = {
  /** The families of the mutations in it; `plain`: none. */
  readonly name: string
  readonly text: string
  /** The text, cut as it is sent. */
  readonly pieces: readonly string[]
}

/** One to three pipelined requests; four of five connections carry one or two mutations, and some lose their end. */
export function generate(random: Random): Case {
  const drafts = Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, () => plainDraft(random))
  const names: string[] = []
  for (let left = random.pick([0, 1, 1, 1, 2]); left > 0; left--) {
    const [name, mutate] = random.pick(FAMILIES)
    names.push(name)
    mutate(drafts[random.below(drafts.length)] ?? plainDraft(random), random)
  }
  let text = drafts.map(written).join('')
  if (random.chance(0.25)) {
    const [name, change] = random.pick(TEXT_FAMILIES)
    names.push(name)
    text = change(text, random)
  }
  return { name: names.join(' + ') || 'plain', text, pieces: segments(text, random) }
}

type Named<T> = readonly [name: string, change: T]

/** The end of one line is written in another way. */
function lineEnds(text: string, random: Random): string {
  const lines = text.split('\r\n')
  const at = random.below(Math.max(1, lines.length - 1))
  const end = random.pick([
    '\n',
    '\r',
    '\r\r\n',
    '\n\r',
    '\0\r\n',
    ' \r\n',
    '\t\r\n',
    '\x0b\r\n',
    '\r\n\r\n',
    '',
    '\r\n ',
  ])
  return lines.slice(0, at + 1).join('\r\n') + end + lines.slice(at + 1).join('\r\n')
}

function truncated(text: string, random: Random): string {
  return text.slice(0, 1 + random.below(text.length))
}

/** A byte is lost, doubled, changed or added. */
function oneByte(text: string, random: Random): string {
  const at = random.below(text.length)
  const byte = random.chance(0.5)
    ? String.fromCharCode(random.below(256))
    : random.pick(['\r', '\n', ' ', ':', '\0', ';'])
  const there = text[at] ?? ''
  return text.slice(0, at) + random.pick(['', there + there, byte, there + byte]) + text.slice(at + 1)
}

/** Bytes between or behind requests. */
function strayBytes(text: string, random: Random): string {
  const stray = random.pick([
    '\r\n',
    '\r\n\r\n',
    '\n',
    '\0',
    'x',
    'GET / HTTP/1.1\r\nHost: a',
    'GET /\r\n',
    '0\r\n\r\n',
  ])
  return random.chance(0.5) ? text + stray : stray + text
}

const TEXT_FAMILIES: readonly [Named<typeof oneByte>, ...Named<typeof oneByte>[]] = [
  ['line ends', lineEnds],
  ['truncation', truncated],
  ['one byte', oneByte],
  ['stray bytes', strayBytes],
]
