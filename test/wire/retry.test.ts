import { describe, expect, it } from 'vitest'
import { RetryBudget } from '../../router/dataplane/retry-budget.ts'
import { manualClock } from '../../router/kernel/clock.ts'
import { client, eventually, get, problemOf, type RawUpstream, rawUpstream, router, statusOf, talk } from './support.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const retry = { attempts: 2 }
const balance = { kind: 'round-robin' } as const
/** None is ejected, so that every request meets what the test has prepared. */
const outlier = false

/** Resets each request; `answer` is sent first. */
const failing = (answer = '') =>
  rawUpstream((socket) => {
    if (answer === '') socket.resetAndDestroy()
    else socket.write(answer, () => socket.resetAndDestroy())
  })

const asks = ({ received }: RawUpstream, method = 'GET') => received.join('').split(`${method} /`).length - 1

describe('retry', () => {
  it.each([
    { method: 'GET', body: '' },
    { method: 'HEAD', body: '' },
    { method: 'DELETE', body: '' },
    { method: 'PUT', body: 'abc' },
  ])('$method goes to the other endpoint after a reset, with its body', async ({ method, body }) => {
    const [bad, good] = [await failing(), await rawUpstream(OK)]
    const { port } = await router({ upstreams: { clinic: { ports: [bad.port, good.port], balance, outlier, retry } } })
    for (let turn = 0; turn < 4; turn++) {
      const length = body === '' ? '' : `Content-Length: ${body.length}\r\n`
      const answer = await talk(port, `${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${length}\r\n${body}`)
      expect(statusOf(answer)).toBe(200)
    }
    expect(asks(bad, method)).toBeGreaterThan(1)
    expect(asks(good, method)).toBe(4)
    if (body !== '') expect(good.received.join('').split(`\r\n\r\n${body}`)).toHaveLength(5)
  })

  it('POST and PATCH are never sent twice', async () => {
    const [bad, good] = [await failing(), await rawUpstream(OK)]
    const { port } = await router({ upstreams: { clinic: { ports: [bad.port, good.port], balance, outlier, retry } } })
    const statuses: number[] = []
    for (const method of ['POST', 'PATCH', 'POST', 'PATCH']) {
      statuses.push(
        statusOf(
          await talk(port, `${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx`),
        ),
      )
    }
    expect(statuses.toSorted()).toEqual([200, 200, 502, 502])
    expect(asks(bad, 'POST') + asks(bad, 'PATCH') + asks(good, 'POST') + asks(good, 'PATCH')).toBe(4)
  })

  it.each([
    { why: 'part of the head', answer: 'HTTP/1.1 200 OK\r\nContent-' },
    { why: 'an interim answer', answer: 'HTTP/1.1 103 Early Hints\r\n\r\n' },
    { why: 'part of the body', answer: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc' },
  ])('nothing is sent again once $why has come', async ({ answer }) => {
    const bad = await failing(answer)
    const { port } = await router({ upstreams: { clinic: { ports: [bad.port], outlier, retry } } })
    await talk(port, get('/'))
    expect(asks(bad)).toBe(1)
  })

  it('an only endpoint is asked again, after a pause, as often as is written', async () => {
    const bad = await failing()
    const { port } = await router({ upstreams: { clinic: { ports: [bad.port], outlier, retry: { attempts: 3 } } } })
    expect(problemOf(await talk(port, get('/'))).code).toBe('connection_reset')
    expect(asks(bad)).toBe(3)
  })

  it('a body that grew too long to keep is not sent again', async () => {
    const [bad, good] = [await rawUpstream(() => {}), await rawUpstream(OK)]
    const { port } = await router(
      { upstreams: { clinic: { ports: [bad.port, good.port], balance, outlier, retry } } },
      { random: () => 0 },
    )
    const raw = await client(port, `PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(70_000)}`)
    await eventually(() => bad.received.join('').length > 70_000)
    for (const socket of bad.sockets) socket.resetAndDestroy()
    expect(problemOf(await raw.until(/\}\n$/)).code).toBe('connection_reset')
    expect(asks(good, 'PUT')).toBe(0)
  })

  it('a body whose first part was sent goes out whole again, with the rest', async () => {
    const [bad, good] = [await rawUpstream(() => {}), await rawUpstream(() => {})]
    const { port } = await router(
      { upstreams: { clinic: { ports: [bad.port, good.port], balance, outlier, retry } } },
      { random: () => 0 },
    )
    const raw = await client(port, 'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
    await eventually(() => bad.received.join('').includes('abc'))
    for (const socket of bad.sockets) socket.resetAndDestroy()
    await good.until((all) => all.includes('abc'))
    raw.send('3\r\ndef\r\n0\r\n\r\n')
    await good.until((all) => all.endsWith('0\r\n\r\n'))
    good.sockets[0]?.write(OK)
    await raw.until(/ok$/)
    expect(good.received.join('')).toMatch(/\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n$/)
  })

  it('an answer that does not begin in time is asked for again', async () => {
    const [silent, good] = [await rawUpstream(() => {}), await rawUpstream(OK)]
    const clock = manualClock()
    const { port } = await router(
      { upstreams: { clinic: { ports: [silent.port, good.port], balance, outlier, retry } } },
      { clock, random: () => 0 },
    )
    const raw = await client(port, get('/'))
    await silent.until((all) => all.includes('GET'))
    clock.advance(5_100)
    await eventually(() => {
      clock.advance(50)
      return raw.text() !== ''
    })
    expect(statusOf(raw.text())).toBe(200)
  })

  it('a route says otherwise than its upstream', async () => {
    const bad = await failing()
    const { port } = await router({
      upstreams: { clinic: { ports: [bad.port], outlier, retry: { attempts: 4 } } },
      rules: [{ action: { kind: 'forward', upstream: 'clinic' }, retry: { attempts: 1 } }],
    })
    expect(statusOf(await talk(port, get('/')))).toBe(502)
    expect(asks(bad)).toBe(1)
  })

  it('a client that leaves during the pause ends it', async () => {
    const bad = await failing()
    const clock = manualClock()
    const { port, plane } = await router({ upstreams: { clinic: { ports: [bad.port], outlier, retry } } }, { clock })
    const raw = await client(port, get('/'))
    await bad.until((all) => all.includes('GET'))
    raw.socket.destroy()
    await eventually(() => plane.inFlight() === 0)
    clock.advance(5_000)
    expect(asks(bad)).toBe(1)
  })

  it('an endpoint that is just starting gets the request once it listens', async () => {
    const bad = await failing()
    const { port } = await router({ upstreams: { clinic: { ports: [1], outlier, retry: { attempts: 3 } } } })
    expect(
      problemOf(await talk(port, 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')).code,
    ).toBe('connection_refused')
    expect(asks(bad, 'POST')).toBe(0)
  })

  it('an upstream that fails altogether gets a fifth more and ten, not twice as much', async () => {
    const bad = await failing()
    const clock = manualClock()
    const { port } = await router(
      { upstreams: { clinic: { ports: [bad.port], outlier, retry } } },
      { clock, random: () => 0 },
    )
    for (let turn = 0; turn < 100; turn++) {
      const raw = await client(port, get('/'))
      await eventually(() => {
        clock.advance(1)
        return raw.text() !== ''
      })
    }
    expect(asks(bad)).toBeGreaterThanOrEqual(110)
    expect(asks(bad)).toBeLessThanOrEqual(120)
  })
})

describe('the budget of retries', () => {
  const takes = (budget: RetryBudget, now: number) => {
    let taken = 0
    while (budget.take(now)) taken++
    return taken
  }

  it('is ten where there were few requests, and a fifth of many', () => {
    expect(takes(new RetryBudget(), 5_000)).toBe(10)
    const budget = new RetryBudget()
    for (let at = 0; at < 1_000; at++) budget.count(at * 5)
    expect(takes(budget, 5_000)).toBe(200)
    expect(takes(budget, 9_000)).toBe(0)
  })

  it('forgets what is ten seconds ago', () => {
    const budget = new RetryBudget()
    for (let at = 0; at < 1_000; at++) budget.count(1_000)
    expect(takes(budget, 1_500)).toBe(200)
    expect(takes(budget, 10_500)).toBe(0)
    expect(takes(budget, 11_500)).toBe(10)
    expect(takes(budget, 1_000_000)).toBe(10)
  })
})
