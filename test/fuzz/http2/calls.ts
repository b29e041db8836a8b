import type { Random } from '../../random.ts'
import { ChanceEncoder, type Field } from './hpack.ts'
import { block, data, interleaved, otherFrame } from './parts.ts'
import { ACK, frame, settings, TYPE, uint32 } from './wire.ts'

export type Generated = { readonly frames: readonly Buffer[]; readonly valid: boolean }

/** What a client sends behind its preface. */
export function clientFrames(random: Random): Generated {
  const encoder = new ChanceEncoder(random)
  const flawed = random.chance(0.5)
  const streams: Buffer[][] = []
  let id = 1
  // Blocks are encoded in the order in which they are sent: streams begin one behind the other, trailers come last.
  const ends: (() => Buffer[])[] = []
  for (let count = 1 + random.below(4); count > 0; count--) {
    const { head, body } = call(random, flawed && random.chance(0.5))
    const hasTrailers = random.chance(0.2)
    const own = id
    streams.push([
      ...block(encoder, own, head, body === undefined && !hasTrailers, random),
      ...(body === undefined ? [] : data(own, body, !hasTrailers, random)),
    ])
    if (hasTrailers)
      ends.push(() => block(encoder, own, trailers(random, flawed), !(flawed && random.chance(0.2)), random))
    id += 2 * (1 + (random.chance(0.1) ? 1 : 0))
  }
  const last = ends.flatMap((end) => end())
  const opening = [settings(...ownSettings(random)), frame(TYPE.settings, ACK, 0)]
  const between = random.chance(0.5) ? [] : [otherFrame(1, random)]
  const cancelled = random.chance(0.1) ? [frame(TYPE.rstStream, 0, 1, uint32(8))] : []
  const frames = [...opening, ...interleaved(streams, random), ...last, ...between, ...cancelled]
  return { frames, valid: !flawed }
}

function ownSettings(random: Random): [number, number][] {
  const all: [number, number][] = [
    [1, random.below(8192)],
    [2, 0],
    [3, random.below(200)],
    [4, random.below(200_000)],
    [5, 16_384 + random.below(1000)],
    [6, 65_536],
    [0x77, random.below(1000)],
  ]
  return all.filter(() => random.chance(0.2))
}

function call(random: Random, flawed: boolean): { readonly head: Field[]; readonly body: string | undefined } {
  const method = random.pick(['GET', 'POST', 'PUT', 'HEAD', 'QUERY', 'OPTIONS'])
  const body = random.chance(0.5) ? 'x'.repeat(random.chance(0.1) ? random.below(3000) : random.below(12)) : undefined
  const head: Field[] = [
    [':method', method],
    [':scheme', random.pick(['http', 'https'])],
    [
      ':path',
      method === 'OPTIONS' && random.chance(0.5)
        ? '*'
        : random.pick(['/', '/a?b=c', '/index.html', '/%2f/..', '//', '/?']),
    ],
    [':authority', random.pick(['shop.test', 'shop.test:8080', '[::1]:80', 'a'])],
  ]
  if (random.chance(0.2)) {
    const [, authority] = head[3] ?? ['', '']
    if (random.chance(0.5)) head.splice(3, 1)
    head.push(['host', authority])
  }
  shuffle(head, head.findLastIndex(([name]) => name.startsWith(':')) + 1, random)
  if (random.chance(0.3))
    head.push(['content-length', String((body?.length ?? 0) + (flawed && random.chance(0.3) ? 1 : 0))])
  for (let count = random.below(5); count > 0; count--) head.push(random.pick(PLAIN_FIELDS))
  return { head: flawed ? spoilt(head, random) : head, body }
}

function shuffle(head: Field[], end: number, random: Random): void {
  const first = head.splice(0, end)
  while (first.length > 0) head.unshift(...first.splice(random.below(first.length), 1))
}

function trailers(random: Random, flawed: boolean): Field[] {
  const fields: Field[] = [
    ['x-check', String(random.below(100))],
    ...(random.chance(0.5) ? [random.pick(PLAIN_FIELDS)] : []),
  ]
  return flawed && random.chance(0.4) ? spoilt(fields, random) : fields
}

/** The fields with a mistake, of which most are. */
export function spoilt(fields: readonly Field[], random: Random): Field[] {
  const out = [...fields]
  const at = random.below(out.length + 1)
  const [name, value] = out[Math.min(at, out.length - 1)] ?? ['a', 'b']
  const put = (...more: Field[]): number => out.splice(at, random.chance(0.3) ? 1 : 0, ...more).length
  const choice = random.below(8)
  if (choice === 0) put([name, value])
  else if (choice === 1) out.splice(at, 1)
  else if (choice === 2) put([name, value + random.pick([' ', '\t', '\0', '\r\n', '\x7f', 'é', 'a', ','])])
  else if (choice === 3) put([name + random.pick([' ', ':', 'A', '\0', 'é', '_', '-']), value])
  else put(random.pick(BAD_FIELDS))
  return out
}

type Fields = readonly [Field, ...Field[]]

const PLAIN_FIELDS: Fields = [
  ['accept', '*/*'],
  ['accept-encoding', 'gzip, deflate'],
  ['cookie', 'a=1'],
  ['cookie', 'b=2; c=3'],
  ['te', 'trailers'],
  ['user-agent', 'curl/8.5.0'],
  ['x-empty', ''],
  ['x-latin', 'caf\xe9'],
  ['x-tab', 'a\tb'],
  ['x-tilde', '~!#$%&\'*+-.^_`|{}"\\'],
  ['authorization', 'Basic eDp5'],
  ['x-long', 'v'.repeat(300)],
  ['if-none-match', '"a"'],
  ['expect', '100-continue'],
]

const BAD_FIELDS: Fields = [
  ['connection', 'close'],
  ['keep-alive', 'timeout=5'],
  ['proxy-connection', 'close'],
  ['transfer-encoding', 'chunked'],
  ['upgrade', 'websocket'],
  ['te', 'gzip'],
  ['te', 'Trailers'],
  ['Accept', '*/*'],
  ['', 'empty'],
  [':method', 'GET'],
  [':method', 'CONNECT'],
  [':method', 'G T'],
  [':method', ''],
  [':path', ''],
  [':path', '*'],
  [':path', 'a'],
  [':path', '/a b'],
  [':path', '/é'],
  [':path', 'http://a/'],
  [':scheme', 'ftp'],
  [':scheme', ''],
  [':authority', ''],
  [':authority', 'u@a'],
  [':authority', 'a b'],
  [':authority', 'b.test'],
  [':status', '200'],
  [':status', '99'],
  [':protocol', 'websocket'],
  [':unknown', 'x'],
  ['host', ''],
  ['host', 'b.test'],
  ['host', 'a,b'],
  ['content-length', '0'],
  ['content-length', '5'],
  ['content-length', '+5'],
  ['content-length', '5, 5'],
  ['content-length', ''],
  ['content-length', '18446744073709551616'],
  ['cookie', ''],
  ['x', ' lead'],
  ['x', 'tail '],
  ['x', '\x01'],
]
