import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keyFraction } from '../../router/kernel/hash.ts'
import { type Arm, startArm } from './arms.ts'
import { type Connection, openConnection } from './browser.ts'
import { prepareRouter, type Router } from './router.ts'
import { clientsOf } from './sockets.ts'

const CLIENTS = 10_000
const CONNECTIONS = 40
/** The last one is what `promote` gives after the last step. */
const WEIGHTS = [0.01, 0.05, 0.25, 0.5, 1]
const SHIFT = 'GET /page'

type Client = { key: string | undefined; readonly arms: string[] }

const clients: readonly Client[] = Array.from({ length: CLIENTS }, () => ({ key: undefined, arms: [] }))
let incumbent: Arm
let candidate: Arm
let router: Router

beforeAll(async () => {
  ;[incumbent, candidate] = await Promise.all([startArm('incumbent'), startArm('candidate')])
  router = await prepareRouter(`default: old
upstreams:
  old: { tier: legacy, url: "${incumbent.url}" }
  new: { url: "${candidate.url}" }
routes:
  - path: /page
    methods: [GET]
    from: old
    to: new
    shift: { strategy: canary, steps: [1%, 5%, 25%, 50%] }
`)
  await router.up()
})
afterAll(async () => {
  await router.close()
  await Promise.all([incumbent.close(), candidate.close()])
})

/**
 * Every client asks once, on whichever connection is free; which arm served it is read at the upstreams. Resolves to
 * how many connections each data-plane process held.
 */
async function everyoneAsks(first = 0, end = CLIENTS): Promise<readonly number[]> {
  incumbent.forget()
  candidate.forget()
  let next = first
  const connections: Connection[] = []
  // One after the other, each answered before the next: a burst is taken whole by the process that wakes first.
  for (let opened = 0; opened < CONNECTIONS; opened++) {
    const connection = await openConnection(router.port)
    connections.push(connection)
    await askAs(next++, connection)
  }
  await Promise.all(
    connections.map(async (connection) => {
      for (let id = next++; id < end; id = next++) await askAs(id, connection)
    }),
  )
  const held = router.pids().dataplanes.map((pid) => clientsOf(pid, router.port).size)
  for (const connection of connections) connection.close()
  for (const { name, seen } of [incumbent, candidate]) {
    for (const { path } of seen) clientNumber(Number(path.split('=')[1])).arms.push(name)
  }
  return held
}

async function askAs(id: number, connection: Connection): Promise<void> {
  const client = clientNumber(id)
  const cookie = client.key === undefined ? undefined : { cookie: `theme=dark; banyan-key=${client.key}` }
  const { status, key } = await connection.ask(`/page?client=${id}`, cookie)
  expect(status).toBe(200)
  client.key = key ?? client.key
}

function clientNumber(id: number): Client {
  const client = clients[id]
  if (client === undefined) throw new Error(`there is no client ${id}`)
  return client
}

/** MurmurHash3_x86_128 over salt and key once more, on big numbers and as the reference writes it. */
function fraction(salt: string, key: string): number {
  const bytes = Buffer.concat([Buffer.from(salt, 'hex'), Buffer.from(key)])
  const padded = Buffer.concat([bytes, Buffer.alloc(16)])
  const mask = 0xffffffffn
  const rotl = (x: bigint, by: bigint) => ((x << by) | (x >> (32n - by))) & mask
  const c = [0x239b961bn, 0xab0e9789n, 0x38b34ae5n, 0xa1e38b93n]
  const at = (list: readonly bigint[], index: number) => list[index % 4] ?? 0n
  const h = [0n, 0n, 0n, 0n]
  const mix = (block: number, word: number) => {
    const k = BigInt(padded.readUInt32LE(block * 16 + word * 4))
    h[word] = at(h, word) ^ ((rotl((k * at(c, word)) & mask, at([15n, 16n, 17n, 18n], word)) * at(c, word + 1)) & mask)
  }
  const blocks = Math.floor(bytes.length / 16)
  for (let block = 0; block < blocks; block++) {
    for (let word = 0; word < 4; word++) {
      mix(block, word)
      const turned = rotl(at(h, word), at([19n, 17n, 15n, 13n], word)) + at(h, word + 1)
      h[word] = (turned * 5n + at([0x561ccd1bn, 0x0bcaa747n, 0x96cd1c35n, 0x32ac3b17n], word)) & mask
    }
  }
  for (const word of [3, 2, 1, 0]) mix(blocks, word)
  const spread = () => {
    h[0] = (at(h, 0) + at(h, 1) + at(h, 2) + at(h, 3)) & mask
    for (const word of [1, 2, 3]) h[word] = (at(h, word) + at(h, 0)) & mask
  }
  for (const word of [0, 1, 2, 3]) h[word] = at(h, word) ^ BigInt(bytes.length)
  spread()
  for (const word of [0, 1, 2, 3]) {
    let x = at(h, word)
    x = ((x ^ (x >> 16n)) * 0x85ebca6bn) & mask
    x = ((x ^ (x >> 13n)) * 0xc2b2ae35n) & mask
    h[word] = x ^ (x >> 16n)
  }
  spread()
  return Number(((at(h, 0) << 32n) | at(h, 1)) >> 11n) / 2 ** 53
}

describe('ten thousand clients with own cookies, two data-plane processes', () => {
  it('are all with the incumbent and get no cookie before the shift is started', async () => {
    await everyoneAsks(0, 1_000)
    expect(candidate.seen).toEqual([])
    expect(incumbent.seen).toHaveLength(1_000)
    expect(clients.every(({ key }) => key === undefined)).toBe(true)
    for (const client of clients) client.arms.splice(0)
  })

  it('go to the candidate as the weight rises, through a restart half way', async () => {
    for (const weight of WEIGHTS) {
      await router.banyan('shift', weight === WEIGHTS[0] ? 'start' : 'promote', SHIFT)
      const keys = clients.map(({ key }) => key)
      const held = await everyoneAsks()
      expect(incumbent.seen.length + candidate.seen.length).toBe(CLIENTS)
      expect(held).toHaveLength(2)
      expect(Math.min(...held)).toBeGreaterThan(0)
      // A client keeps the key it was given: an answer never brings another.
      if (weight !== WEIGHTS[0]) expect(clients.map(({ key }) => key)).toEqual(keys)
      if (weight !== 0.25) continue
      expect(await router.stop()).toBe(0)
      await router.up()
      await everyoneAsks()
    }
    expect(new Set(clients.map(({ key }) => key)).size).toBe(CLIENTS)
  })

  it('never flip back, and are exactly where the formula puts their cookie', async () => {
    const { salt } = (await router.plan()).live.weights[SHIFT] ?? { salt: '' }
    const asked = [0.01, 0.05, 0.25, 0.25, 0.5, 1]
    const wrong = clients.filter(({ key = '', arms }) => {
      const [id = ''] = key.split('.')
      const u = fraction(salt, id)
      const expected = asked.map((weight) => (u < weight ? 'candidate' : 'incumbent'))
      return u !== keyFraction(salt, id) || arms.join() !== expected.join()
    })
    expect(wrong).toEqual([])
    const back = clients.filter(
      ({ arms }) => arms.lastIndexOf('incumbent') > arms.indexOf('candidate') && arms.includes('candidate'),
    )
    expect(back).toEqual([])
  })

  it('are shared as the weights say, within four standard deviations', () => {
    for (const [turn, weight] of [0.01, 0.05, 0.25, 0.25, 0.5, 1].entries()) {
      const moved = clients.filter(({ arms }) => arms[turn] === 'candidate').length
      const deviation = Math.sqrt(CLIENTS * weight * (1 - weight))
      expect(Math.abs(moved - CLIENTS * weight)).toBeLessThanOrEqual(4 * deviation)
    }
  })
})
