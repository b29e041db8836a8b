import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { probe } from '../../router/control/health-probe.ts'
import { manualClock } from '../../router/kernel/clock.ts'
import { silentLog } from '../../router/kernel/log.ts'
import type { Balance } from '../../router/model/spec.ts'
import { client, eventually, get, published, type RawUpstream, rawUpstream, router, statusOf, talk } from './support.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** Three endpoints, each answering with its number. */
async function three(): Promise<readonly RawUpstream[]> {
  return Promise.all(['0', '1', '2'].map((name) => rawUpstream(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${name}`)))
}

const portsOf = (upstreams: readonly RawUpstream[]) => upstreams.map(({ port }) => port)

/** Who answered: the last byte of an answer with status 200. */
async function asked(port: number, ...fields: string[]): Promise<string> {
  const answer = await talk(port, get('/', ...fields))
  expect(statusOf(answer)).toBe(200)
  return answer.at(-1) ?? ''
}

describe('balance', () => {
  it('round-robin goes round', async () => {
    const { port } = await router({
      upstreams: { clinic: { ports: portsOf(await three()), balance: { kind: 'round-robin' } } },
    })
    const names: string[] = []
    for (let count = 0; count < 6; count++) names.push(await asked(port))
    expect(names.slice(0, 3).toSorted()).toEqual(['0', '1', '2'])
    expect(names.slice(3)).toEqual(names.slice(0, 3))
  })

  it.each([
    { by: { kind: 'header', name: 'x-user' }, field: (user: number) => `X-User: ${user}` },
    { by: { kind: 'cookie', name: 'JSESSIONID' }, field: (user: number) => `Cookie: a=b; JSESSIONID=${user}` },
    { by: { kind: 'ip' }, field: (user: number) => `X-Forwarded-For: 192.0.2.9, 10.0.0.${user}, 127.0.0.1` },
  ] as const)(
    'hash by $by.kind gives everyone one endpoint, and loses only the keys of one that is gone',
    async ({ by, field }) => {
      const upstreams = await three()
      const balance: Balance = { kind: 'hash', by }
      const settings = { trustedProxies: ['127.0.0.1'] }
      const { port } = await router({ settings, upstreams: { clinic: { ports: portsOf(upstreams), balance } } })
      const { port: fewer } = await router({
        settings,
        upstreams: { clinic: { ports: portsOf(upstreams).slice(1), balance } },
      })
      const users = Array.from({ length: 24 }, (_, user) => user)
      const first = await Promise.all(users.map((user) => asked(port, field(user))))
      expect(new Set(first).size).toBe(3)
      expect(await Promise.all(users.map((user) => asked(port, field(user))))).toEqual(first)
      const after = await Promise.all(users.map((user) => asked(fewer, field(user))))
      for (const user of users) if (first[user] !== '0') expect(after[user]).toBe(first[user])
    },
  )

  it('of a kind that this version does not know is refused, and what served serves on', async () => {
    const { port, plane } = await router({ upstreams: { clinic: { ports: portsOf(await three()) } } })
    const plan = published({ upstreams: { clinic: { balance: { kind: 'fastest' } as unknown as Balance } } })
    await expect(plane.apply(plan)).rejects.toThrow('balance "fastest" is unknown to this version')
    expect(await asked(port)).toMatch(/[012]/)
  })
})

/** Answers nothing and resets every connection it gets. */
const resetting = () => rawUpstream((socket) => void socket.resetAndDestroy())

/** What `count` requests got, one after the other. */
async function statuses(port: number, count: number, path = '/'): Promise<readonly number[]> {
  const all: number[] = []
  for (let at = 0; at < count; at++) all.push(statusOf(await talk(port, get(path))))
  return all
}

const count = (all: readonly number[], status: number) => all.filter((one) => one === status).length
const outlier = { consecutive: 3, baseEjectionMs: 10_000, maxEjected: 0.5, gatewayErrors: false }
const balance: Balance = { kind: 'round-robin' }

describe('outlier', () => {
  it('leaves an endpoint alone after so many failures in a row, longer each time, and says so', async () => {
    const [bad, good] = [await resetting(), await rawUpstream()]
    const clock = manualClock()
    const warnings: string[] = []
    const log = { ...silentLog, warn: (message: string) => void warnings.push(message) }
    const { port, plane } = await router(
      { upstreams: { clinic: { ports: [bad.port, good.port], balance, outlier } } },
      { clock, log },
    )
    expect(count(await statuses(port, 20), 502)).toBe(3)
    expect(plane.ejected()).toEqual({ clinic: [`127.0.0.1:${bad.port}`] })
    expect(warnings.join()).toContain(`upstream "clinic": 127.0.0.1:${bad.port} is not asked for 10 s`)
    expect(warnings.join()).toContain('connection_reset')

    clock.advance(10_000)
    expect(plane.ejected()).toEqual({})
    // It warms up, so it gets few at first; what it gets fails again.
    clock.advance(5_000)
    expect(count(await statuses(port, 40), 502)).toBe(3)
    expect(plane.ejected()).toEqual({ clinic: [`127.0.0.1:${bad.port}`] })
    clock.advance(19_000)
    expect(count(await statuses(port, 20), 502)).toBe(0)
  })

  it('counts failures in a row only', async () => {
    let turn = 0
    const flaky = await rawUpstream((socket) => {
      if (turn++ % 3 === 2) socket.write(OK.replace('Content', 'Connection: close\r\nContent'))
      else socket.resetAndDestroy()
    })
    const good = await rawUpstream()
    const { port, plane } = await router({
      upstreams: { clinic: { ports: [flaky.port, good.port], balance, outlier } },
    })
    expect(count(await statuses(port, 24), 502)).toBe(8)
    expect(plane.ejected()).toEqual({})
  })

  it.each([
    { why: 'half of three is one', ports: 3, ejected: 1 },
    { why: 'half of four is two', ports: 4, ejected: 2 },
    { why: 'an only one stays', ports: 1, ejected: 0 },
  ])('never takes more than half away: $why', async ({ ports, ejected }) => {
    const bad = await Promise.all(Array.from({ length: ports }, resetting))
    const { port, plane } = await router({ upstreams: { clinic: { ports: portsOf(bad), balance, outlier } } })
    expect(count(await statuses(port, 24), 502)).toBe(24)
    expect(plane.ejected().clinic ?? []).toHaveLength(ejected)
  })

  it.each([
    { gatewayErrors: true, failed: 3 },
    { gatewayErrors: false, failed: 10 },
  ])('counts answers of 503 where gatewayErrors is $gatewayErrors', async ({ gatewayErrors, failed }) => {
    const busy = await rawUpstream('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n')
    const good = await rawUpstream()
    const { port } = await router({
      upstreams: { clinic: { ports: [busy.port, good.port], balance, outlier: { ...outlier, gatewayErrors } } },
    })
    expect(count(await statuses(port, 20), 503)).toBe(failed)
  })

  it('ejects nothing where it is off', async () => {
    const [bad, good] = [await resetting(), await rawUpstream()]
    const { port, plane } = await router({
      upstreams: { clinic: { ports: [bad.port, good.port], balance, outlier: false } },
    })
    expect(count(await statuses(port, 30), 502)).toBe(15)
    expect(plane.ejected()).toEqual({})
  })

  it('is kept over a reload', async () => {
    const [bad, good] = [await resetting(), await rawUpstream()]
    const setup = { upstreams: { clinic: { ports: [bad.port, good.port], balance, outlier } } }
    const { port, plane } = await router(setup)
    await statuses(port, 10)
    await plane.apply(published({ ...setup, revision: 2 }))
    expect(plane.ejected()).toEqual({ clinic: [`127.0.0.1:${bad.port}`] })
    expect(count(await statuses(port, 10), 200)).toBe(10)
  })

  it('a client that leaves is nobody’s failure', async () => {
    const silent = await Promise.all([rawUpstream(() => {}), rawUpstream(() => {})])
    const { port, plane } = await router({
      upstreams: { clinic: { ports: portsOf(silent), balance, outlier: { ...outlier, consecutive: 1 } } },
    })
    for (let at = 0; at < 6; at++) {
      const raw = await client(port, get('/'))
      await eventually(() => silent.flatMap(({ received }) => received).length > at)
      raw.socket.destroy()
    }
    await eventually(() => plane.inFlight() === 0)
    expect(plane.ejected()).toEqual({})
  })
})

describe('slow start', () => {
  it('gives an endpoint that joins others a tenth of its share at first, all of it ten seconds later', async () => {
    const [old, fresh] = [await rawUpstream(), await rawUpstream()]
    const clock = manualClock()
    const at = (ports: readonly number[], revision: number) =>
      published({ upstreams: { clinic: { ports, balance } }, revision })
    const { port, plane } = await router({ upstreams: { clinic: { ports: [old.port], balance } } }, { clock })
    await plane.apply(at([old.port, fresh.port], 2))
    const asked = async (requests: number) => {
      const before = fresh.received.join('').split('GET').length
      await statuses(port, requests)
      return fresh.received.join('').split('GET').length - before
    }
    expect(await asked(200)).toBeLessThan(30)
    clock.advance(10_000)
    expect(await asked(20)).toBe(10)
  })
})

describe('active checks', () => {
  const names = async (port: number, requests: number) => {
    const all = new Set<string>()
    for (let at = 0; at < requests; at++) all.add(await asked(port))
    return [...all].toSorted().join('')
  }

  it('take an endpoint out and bring it back; as long as a quarter is well, only these are asked', async () => {
    const upstreams = await three()
    const ports = portsOf(upstreams)
    const clock = manualClock()
    const { port, plane } = await router({ upstreams: { clinic: { ports, balance } } }, { clock })
    let revision = 1
    const apply = (unwell: readonly number[]) => {
      const addresses = unwell.map((at) => `127.0.0.1:${ports[at]}`)
      const live = unwell.length === 0 ? {} : { health: { clinic: addresses, other: ['127.0.0.1:1'] } }
      return plane.apply(published({ upstreams: { clinic: { ports, balance } }, live, revision: ++revision }))
    }
    await apply([1])
    expect(await names(port, 9)).toBe('02')
    await apply([0, 1])
    expect(await names(port, 9)).toBe('2')
    // Nobody is well: rather any of them than none.
    await apply([0, 1, 2])
    expect(await names(port, 9)).toBe('012')
    await apply([])
    clock.advance(20_000)
    expect(await names(port, 9)).toBe('012')
  })

  it('are obeyed by hash too: only the users of the endpoint that is not well move, and they return', async () => {
    const ports = portsOf(await three())
    const upstreams = { clinic: { ports, balance: { kind: 'hash', by: { kind: 'header', name: 'x-user' } } } } as const
    const { port, plane } = await router({ upstreams })
    const users = Array.from({ length: 30 }, (_, user) => user)
    const all = () => Promise.all(users.map((user) => asked(port, `X-User: ${user}`)))
    const first = await all()
    await plane.apply(published({ upstreams, live: { health: { clinic: [`127.0.0.1:${ports[0]}`] } }, revision: 2 }))
    const meanwhile = await all()
    for (const user of users) {
      if (first[user] === '0') expect(meanwhile[user]).toMatch(/[12]/)
      else expect(meanwhile[user]).toBe(first[user])
    }
    await plane.apply(published({ upstreams, revision: 3 }))
    expect(await all()).toEqual(first)
  })
})

describe('one check', () => {
  const ask = (port: number, timeoutMs = 1_000) =>
    probe({ host: '127.0.0.1', port, path: '/app/health', authority: 'clinic.test', timeoutMs })

  it.each([
    { answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', says: undefined },
    { answer: 'HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n', says: undefined },
    { answer: 'HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\nthe rest never comes', says: undefined },
    { answer: 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', says: 'it answered 404' },
    { answer: 'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n', says: 'it answered 503' },
    { answer: 'SSH-2.0-OpenSSH_9.2\r\n', says: expect.stringMatching(/^HPE_/) },
  ])('of $answer says $says', async ({ answer, says }) => {
    const upstream = await rawUpstream(answer)
    expect(await ask(upstream.port)).toEqual(says)
    expect(upstream.received[0]).toMatch(/^GET \/app\/health HTTP\/1\.1\r\nhost: clinic\.test\r\n/)
    await eventually(() => upstream.sockets.every((socket) => socket.destroyed))
  })

  it('says so where nobody listens or nothing comes in time', async () => {
    const silent = await rawUpstream(() => {})
    expect(await ask(silent.port, 50)).toBe('no answer within 0.05 s')
    expect(await ask(1)).toBe('ECONNREFUSED')
  })
})

describe('an endpoint that the plan drops', () => {
  it('takes no new request, not even on a connection that is kept, and finishes its own', async () => {
    const waiting: Socket[] = []
    const leaving = await rawUpstream((socket) => void waiting.push(socket))
    const staying = await rawUpstream()
    const at = (ports: readonly number[], revision: number) =>
      published({ upstreams: { clinic: { ports, balance } }, revision })
    const { port, plane } = await router({ upstreams: { clinic: { ports: [leaving.port], balance } } })
    const raw = await client(port, get('/own'))
    await eventually(() => waiting.length === 1)
    await plane.apply(at([leaving.port, staying.port], 2))
    await plane.apply(at([staying.port], 3))
    expect(plane.draining()).toEqual([`127.0.0.1:${leaving.port}`])
    expect(count(await statuses(port, 20), 200)).toBe(20)
    expect(leaving.received).toHaveLength(1)
    waiting[0]?.write(OK)
    await raw.until(/ok$/)
    expect(plane.draining()).toEqual([])
    await eventually(() => leaving.sockets.every((socket) => socket.destroyed))
  })
})
