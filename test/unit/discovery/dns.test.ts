import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { dns } from '../../../router/discovery/sources/dns/index.ts'
import { manualClock } from '../../../router/kernel/clock.ts'
import { silentLog } from '../../../router/kernel/log.ts'
import type { SourceObservation } from '../../../router/model/catalogue.ts'
import { a, type NameServer, startNameServer } from '../../name-server.ts'
import { specOf } from '../config/decoding.ts'

let server: NameServer
beforeEach(async () => {
  server = await startNameServer()
})
afterEach(() => server.close())

const yaml = (dnsKey: string, address = server.address) =>
  `dns: { servers: ["${address}"] }\nupstreams: { clinic: { tier: legacy, dns: ${dnsKey} } }\n`

/** The source at work under a clock set by hand, and everything it said. */
function watching(text: string, remembered?: SourceObservation) {
  const clock = manualClock(1_000_000)
  const words: SourceObservation[] = []
  const source = dns.create({
    spec: specOf(text),
    functions: undefined,
    clock,
    random: () => 0,
    log: silentLog,
    remembered,
    publish: (word) => void words.push(word),
  })
  const clinic = () => words.at(-1)?.upstreams[0]
  return {
    clock,
    source,
    words,
    clinic,
    hosts: () => clinic()?.endpoints.map(({ host, port }) => `${host}:${port}`),
    /** So much time passes, and the question that is due then is answered. */
    async elapse(ms: number) {
      const before = words.length
      clock.advance(ms)
      await vi.waitFor(() => expect(words.length).toBeGreaterThan(before), { timeout: 9_000, interval: 2 })
    },
  }
}

describe('the DNS source', () => {
  it('gives the addresses of a name, knows itself by the name, and asks again when their time is over', async () => {
    server.records = { 'A clinic.test': [a('clinic.test', '10.0.0.2', 7), a('clinic.test', '10.0.0.1', 30)] }
    const { clinic, elapse, words, clock } = watching(yaml('clinic.test:8080'))
    expect(clinic()).toMatchObject({ endpoints: [], sighting: { state: 'pending', at: undefined } })
    await elapse(0)
    expect(clinic()).toEqual({
      name: 'clinic',
      tier: 'legacy',
      found: 'A, AAAA clinic.test:8080',
      endpoints: [
        { host: '10.0.0.1', port: 8080, path: '', authority: 'clinic.test:8080' },
        { host: '10.0.0.2', port: 8080, path: '', authority: 'clinic.test:8080' },
      ],
      sighting: {
        state: 'answered',
        attempts: [{ what: 'A, AAAA clinic.test:8080', outcome: 'A: 10.0.0.1, 10.0.0.2, good for 7 s', at: 1_000_000 }],
        at: 1_000_000,
        nextAt: 1_007_000,
      },
    })
    const said = words.length
    clock.advance(6_900)
    expect(server.asked.sort()).toEqual(['A clinic.test', 'AAAA clinic.test'])
    expect(words).toHaveLength(said)
    await elapse(100)
    expect(server.asked).toHaveLength(4)
  })

  it('adds a new address and drops one that is gone as soon as it is told', async () => {
    server.records = { 'A clinic.test': [a('clinic.test', '10.0.0.1', 5), a('clinic.test', '10.0.0.2', 5)] }
    const { hosts, elapse } = watching(yaml('clinic.test:80'))
    await elapse(0)
    server.records = { 'A clinic.test': [a('clinic.test', '10.0.0.3', 5), a('clinic.test', '10.0.0.2', 5)] }
    await elapse(5_000)
    expect(hosts()).toEqual(['10.0.0.2:80', '10.0.0.3:80'])
  })

  it.each([
    { said: 'a second', ttl: 0, nextAt: 1_001_000 },
    { said: 'five minutes', ttl: 86_400, nextAt: 1_300_000 },
  ])('asks after $said where the time to live is $ttl s', async ({ ttl, nextAt }) => {
    server.records = { 'A clinic.test': [a('clinic.test', '10.0.0.1', ttl)] }
    const { clinic, elapse } = watching(yaml('clinic.test:80'))
    await elapse(0)
    expect(clinic()?.sighting?.nextAt).toBe(nextAt)
  })

  it('takes IPv6 addresses where the name has no others', async () => {
    const six = { type: 'AAAA', name: 'clinic.test', ttl: 5, data: 'fd00::1' } as const
    server.records = { 'AAAA clinic.test': [six] }
    const { hosts, elapse } = watching(yaml('clinic.test:80'))
    await elapse(0)
    expect(hosts()).toEqual(['fd00::1:80'])
    server.records = { 'AAAA clinic.test': [six], 'A clinic.test': [a('clinic.test', '10.0.0.1')] }
    await elapse(5_000)
    expect(hosts()).toEqual(['10.0.0.1:80'])
  })

  it.each([
    { why: 'the name is gone', records: {}, words: 'NXDOMAIN: there is no such name' },
    {
      why: 'the name has no addresses any more',
      records: { 'TXT clinic.test': [] },
      words: 'the name is there, but has no A record',
    },
  ])('believes an answer that says there is nothing: $why', async ({ records, words }) => {
    server.records = { 'A clinic.test': [a('clinic.test', '10.0.0.1', 5)] }
    const { clinic, elapse } = watching(yaml('clinic.test:80'))
    await elapse(0)
    server.records = records
    await elapse(5_000)
    expect(clinic()).toMatchObject({
      endpoints: [],
      sighting: { state: 'answered', at: 1_005_000, nextAt: 1_006_000, attempts: [{ outcome: words }] },
    })
  })

  it.each([
    { failure: 'SERVFAIL', words: 'SERVFAIL: the name server could not find out' },
    { failure: 'REFUSED', words: 'REFUSED: the name server does not answer us' },
    { failure: 'silent', words: 'no answer from the name server in time' },
  ] as const)(
    'keeps the last addresses and their age when nobody can say: $failure',
    async ({ failure, words }) => {
      server.records = { 'A clinic.test': [a('clinic.test', '10.0.0.1', 5)] }
      const { clinic, hosts, elapse } = watching(yaml('clinic.test:80'))
      await elapse(0)
      server.failure = failure
      await elapse(5_000)
      expect(hosts()).toEqual(['10.0.0.1:80'])
      expect(clinic()?.sighting).toMatchObject({
        state: 'failed',
        at: 1_000_000,
        nextAt: 1_006_000,
        attempts: [{ outcome: words, at: 1_005_000 }],
      })
      if (failure === 'silent') return
      await elapse(1_000)
      expect(clinic()?.sighting?.nextAt).toBe(1_008_000)
      server.failure = undefined
      await elapse(2_000)
      expect(clinic()?.sighting).toMatchObject({ state: 'answered', at: 1_008_000, nextAt: 1_013_000 })
    },
    20_000,
  )

  it('gives what the best SRV records point to, with their ports', async () => {
    const srv = (target: string, port: number, priority: number) =>
      ({ type: 'SRV', name: '_http._tcp.clinic.test', ttl: 5, data: { target, port, priority, weight: 1 } }) as const
    server.records = {
      'SRV _http._tcp.clinic.test': [srv('one.test', 8081, 1), srv('two.test', 8082, 1), srv('three.test', 8083, 2)],
      'A one.test': [a('one.test', '10.0.0.1', 20)],
      'A two.test': [a('two.test', '10.0.0.2', 9)],
      'A three.test': [a('three.test', '10.0.0.3')],
    }
    const { clinic, hosts, elapse } = watching(yaml('_http._tcp.clinic.test'))
    await elapse(0)
    expect(hosts()).toEqual(['10.0.0.1:8081', '10.0.0.2:8082'])
    expect(clinic()?.endpoints[0]?.authority).toBe('one.test:8081')
    expect(clinic()?.sighting?.nextAt).toBe(1_009_000)
    server.records = { 'SRV _http._tcp.clinic.test': [srv('.', 0, 0)] }
    await elapse(9_000)
    expect(clinic()).toMatchObject({ endpoints: [], sighting: { state: 'answered' } })
  })

  it('leaves out metadata addresses, however the name came by them', async () => {
    server.records = { 'A clinic.test': [a('clinic.test', '169.254.169.254'), a('clinic.test', '10.0.0.1')] }
    const { clinic, hosts, elapse } = watching(yaml('clinic.test:80'))
    await elapse(0)
    expect(hosts()).toEqual(['10.0.0.1:80'])
    expect(clinic()?.sighting?.attempts[0]?.outcome).toContain('169.254.169.254 left out: is a cloud machine')
  })

  it('goes on with what it knew before a restart, where the question is the same', async () => {
    server.records = { 'A clinic.test': [a('clinic.test', '10.0.0.1', 5)] }
    const first = watching(yaml('clinic.test:80'))
    await first.elapse(0)
    server.failure = 'SERVFAIL'
    const again = watching(yaml('clinic.test:80'), first.words.at(-1))
    expect(again.hosts()).toEqual(['10.0.0.1:80'])
    await again.elapse(0)
    expect(again.clinic()).toMatchObject({ endpoints: [{}], sighting: { state: 'failed', at: 1_000_000 } })
    expect(watching(yaml('other.test:80'), first.words.at(-1)).hosts()).toEqual([])
  })

  it('asks new name servers at once, and nobody for an upstream that is gone', async () => {
    const { source, elapse, words, clinic, clock } = watching(yaml('clinic.test:80'))
    await elapse(0)
    expect(clinic()?.endpoints).toEqual([])
    const other = await startNameServer()
    other.records = { 'A clinic.test': [a('clinic.test', '10.0.0.9')] }
    source.update(specOf(yaml('clinic.test:80', other.address)))
    await elapse(0)
    expect(clinic()?.endpoints[0]?.host).toBe('10.0.0.9')
    source.update(specOf('upstreams: { clinic: { url: "http://10.0.0.1" } }'))
    expect(words.at(-1)?.upstreams).toEqual([])
    const said = words.length
    clock.advance(600_000)
    expect(words).toHaveLength(said)
    await other.close()
  })

  it('is silent where no upstream is looked up', () => {
    expect(watching('upstreams: { clinic: { url: "http://10.0.0.1" } }').words).toEqual([])
  })

  it('finds names that only this machine knows', async () => {
    const { hosts, elapse } = watching('upstreams: { clinic: { dns: "localhost:8080" } }')
    await elapse(0)
    expect(hosts()).toEqual(['127.0.0.1:8080'])
  })
})
