import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer } from 'node:http'
import type { AddressInfo, LookupFunction, Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DETECTORS } from '../../router/discovery/detectors/index.ts'
import { descriptionFetcher } from '../../router/discovery/fetch.ts'
import { systemClock } from '../../router/kernel/clock.ts'

/** Every address that this process begins to connect to, whoever asks for it and whether it succeeds or not. */
const attempted: string[] = []
function listen(message: unknown): void {
  const { socket } = message as { readonly socket: Socket }
  socket.on('connectionAttempt', (ip: string) => attempted.push(ip))
}
beforeEach(() => {
  attempted.length = 0
  subscribe('net.client.socket', listen)
})
afterEach(() => unsubscribe('net.client.socket', listen))

const SECRET = ['169.254.169.254', '169.254.170.2', '169.254.170.23', '100.100.100.200', '168.63.129.16']
const NAMES = [
  'metadata.google.internal',
  'METADATA.google.internal.',
  'metadata',
  'instance-data',
  'metadata.azure.com',
]
const SIX = ['fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254', 'fd00:c1::a9fe:a9fe', 'fd00:42::42']

/** The ways to write an IPv4 address that some resolver understands. */
function spellings(address: string): readonly string[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
  const whole = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
  const hex = (value: number, width = 0) => value.toString(16).padStart(width, '0')
  const octal = (value: number) => `0${value.toString(8)}`
  const high = hex((a << 8) | b, 4)
  const low = hex((c << 8) | d, 4)
  const four = [
    address,
    `${address}.`,
    String(whole),
    `0x${hex(whole)}`,
    `0X${hex(whole).toUpperCase()}`,
    octal(whole),
    [a, b, c, d].map((one) => `0x${hex(one)}`).join('.'),
    [a, b, c, d].map(octal).join('.'),
    [a, b, c, d].map((one) => `00${octal(one)}`).join('.'),
    `${a}.${b}.${(c << 8) | d}`,
    `${a}.${((b << 16) | (c << 8) | d) >>> 0}`,
    `0x${hex(a)}.${octal(b)}.${(c << 8) | d}`,
    `${octal(a)}.${b}.0x${hex(c)}.${d}`,
    // Digits of other scripts, which a URL makes plain ones.
    [...address].map((digit) => (digit === '.' ? '。' : String.fromCodePoint(0xff10 + Number(digit)))).join(''),
    encodeURIComponent(address).replaceAll(/\d/g, (digit) => `%3${digit}`),
  ]
  const six = [
    `::ffff:${address}`,
    `::FFFF:${high}:${low}`,
    `0:0:0:0:0:ffff:${address}`,
    `0000:0000:0000:0000:0000:ffff:${high}:${low}`,
    `::${address}`,
    `::ffff:0:${address}`,
    `64:ff9b::${address}`,
    `64:ff9b::${high}:${low}`,
    `64:ff9b:1::${address}`,
    `2002:${high}:${low}::1`,
    `2002:${high}:${low}:0:0:0:0:0`,
    `fe80::5efe:${address}`,
    `2001:0:1::${hex(~((a << 8) | b) & 0xffff)}:${hex(~((c << 8) | d) & 0xffff)}`,
    `64:ff9b:1:${high}:${hex(c)}:${hex(d)}00::`,
  ]
  return [...four, ...six, ...six.slice(0, 4).map((one) => `${one}%lo`)]
}

/** Ways to write an IPv6 address. */
function spellingsOfSix(address: string): readonly string[] {
  const [head = '', tail = ''] = address.split('::')
  const zeros = 8 - head.split(':').length - tail.split(':').length
  const groups = [...head.split(':'), ...Array<string>(zeros).fill('0'), ...tail.split(':')]
  const whole = groups.join(':')
  const padded = groups.map((group) => group.padStart(4, '0')).join(':')
  return [address, address.toUpperCase(), whole, padded, padded.toUpperCase(), `${address}%lo`]
}

const ENCODINGS = [...SECRET.flatMap(spellings), ...SIX.flatMap(spellingsOfSix), ...NAMES]

const fetcher = (resolve?: LookupFunction) =>
  descriptionFetcher({ version: '0', clock: systemClock, ...(resolve && { resolve }) })
const never = new AbortController().signal

/** One round of asking for a description at this address, as the operator might write it. */
function detect(openapi: string) {
  const upstream = {
    name: 'a',
    endpoints: [],
    discover: { openapi, mappings: undefined },
    ownHosts: [],
    declares: undefined,
    failure: undefined,
  }
  const detector = DETECTORS.find(({ kind }) => kind === 'openapi')
  return detector?.detect({ upstream, fetch: fetcher(), clock: systemClock, signal: never, memory: undefined })
}

/** An HTTP server on the loopback interface that counts who comes. */
async function peer(headers: Readonly<Record<string, string>> = {}, status = 200) {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(request.url ?? '')
    response.writeHead(status, headers).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { port, seen, [Symbol.asyncDispose]: async () => void server.close() }
}

describe('addresses where cloud machines keep their credentials', () => {
  it('are at least 300, with both ways of giving them', () => {
    expect(new Set(ENCODINGS).size * 2).toBeGreaterThan(300)
  })

  it('are not connected to as an endpoint, however they are written', async () => {
    const fetch = fetcher()
    const asked = ENCODINGS.map((host) => fetch({ host, port: 80, secure: false, path: '/', signal: never }))
    const kinds = (await Promise.all(asked)).map(({ kind }) => kind)
    expect(attempted).toEqual([])
    expect(kinds).not.toContain('answered')
  })

  it('are not connected to as the address of a description, however they are written', async () => {
    const written = ENCODINGS.map((host) => (host.includes(':') ? `[${host.replace('%', '%25')}]` : host))
    const places = written.map((host) => `http://${host}/openapi.json`).filter((url) => URL.canParse(url))
    expect(places.length).toBeGreaterThan(130)
    const found = await Promise.all(places.map(detect))
    expect(attempted).toEqual([])
    expect(found.map((finding) => finding?.kind)).toEqual(places.map(() => 'failed'))
  })

  it('would be noticed: other addresses are connected to', async () => {
    await using server = await peer()
    const hosts = ['127.0.0.1', '2130706433', '0x7f000001', '::ffff:127.0.0.1']
    const fetch = fetcher()
    for (const host of hosts) await fetch({ host, port: server.port, secure: false, path: '/', signal: never })
    expect(server.seen).toHaveLength(4)
    expect(attempted).toHaveLength(4)
  })

  it('are not connected to behind a redirect', async () => {
    for (const host of SECRET) {
      await using server = await peer({ location: `http://${host}/latest/meta-data` }, 302)
      await detect(`http://127.0.0.1:${server.port}/openapi.json`)
      expect(server.seen).toEqual(['/openapi.json'])
    }
    expect(new Set(attempted)).toEqual(new Set(['127.0.0.1']))
  })

  it('are not connected to by a name that changes its mind, nor by one of several addresses of a name', async () => {
    await using server = await peer()
    const answers = [
      [{ address: '127.0.0.1', family: 4 }],
      [{ address: '169.254.169.254', family: 4 }],
      [
        { address: '127.0.0.1', family: 4 },
        { address: '::ffff:a9fe:a9fe', family: 6 },
      ],
    ]
    let asked = 0
    const resolve: LookupFunction = (_, __, callback) => callback(null, answers[asked++] ?? [])
    const fetch = fetcher(resolve)
    const ask = () => fetch({ host: 'rebound.test', port: server.port, secure: false, path: '/', signal: never })
    expect(await ask()).toMatchObject({ kind: 'answered' })
    expect(await ask()).toMatchObject({ kind: 'refused' })
    expect(await ask()).toMatchObject({ kind: 'refused' })
    // One question a connection: what was checked is what is connected to.
    expect(asked).toBe(3)
    expect(attempted).toEqual(['127.0.0.1'])
  })
})
