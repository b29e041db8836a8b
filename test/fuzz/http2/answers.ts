import type { Random } from '../../random.ts'
import { type Generated, spoilt } from './calls.ts'
import { ChanceEncoder, type Field } from './hpack.ts'
import { REQUESTS } from './nghttp2.ts'
import { block, data, interleaved, otherFrame } from './parts.ts'
import { ACK, frame, TYPE, uint32 } from './wire.ts'

/** What a server sends in answer to `REQUESTS`, behind its settings. */
export function serverFrames(random: Random): Generated {
  const encoder = new ChanceEncoder(random)
  const flawed = random.chance(0.5)
  const streams: Buffer[][] = []
  const ends: (() => Buffer[])[] = []
  for (const [index, method] of REQUESTS.entries()) {
    if (random.chance(0.3)) continue
    const id = 1 + 2 * index
    const wrong = flawed && random.chance(0.5)
    const interims = Array.from({ length: random.chance(0.2) ? 1 + random.below(2) : 0 }, () =>
      block(
        encoder,
        id,
        [
          [':status', random.pick(['100', '103'])],
          ['link', '</a>'],
        ],
        wrong && random.chance(0.2),
        random,
      ),
    )
    const { head, body } = answer(method, random, wrong)
    const hasTrailers = random.chance(0.2)
    // Blocks stay in the order in which they were encoded.
    const heads = Buffer.concat([...interims.flat(), ...block(encoder, id, head, body === '' && !hasTrailers, random)])
    streams.push([heads, ...(body === '' ? [] : data(id, body, !hasTrailers, random))])
    const fields: Field[] = [['grpc-status', '0']]
    if (hasTrailers) ends.push(() => block(encoder, id, wrong ? spoilt(fields, random) : fields, true, random))
  }
  const first = random.chance(0.5) ? [frame(TYPE.settings, ACK, 0)] : []
  const between = random.chance(0.5) ? [] : [otherFrame(1, random)]
  const frames = [...first, ...interleaved(streams, random), ...ends.flatMap((end) => end()), ...between]
  if (random.chance(0.2)) frames.push(farewell(random))
  return { frames, valid: !flawed }
}

function farewell(random: Random): Buffer {
  const code = random.pick([0, 1, 2, 7, 8, 11])
  if (random.chance(0.6)) return frame(TYPE.rstStream, 0, 1 + 2 * random.below(REQUESTS.length), uint32(code))
  return frame(TYPE.goaway, 0, 0, Buffer.concat([uint32(random.pick([0, 1, 3, 5, 7, 2 ** 31 - 1])), uint32(code)]))
}

function answer(method: string, random: Random, flawed: boolean): { readonly head: Field[]; readonly body: string } {
  const status = random.pick(['200', '200', '404', '204', '304', '500', '206'])
  const bodyless = method === 'HEAD' || status === '204' || status === '304'
  const body =
    bodyless && !(flawed && random.chance(0.3)) ? '' : 'y'.repeat(random.below(random.chance(0.1) ? 3000 : 9))
  const head: Field[] = [[':status', status]]
  const stated = body.length + (flawed && random.chance(0.3) ? 1 : 0)
  const length = method === 'HEAD' || status === '304' ? random.below(20) : stated
  if (status !== '204' && random.chance(0.4)) head.push(['content-length', String(length)])
  for (let count = random.below(4); count > 0; count--) head.push(random.pick(ANSWER_FIELDS))
  return { head: flawed ? spoilt(head, random) : head, body }
}

const ANSWER_FIELDS: readonly [Field, ...Field[]] = [
  ['content-type', 'text/html'],
  ['server', 'nginx'],
  ['set-cookie', 'a=b'],
  ['set-cookie', 'c=d; Path=/'],
  ['cache-control', 'private'],
  ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
  ['x-long', 'v'.repeat(200)],
]
