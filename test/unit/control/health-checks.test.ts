import { describe, expect, it } from 'vitest'
import { createEndpointStates } from '../../../router/control/endpoint-states.ts'
import { createHealthChecks } from '../../../router/control/health-checks.ts'
import { manualClock } from '../../../router/kernel/clock.ts'
import { silentLog } from '../../../router/kernel/log.ts'
import { specOf } from '../config/decoding.ts'

const yaml = (more = '', health = 'path: /health, interval: 10s') => `upstreams:
  clinic: { urls: ["http://10.0.0.1:80/app", "http://10.0.0.2:81"], health: { ${health} }${more} }
`

/** Checks under a clock set by hand; `answers` says why an address is not well. */
function checking(remembered: Readonly<Record<string, readonly string[]>> = {}) {
  const clock = manualClock()
  const answers = new Map<string, string>()
  const asked: string[] = []
  let changes = 0
  const checks = createHealthChecks({
    async probe({ host, port, path, authority }) {
      asked.push(`${authority} ${path}`)
      if (answers.get(`${host}:${port}`) === 'impossible') throw new Error('cannot be asked')
      return answers.get(`${host}:${port}`)
    },
    remembered,
    clock,
    random: () => 0.5,
    log: silentLog,
    changed: () => {
      changes++
    },
  })
  return {
    checks,
    answers,
    asked,
    changes: () => changes,
    /** So many rounds of checks. */
    async rounds(count: number) {
      for (let round = 0; round < count; round++) {
        clock.advance(10_000)
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}

describe('active checks', () => {
  it('ask every address at its path, and change their mind after three failures and two successes', async () => {
    const { checks, answers, asked, changes, rounds } = checking()
    checks.update(specOf(yaml()))
    await rounds(1)
    expect(asked).toEqual(['10.0.0.1 /app/health', '10.0.0.2:81 /health'])
    answers.set('10.0.0.2:81', 'it answered 503')
    await rounds(2)
    expect(checks.unhealthy()).toEqual({})
    await rounds(1)
    expect(checks.unhealthy()).toEqual({ clinic: { '10.0.0.2:81': 'it answered 503' } })
    answers.clear()
    await rounds(1)
    answers.set('10.0.0.2:81', 'ECONNREFUSED')
    await rounds(1)
    answers.clear()
    await rounds(1)
    expect(changes()).toBe(1)
    await rounds(1)
    expect(checks.unhealthy()).toEqual({})
    expect(changes()).toBe(2)
  })

  it('find an address that cannot even be asked unhealthy, like one that does not answer', async () => {
    const { checks, answers, rounds } = checking()
    checks.update(specOf(yaml()))
    answers.set('10.0.0.1:80', 'impossible')
    await rounds(3)
    expect(checks.unhealthy()).toEqual({ clinic: { '10.0.0.1:80': 'cannot be asked' } })
  })

  it('go on over a reload that does not touch them, and keep what they found where it does', async () => {
    const { checks, answers, asked, rounds } = checking()
    checks.update(specOf(yaml()))
    answers.set('10.0.0.1:80', 'it answered 500')
    await rounds(2)
    checks.update(specOf(yaml(', balance: random')))
    await rounds(1)
    expect(checks.unhealthy()).toEqual({ clinic: { '10.0.0.1:80': 'it answered 500' } })
    checks.update(specOf(yaml('', 'path: /health, interval: 10s, healthyAfter: 1')))
    expect(checks.unhealthy()).toEqual({ clinic: { '10.0.0.1:80': 'it answered 500' } })
    const before = asked.length
    checks.update(specOf('upstreams: { clinic: { url: "http://10.0.0.1" } }'))
    await rounds(2)
    expect(asked).toHaveLength(before)
    expect(checks.unhealthy()).toEqual({})
  })

  it('begin with what was known before control was started anew', async () => {
    const { checks, rounds } = checking({ clinic: ['10.0.0.1:80'] })
    checks.update(specOf(yaml()))
    expect(checks.unhealthy()).toEqual({ clinic: { '10.0.0.1:80': 'unhealthy when the router last served' } })
    await rounds(2)
    expect(checks.unhealthy()).toEqual({})
  })

  it('ask nobody any more once closed', async () => {
    const { checks, asked, rounds } = checking()
    checks.update(specOf(yaml()))
    checks.close()
    await rounds(3)
    expect(asked).toEqual([])
  })
})

describe('the states of endpoints', () => {
  const upstream = (...ports: readonly number[]) => [
    { name: 'clinic', tier: 'legacy' as const, endpoints: ports.map((port) => ({ host: '10.0.0.1', port, path: '' })) },
  ]
  const figures = (ejected: Readonly<Record<string, readonly string[]>>) => ({
    inFlight: 0,
    residentBytes: 0,
    cpuSeconds: 0,
    uptimeSeconds: 0,
    ejected,
  })

  it('join what checks and what data-plane processes found', () => {
    const states = createEndpointStates()({
      upstreams: upstream(1, 2, 3),
      processes: [
        { pid: 1, revision: 1, draining: [], figures: figures({ clinic: ['10.0.0.1:2'], other: ['10.0.0.1:3'] }) },
        { pid: 2, revision: 1, draining: [], figures: undefined },
      ],
      unhealthy: { clinic: { '10.0.0.1:1': 'it answered 503' } },
    })
    expect(states).toEqual({
      clinic: [
        { address: '10.0.0.1:1', state: 'unhealthy', because: 'its health check fails: it answered 503' },
        {
          address: '10.0.0.1:2',
          state: 'unhealthy',
          because: 'it failed again and again; 1 of 2 data-plane processes leave it alone for a while',
        },
        { address: '10.0.0.1:3', state: 'healthy', because: null },
      ],
    })
  })

  it('name an address that is gone while its requests last', () => {
    const states = createEndpointStates()
    const ask = (ports: readonly number[], draining: readonly string[]) =>
      states({
        upstreams: upstream(...ports),
        processes: [{ pid: 1, revision: 1, draining, figures: undefined }],
        unhealthy: {},
      }).clinic?.map(({ address, state }) => `${address} ${state}`)
    expect(ask([1, 2], [])).toEqual(['10.0.0.1:1 healthy', '10.0.0.1:2 healthy'])
    expect(ask([2], ['10.0.0.1:1'])).toEqual(['10.0.0.1:2 healthy', '10.0.0.1:1 draining'])
    expect(ask([2], [])).toEqual(['10.0.0.1:2 healthy'])
  })
})
