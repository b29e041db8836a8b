import { type Random, seeded } from '../random.ts'
import type { Codec, CodecMessage, CodecReading } from './codec.ts'
import { difference } from './compare.ts'
import { freshInput, type Input, mutated, pieces } from './input.ts'
import { type Reference, readReference } from './reference.ts'
import { readRequests } from './requests.ts'
import { answersOf } from './responses.ts'

export type Finding = { readonly input: Input; readonly difference: string }

export type Progress = {
  readonly executions: number
  /** Inputs that showed something new, those that it began with included. */
  readonly corpus: readonly Input[]
  readonly features: number
  readonly findings: readonly Finding[]
}

export type FuzzOptions = {
  readonly codec: Codec
  readonly seed: number
  readonly corpus?: readonly Input[]
  /** Asked every few hundred executions. */
  readonly enough: (progress: Progress) => boolean
}

/** Most findings that are kept; one is enough to fail. */
const FINDINGS_LIMIT = 20
const BETWEEN_QUESTIONS = 200

/** Reads inputs with the codec and with llhttp until `enough`. Inputs that show new features are changed further. */
export function fuzz({ codec, seed, corpus = [], enough }: FuzzOptions): Progress {
  const random = seeded(seed)
  const grown: Input[] = []
  const features = new Set<string>()
  const findings: Finding[] = []
  let executions = 0
  const look = (input: Input): void => {
    executions++
    const { found, shows } = execute(codec, input, random)
    if (found !== undefined && findings.length < FINDINGS_LIMIT) findings.push({ input, difference: found })
    const before = features.size
    for (const feature of shows) features.add(feature)
    if (features.size > before) grown.push(input)
  }
  const progress = (): Progress => ({ executions, corpus: grown, features: features.size, findings })
  for (const input of corpus) look(input)
  while (!enough(progress())) {
    for (let count = 0; count < BETWEEN_QUESTIONS; count++) look(next(grown, random))
  }
  return progress()
}

/** The smallest of these inputs that together show what all of them show, when they arrive in one piece. */
export function distilled(codec: Codec, inputs: readonly Input[], limit: number): Input[] {
  const covered = new Set<string>()
  const smallest = inputs.toSorted((a, b) => a.text.length - b.text.length || (a.text < b.text ? -1 : 1))
  return smallest
    .filter((input) => {
      const before = covered.size
      for (const feature of compared(codec, input, [input.text], true).shows) covered.add(feature)
      return covered.size > before
    })
    .slice(0, limit)
}

/** A smaller input with the same kind of difference: parts are left out as long as it stays. */
export function shrunk(codec: Codec, finding: Finding): Finding {
  let best = finding
  for (let size = Math.ceil(finding.input.text.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.input.text.length; ) {
      const text = best.input.text.slice(0, at) + best.input.text.slice(at + size)
      const input = { ...best.input, text }
      const found = compared(codec, input, [text], true).found
      if (found === undefined) at += size
      else best = { input, difference: found }
    }
  }
  return best
}

function next(corpus: readonly Input[], random: Random): Input {
  const one = corpus[random.below(corpus.length)]
  const other = corpus[random.below(corpus.length)]
  if (one === undefined || other === undefined || random.chance(0.15)) return freshInput(random)
  return mutated(one, other, random)
}

type Execution = { readonly found: string | undefined; readonly shows: readonly string[] }

function execute(codec: Codec, input: Input, random: Random): Execution {
  return compared(codec, input, pieces(input, random), random.chance(0.5))
}

function compared(codec: Codec, input: Input, parts: readonly string[], flag: boolean): Execution {
  const { side, text } = input
  const toHead = side === 'response' && text.length % 8 === 0
  const readBy = (cut: readonly string[]): CodecReading =>
    side === 'request' ? readRequests(codec, cut, flag ? 'at once' : 'later') : answersOf(codec, toHead).read(cut)
  const reading = readBy(parts)
  const reference = readReference(text, side, toHead)
  let found = difference(reading, reference, side)
  if (found !== undefined && TAB.test(text)) {
    const spaced = text.replace(TAB, tabAsSpace)
    const again = readBy(cutAlike(spaced, parts))
    found = difference(again, readReference(spaced, side, toHead), side) ?? shapeDifference(reading, again)
  }
  if (side === 'response' && flag) found ??= repeatedDifference(codec, parts, toHead)
  return { found, shows: featuresOf(side, reading, reference) }
}

/** What differs where the same answer comes twice on a connection, which takes a shorter way through the codec. */
function repeatedDifference(codec: Codec, parts: readonly string[], toHead: boolean): string | undefined {
  const answers = answersOf(codec, toHead)
  const first = answers.read(parts)
  if (!first.idle || first.messages.at(-1)?.framing === 'close') return undefined
  const [one, other] = [first, answers.read(parts)].map((reading) => JSON.stringify(reading))
  return one === other ? undefined : `the same answer again is read as ${other}, at first as ${one}`
}

/**
 * Behind `chunked` a tab is white space (RFC 9110 §5.6.3), which llhttp takes for part of another coding's name. Where
 * such a line is in an input, both read it with spaces instead; in a body it may be content, so the codec reads it again
 * too, and must read it alike.
 */
const TAB = /^(transfer-encoding:[ \t]*chunked)([ \t]+)(?=\r\n)/gim

function tabAsSpace(_line: string, field: string, blanks: string): string {
  return field + ' '.repeat(blanks.length)
}

/** Cuts the text where an equally long one was cut. */
function cutAlike(text: string, parts: readonly string[]): string[] {
  let at = 0
  return parts.map(({ length }) => {
    at += length
    return text.slice(at - length, at)
  })
}

/** What differs between readings that may differ only in the content of bodies. */
function shapeDifference(reading: CodecReading, spaced: CodecReading): string | undefined {
  const [one, other] = [reading, spaced].map(({ messages, refused, idle }) =>
    JSON.stringify([refused, idle, messages.map(shapeOf)]),
  )
  return one === other ? undefined : `a tab behind chunked is not read as a space: ${one}, with spaces ${other}`
}

function shapeOf({ body, forwarded, ...rest }: CodecMessage): object {
  return { ...rest, body: body.length, forwarded: forwarded?.head }
}

/** What an input makes happen, on both sides: inputs are worth keeping for what no other one shows. */
function featuresOf(side: string, reading: CodecReading, reference: Reference): string[] {
  const outcome = `${side} ${reading.refused ?? (reading.idle ? 'idle' : 'waiting')}`
  const other = reference.error?.reason ?? 'read'
  const count = Math.min(reading.messages.length, 3)
  const features = [`${outcome} after ${count}`, `${outcome}, llhttp: ${other}`]
  for (const {
    framing,
    complete,
    minor,
    seen,
    method,
    path,
    status,
    keepAlive,
    body,
    trailers,
    query,
  } of reading.messages) {
    const shape = `${side} ${framing} ${complete ? 'whole' : 'partial'}`
    features.push(
      `${shape} 1.${minor} ${keepAlive} ${outcome}`,
      `${shape} ${Math.min(body.length, 2)} ${Math.min(trailers.length, 3)}`,
    )
    features.push(`${isUsual(method)} ${path[0]} ${query === undefined}`, `${Math.trunc(status / 100)} ${framing}`)
    for (let kind = 1; kind < 25; kind++) if ((seen >> kind) & 1) features.push(`${side} ${framing} kind ${kind}`)
  }
  return features
}

function isUsual(method: string): string {
  return ['GET', 'POST', 'HEAD', 'OPTIONS'].includes(method) ? method : 'other'
}
