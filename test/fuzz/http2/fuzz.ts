import { type Random, seeded } from '../../random.ts'
import { decodedDifference, deflatedDifference, encodedDifference } from './blocks.ts'
import type { Http2Codec } from './codec.ts'
import { http2Difference, validDifference } from './compare.ts'
import { type Manner, readByCodec } from './downstream.ts'
import { freshHttp2, type Http2Input, http2Pieces, mutatedHttp2 } from './input.ts'
import { type Reading, readByClient, readByServer } from './nghttp2.ts'
import type { CodecReading } from './reading.ts'
import { readAnswersByCodec } from './upstream.ts'
import { framesIn, framewise, PREFACE, settings } from './wire.ts'

/** `blocks`: header blocks of one connection, one behind the other. */
export type Http2Finding = {
  readonly side: 'request' | 'response' | 'blocks'
  readonly bytes: Buffer
  readonly difference: string
}

export type Http2Progress = {
  readonly executions: number
  /** Inputs that showed something new, those that it began with included. */
  readonly corpus: readonly Http2Input[]
  readonly features: number
  readonly findings: readonly Http2Finding[]
}

export type Http2FuzzOptions = {
  readonly codec: Http2Codec
  readonly seed: number
  readonly corpus?: readonly Http2Input[]
  /** Asked every few executions. */
  readonly enough: (progress: Http2Progress) => boolean
}

/** Most findings that are kept; one is enough to fail. */
const FINDINGS_LIMIT = 20
const BETWEEN_QUESTIONS = 20
/** Sequences of header blocks that are read each time. */
const BLOCKS = 20
/** What a server says before requests are made. */
const OPENING = settings()

/** Reads inputs with the codec and with nghttp2 until `enough`. Inputs that show new features are changed further. */
export async function fuzzHttp2({ codec, seed, corpus = [], enough }: Http2FuzzOptions): Promise<Http2Progress> {
  const random = seeded(seed)
  const grown: Http2Input[] = []
  const features = new Set<string>()
  const findings: Http2Finding[] = []
  let executions = 0
  const note = ({ side, bytes }: Pick<Http2Finding, 'side' | 'bytes'>, difference: string): void => {
    if (findings.length < FINDINGS_LIMIT) findings.push({ side, bytes, difference })
  }
  const lookAtBlocks = async (): Promise<void> => {
    const all = [await encodedDifference(codec, random), await deflatedDifference(codec, random)]
    for (let count = 0; count < BLOCKS; count++) all.push(decodedDifference(codec, random))
    executions += all.length
    for (const one of all) if (one) note({ side: 'blocks', bytes: Buffer.concat(one.blocks) }, one.found)
  }
  const look = async (input: Http2Input): Promise<void> => {
    executions++
    const { found, shows } = await compared(codec, input, http2Pieces(input.bytes, random), mannerBy(random))
    if (found !== undefined) note(input, found)
    const before = features.size
    for (const feature of shows) features.add(feature)
    if (features.size > before) grown.push(input)
  }
  const progress = (): Http2Progress => ({ executions, corpus: grown, features: features.size, findings })
  for (const input of corpus) await look(input)
  while (!enough(progress())) {
    for (let count = 0; count < BETWEEN_QUESTIONS; count++) await look(next(grown, random))
    await lookAtBlocks()
  }
  return progress()
}

/** The smallest of these inputs that together show what all of them show, when they arrive in one piece. */
export async function distilledHttp2(
  codec: Http2Codec,
  inputs: readonly Http2Input[],
  limit: number,
): Promise<Http2Input[]> {
  const covered = new Set<string>()
  const kept: Http2Input[] = []
  for (const input of inputs.toSorted((a, b) => a.bytes.length - b.bytes.length)) {
    const before = covered.size
    for (const feature of (await compared(codec, input, [input.bytes], WAITING)).shows) covered.add(feature)
    if (covered.size > before && kept.length < limit) kept.push(input)
  }
  return kept
}

const WAITING: Manner = { answer: 'never', body: 0 }

function mannerBy(random: Random): Manner {
  const body = random.chance(0.1) ? random.below(200_000) : random.below(30)
  return { answer: random.pick(['never', 'never', 'at once', 'when whole']), body, probes: random.chance(0.03) }
}

function next(corpus: readonly Http2Input[], random: Random): Http2Input {
  const one = corpus[random.below(corpus.length)]
  if (one === undefined || random.chance(0.4)) return freshHttp2(random)
  const others = corpus.filter(({ side }) => side === one.side)
  return mutatedHttp2(one, others[random.below(others.length)] ?? one, random)
}

type Execution = { readonly found: string | undefined; readonly shows: readonly string[] }

async function compared(
  codec: Http2Codec,
  input: Http2Input,
  pieces: readonly Buffer[],
  manner: Manner,
): Promise<Execution> {
  const { side, valid } = input
  let reading: CodecReading
  try {
    reading =
      side === 'request'
        ? readByCodec(codec, pieces, manner)
        : readAnswersByCodec(codec, OPENING, pieces, manner.probes)
  } catch (error) {
    return { found: `the codec throws: ${error instanceof Error ? error.stack : error}`, shows: [] }
  }
  const skip = side === 'request' ? PREFACE.length : 0
  const sent = framewise(input.bytes, skip)
  const reference = side === 'request' ? await readByServer(sent) : await readByClient(OPENING, sent)
  const found =
    http2Difference(reading, reference, side, framesIn(input.bytes.subarray(skip)).frames) ??
    (valid ? validDifference(reading) : undefined)
  return { found, shows: featuresOf(side, reading, reference) }
}

/** What an input makes happen, on both sides: inputs are worth keeping for what no other one shows. */
function featuresOf(side: string, reading: CodecReading, reference: Reading): string[] {
  const features = [
    `${side} ${reading.error?.code} ${reference.error?.code} ${reference.error?.reason} ${Math.min(reading.streams.size, 3)}`,
  ]
  for (const { id, fields, ended, fault, body, trailers, interims } of reading.streams.values()) {
    const shape = `${side} ${ended} ${fault} ${reference.resets.get(id)} ${reading.resets.get(id)}`
    features.push(
      shape,
      `${shape} ${Math.min(body.length, 2)} ${Math.min(trailers.length, 2)} ${Math.min(interims.length, 2)}`,
    )
    for (const [name, value] of fields)
      features.push(`${side} ${ended} ${name}${name.startsWith(':') ? value.slice(0, 8) : ''}`)
  }
  for (const { type, flags } of reading.frames) features.push(`${side} writes ${type} ${flags}`)
  return features
}
