import { constants, sensitiveHeaders } from 'node:http2'
import type { Random } from '../../random.ts'
import { flipped } from './changes.ts'
import type { Http2Codec } from './codec.ts'
import { ChanceEncoder, type Field, integer, literal, ReferenceDecoder, TABLE_LIMIT } from './hpack.ts'
import { readByServer, writtenByClient } from './nghttp2.ts'
import { END_HEADERS, END_STREAM, frame, PREFACE, settings, TYPE } from './wire.ts'

/** Header blocks of one connection, in their order. */
export type Blocks = readonly Buffer[]

/**
 * Reads blocks as an encoder may write them, most of them changed, with the codec and by the letter of RFC 7541: what
 * the codec takes has the same fields, and what was not changed it takes.
 */
export function decodedDifference(codec: Http2Codec, random: Random): Difference {
  const encoder = new ChanceEncoder(random)
  const changes = random.chance(0.7)
  const blocks = Array.from({ length: 1 + random.below(4) }, () => {
    const block = encoder.block(fieldsBy(random))
    return changes && random.chance(0.5) ? damaged(block, random) : block
  })
  const decoder = new codec.Decoder()
  const reference = new ReferenceDecoder()
  for (const block of blocks) {
    const own = decodedBy(decoder, block)
    const other = reference.read(block)
    if (own === undefined && other !== undefined && !changes)
      return { blocks, found: 'a block without a mistake is refused' }
    if (own === undefined) return undefined
    if (JSON.stringify(own) !== JSON.stringify(other)) {
      return { blocks, found: `fields ${JSON.stringify(own)}, by RFC 7541 ${JSON.stringify(other)}` }
    }
  }
  return undefined
}

/** Undefined: no difference. */
export type Difference = { readonly blocks: Blocks; readonly found: string } | undefined

/** Encodes requests with the codec; RFC 7541 and nghttp2 must read the same. */
export async function encodedDifference(codec: Http2Codec, random: Random): Promise<Difference> {
  const encoder = new codec.Encoder()
  const reference = new ReferenceDecoder()
  const requests = Array.from({ length: 1 + random.below(8) }, () => regularFields(random))
  const blocks = requests.map((fields, index) => {
    while (index > 0 && random.chance(0.3)) encoder.resize(random.below(TABLE_LIMIT * 2))
    const into = Buffer.alloc(16 * 1024)
    encoder.begin(into, 0)
    for (const place of [2, 6, 4]) encoder.indexed(place)
    encoder.named(1, 'shop.test', 'Host: shop.test')
    codec.encodeLines(fields.map(([name, value]) => `${name}: ${value}\r\n`).join(''), 0, encoder)
    return Buffer.from(into.subarray(0, encoder.at))
  })
  const frames = blocks.map((block, index) => frame(TYPE.headers, END_HEADERS | END_STREAM, 1 + 2 * index, block))
  const { streams } = await readByServer([PREFACE, settings(), ...frames])
  for (const [index, fields] of requests.entries()) {
    const expected = [...PSEUDO, ...fields.map(([name, value]) => [name.toLowerCase(), value])]
    for (const read of [reference.read(blocks[index] ?? EMPTY), streams.get(1 + 2 * index)?.fields]) {
      const found = `encoded ${JSON.stringify(expected)}, read ${JSON.stringify(read)}`
      if (JSON.stringify(expected) !== JSON.stringify(read)) return { blocks, found }
    }
  }
  return undefined
}

/** Has nghttp2 encode requests, with whatever table the codec's side asks for; the codec must read the same. */
export async function deflatedDifference(codec: Http2Codec, random: Random): Promise<Difference> {
  const size = random.pick([0, 100, 1000, TABLE_LIMIT, 1 + random.below(TABLE_LIMIT)])
  const requests = Array.from({ length: 1 + random.below(8) }, () => regularFields(random))
  const frames = await writtenByClient(
    settings([constants.NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, size]),
    requests.map((fields) => ({
      ':authority': 'shop.test',
      ...Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value])),
      [sensitiveHeaders]: fields.map(([name]) => name.toLowerCase()).filter(() => random.chance(0.2)),
    })),
  )
  const decoder = new codec.Decoder()
  const blocks = frames.filter(({ type }) => type === TYPE.headers).map(({ payload }) => payload)
  for (const [index, block] of blocks.entries()) {
    const sent = Object.entries(
      Object.fromEntries((requests[index] ?? []).map(([name, value]) => [name.toLowerCase(), value])),
    )
    const expected = JSON.stringify(sortedFields([...PSEUDO, ...sent]))
    const read = JSON.stringify(sortedFields(decodedBy(decoder, block) ?? []))
    if (read !== expected) return { blocks, found: `nghttp2 wrote ${expected}, read ${read}` }
  }
  return blocks.length === requests.length ? undefined : { blocks, found: `nghttp2 wrote ${blocks.length} blocks` }
}

const EMPTY = Buffer.alloc(0)
const PSEUDO: readonly Field[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'shop.test'],
]

function sortedFields(fields: readonly Field[]): Field[] {
  return fields.toSorted(([a], [b]) => (a < b ? -1 : 1))
}

function decodedBy(decoder: InstanceType<Http2Codec['Decoder']>, block: Buffer): Field[] | undefined {
  const fields: Field[] = []
  const around = Buffer.concat([GUARD, block, GUARD])
  const onField = ({ name, value }: { readonly name: string; readonly value: string }): void => {
    fields.push([name, value])
  }
  return decoder.decode(around, GUARD.length, GUARD.length + block.length, { onField }) ? fields : undefined
}

/** Bytes on both sides of a block that are not its own. */
const GUARD = Buffer.alloc(8, 0x82)

function fieldsBy(random: Random): Field[] {
  return Array.from({ length: random.below(8) }, () => [
    random.pick([':path', ':status', 'accept', 'cookie', 'x', 'x-a', bytesBy(random)]),
    random.chance(0.5) ? random.pick(['', 'a', '/', '200', 'v'.repeat(100 + random.below(1000))]) : bytesBy(random),
  ])
}

function bytesBy(random: Random): string {
  return String.fromCharCode(...Array.from({ length: random.below(20) }, () => random.below(256)))
}

/** As lines of HTTP/1.1 have them. Short names and values come again and again. */
function regularFields(random: Random): Field[] {
  const names = ['Accept', 'User-Agent', 'X-A', 'x-b', 'Authorization', 'ETag', 'X-Long', 'Cache-Control'] as const
  const chosen = names.filter(() => random.chance(0.6))
  return chosen.map((name) => [name, random.chance(0.5) ? random.pick(['a', 'b', '*/*']) : visibleBy(random)])
}

function visibleBy(random: Random): string {
  const length = random.chance(0.2) ? 100 + random.below(500) : random.below(30)
  const text = Array.from({ length }, () => 0x21 + random.below(0xdf)).filter((code) => code < 0x7f || code > 0xa0)
  return String.fromCharCode(...text)
}

function damaged(block: Buffer, random: Random): Buffer {
  if (random.chance(0.6)) return flipped(block, random)
  const more = random.pick(FRAGMENTS)
  return random.chance(0.5) ? Buffer.concat([block, more]) : Buffer.concat([more, block])
}

/** What a decoder may stumble over. */
const FRAGMENTS: readonly [Buffer, ...Buffer[]] = [
  Buffer.from([0x80]),
  integer(0x80, 7, 62),
  integer(0x80, 7, 200),
  integer(0x40, 6, 70),
  integer(0x20, 5, 0),
  integer(0x20, 5, TABLE_LIMIT),
  integer(0x20, 5, TABLE_LIMIT + 1),
  Buffer.from([0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]),
  Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]),
  Buffer.from([0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  Buffer.from([0, 1, 0x61, 0xff]),
  Buffer.from([0, 0x81, 0x1f, 0]),
  Buffer.from([0, 0x81, 0x18, 0]),
  Buffer.from([0, 0x82, 0x1f, 0xff, 0]),
  Buffer.from([0, 0x84, 0xff, 0xff, 0xff, 0xff, 0]),
  Buffer.from([0, 0x84, 0xff, 0xff, 0xff, 0xfc, 0]),
  literal(['', '']),
]
