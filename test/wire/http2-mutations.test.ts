import { connect, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { type Random, seeded } from '../random.ts'
import {
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  HEADERS,
  PADDED,
  PREFACE,
  SETTINGS,
  WINDOW_UPDATE,
} from './http2-client.ts'
import { readMessage } from './oracle/grammar.ts'
import { eventually, later, routed } from './support.ts'

const SEED = Number(process.env.BANYAN_SEED ?? Math.floor(Math.random() * 1_000_000))
const CONNECTIONS = 600
const PORTION = 20

const NAMES = [
  ':method',
  ':path',
  ':scheme',
  ':authority',
  ':status',
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'cookie',
  'te',
  'expect',
  'x-forwarded-for',
  'x_forwarded_for',
  'Upper',
  'x y',
  '',
  'x:y',
  'upgrade',
  'x-plain',
] as const
const VALUES = [
  'GET',
  'POST',
  '/',
  '/a/../b',
  '/%2e',
  'http',
  'shop.test',
  'shop.test:80',
  'a@b',
  '0',
  '3',
  '+3',
  '3, 3',
  'chunked',
  'close',
  'a=1',
  'trailers',
  '100-continue',
  '',
  ' x',
  'x\r\nInjected: 1',
  'x\ny',
  'x\0',
  '\u00e9',
  'GET / HTTP/1.1\r\n\r\n',
  '*',
  '/ HTTP/1.1\r\nX: 1',
] as const

/** Frames as a client sends them, some of them changed. */
function connection(random: Random): Buffer {
  const frames: Buffer[] = [frame(SETTINGS, 0, 0, [])]
  for (let turn = 0, id = 1; turn < 4; turn++, id += 2) frames.push(...request(id, random))
  const all = Buffer.concat([Buffer.from(PREFACE, 'latin1'), ...frames])
  if (random.chance(0.3)) {
    // Behind the preface, where it would be another protocol.
    for (let count = 1 + random.below(4); count > 0; count--)
      all[24 + random.below(all.length - 24)] = random.below(256)
  }
  return random.chance(0.1) ? all.subarray(0, 24 + random.below(all.length - 24)) : all
}

function request(id: number, random: Random): Buffer[] {
  const fields = [':method: POST', ':scheme: http', ':path: /', ':authority: shop.test', 'x-trace: 1']
  for (let count = random.below(3); count > 0; count--) {
    const field = `${random.pick(NAMES)}: ${random.pick(VALUES)}`
    const at = random.below(fields.length + 1)
    if (random.chance(0.5)) fields.splice(at, 0, field)
    else fields[Math.min(at, fields.length - 1)] = field
  }
  const whole = block(fields)
  const body = Buffer.from('abcdefghij'.slice(0, random.below(10)))
  const bodyless = random.chance(0.4)
  const cut = random.below(whole.length)
  const head = random.chance(0.2)
    ? [
        frame(HEADERS, bodyless ? END_STREAM : 0, id, whole.subarray(0, cut)),
        frame(CONTINUATION, END_HEADERS, id, whole.subarray(cut)),
      ]
    : [frame(HEADERS, END_HEADERS | (bodyless ? END_STREAM : 0), id, whole)]
  if (bodyless) return head
  const padded = Buffer.concat([Buffer.from([3]), body, Buffer.alloc(3)])
  const data = random.chance(0.2) ? frame(DATA, PADDED, id, padded) : frame(DATA, 0, id, body)
  const end = random.chance(0.5)
    ? frame(DATA, END_STREAM, id, [])
    : frame(HEADERS, END_HEADERS | END_STREAM, id, block([`${random.pick(NAMES)}: ${random.pick(VALUES)}`]))
  const extra = random.chance(0.2)
    ? [frame(random.below(12), random.below(256), random.pick([0, id, id + 2]), Buffer.alloc(random.below(12)))]
    : []
  return [...head, ...extra, data, frame(WINDOW_UPDATE, 0, 0, [0, 0, 1, 0]), end]
}

/** What is wrong with the requests that one upstream connection got; the last may be cut off. */
function fault(received: string): string | undefined {
  for (let at = 0; at < received.length; ) {
    const read = readMessage(received, at)
    if (read.kind === 'incomplete') return undefined
    if (read.kind === 'fault') return `${read.fault} in ${JSON.stringify(received.slice(at, at + 300))}`
    if (read.message.fields.some(([name]) => /^(?:injected|:.*|upper|x y|)$/i.test(name)))
      return JSON.stringify(read.message)
    at = read.end
  }
  return undefined
}

describe('whatever arrives by HTTP/2', () => {
  it(`H36: nothing but whole requests of HTTP/1.1 leaves, and nothing is left over (seed ${SEED})`, async () => {
    const { port, plane, upstream } = await routed()
    const random = seeded(SEED)
    for (let portion = 0; portion < CONNECTIONS / PORTION; portion++) {
      const sockets = Array.from({ length: PORTION }, () => speak(port, connection(random), random))
      await Promise.all(sockets.map(({ quiet }) => quiet))
      for (const { socket } of sockets) socket.destroy()
    }
    await eventually(() => plane.inFlight() === 0)
    expect(upstream.received.map(fault).filter((found) => found !== undefined)).toEqual([])
    const requests = upstream.received.join('').match(/HTTP\/1\.1\r\n/g)?.length ?? 0
    expect(requests).toBeGreaterThan(CONNECTIONS / 2)
  })

  it.each([
    'GET / HTTP/1.1\r\nHost: a\r\nx: x\r\nInjected: 1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nx y: 1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nabGET / HTTP/1.1\r\n\r\n',
  ])('would be seen: %j', (received) => {
    expect(fault(received)).toBeDefined()
  })
})

/** Sends bytes in pieces; `quiet` when the router closed, or said nothing for a while. */
function speak(
  port: number,
  bytes: Buffer,
  random: Random,
): { readonly socket: Socket; readonly quiet: Promise<void> } {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  later(() => {
    socket.destroy()
  })
  const cuts = [0, ...Array.from({ length: random.below(4) }, () => random.below(bytes.length)), bytes.length].sort(
    (a, b) => a - b,
  )
  const quiet = new Promise<void>((resolve) => {
    let timer = setTimeout(resolve, 150)
    socket.on('data', () => {
      clearTimeout(timer)
      timer = setTimeout(resolve, 30)
    })
    socket.on('error', () => resolve())
    socket.on('close', () => resolve())
  })
  void (async () => {
    for (let index = 1; index < cuts.length; index++) {
      socket.write(bytes.subarray(cuts[index - 1], cuts[index]))
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  return { socket, quiet }
}
