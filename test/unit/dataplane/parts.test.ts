import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressSet, peerAddress } from '../../../router/dataplane/addresses.ts'
import { pickEndpoint } from '../../../router/dataplane/balancing/least-requests.ts'
import { privateCacheControl } from '../../../router/dataplane/cache-control.ts'
import { Unclaimed } from '../../../router/dataplane/counts.ts'
import { fractionOf, KeyCookies, withoutKey } from '../../../router/dataplane/key-cookie.ts'
import { slices } from '../../../router/dataplane/pause.ts'
import { rewriteSetCookie } from '../../../router/dataplane/rewrite/cookies.ts'
import { rewriteLink, rewriteLocation, rewriteRefresh } from '../../../router/dataplane/rewrite/location.ts'
import { ownHosts } from '../../../router/dataplane/rewrite/own-hosts.ts'
import { Deadline, Wheel } from '../../../router/dataplane/wheel.ts'
import { manualClock } from '../../../router/kernel/clock.ts'

describe('Wheel', () => {
  it('each deadline comes due once, never early, at most a tick late', () => {
    const clock = manualClock(12_345)
    const wheel = new Wheel(clock)
    const due: number[] = []
    const times = [0, 1, 49, 50, 51, 1000, 25_550, 25_600, 25_650, 60_000, 300_000]
    for (const ms of times) new Deadline(wheel, () => due.push(clock.elapsed() - 12_345 - ms)).set(ms)
    clock.advance(400_000)
    expect(due).toHaveLength(times.length)
    for (const late of due) {
      expect(late).toBeGreaterThanOrEqual(0)
      expect(late).toBeLessThanOrEqual(100)
    }
  })

  it('a deadline that is moved, cleared or cancelled does what was said last', () => {
    const clock = manualClock()
    const wheel = new Wheel(clock)
    const seen: string[] = []
    const deadline = (name: string): Deadline => new Deadline(wheel, () => seen.push(`${name} ${clock.elapsed()}`))
    const later = deadline('later')
    const sooner = deadline('sooner')
    const cleared = deadline('cleared')
    const cancelled = deadline('cancelled')
    for (const one of [later, sooner, cleared, cancelled]) one.set(1000)
    later.set(2000)
    sooner.set(500)
    cleared.clear()
    cancelled.cancel()
    clock.advance(5000)
    expect(seen).toEqual(['sooner 500', 'later 2000'])
    cleared.set(100)
    clock.advance(200)
    expect(seen.at(-1)).toBe('cleared 5100')
  })

  it('any mixture of sets and clears agrees with plain timers', () => {
    const operation = fc.record({ who: fc.nat(5), ms: fc.option(fc.nat(70_000)), wait: fc.nat(20_000) })
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
        const clock = manualClock()
        const wheel = new Wheel(clock)
        const due: (number | undefined)[] = []
        const deadlines = Array.from({ length: 6 }, (_, who) => {
          due[who] = undefined
          return new Deadline(wheel, () => {
            const wanted = due[who]
            expect(wanted).toBeDefined()
            expect(clock.elapsed() - (wanted ?? 0)).toBeGreaterThanOrEqual(0)
            expect(clock.elapsed() - (wanted ?? 0)).toBeLessThanOrEqual(100)
            due[who] = undefined
          })
        })
        for (const { who, ms, wait } of operations) {
          if (ms === null) deadlines[who]?.clear()
          else deadlines[who]?.set(ms)
          due[who] = ms === null ? undefined : clock.elapsed() + ms
          clock.advance(wait)
        }
        clock.advance(100_000)
        expect(due.filter((time) => time !== undefined)).toEqual([])
      }),
      { numRuns: 50 },
    )
  })

  it('a long stall delays nothing further', () => {
    let time = 0
    let tick: (() => void) | undefined
    const clock = {
      now: () => time,
      elapsed: () => time,
      after(_ms: number, run: () => void): () => void {
        tick = run
        return () => {}
      },
    }
    const wheel = new Wheel(clock)
    let late = -1
    new Deadline(wheel, () => (late = time - 90_000)).set(90_000)
    for (const now of [50, 89_000, 89_050, 90_050]) {
      time = now
      tick?.()
    }
    expect(late).toBe(50)
  })
})

describe('keys and arms', () => {
  it('raising the weight only adds keys to the candidate', () => {
    const keys = new KeyCookies(Buffer.alloc(32, 1), randomBytes)
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (a, b) => {
        const u = fractionOf(keys.mint(), '00ff')
        if (u < Math.min(a, b)) expect(u < Math.max(a, b)).toBe(true)
      }),
    )
  })

  it('a minted key is found again, also in another process with the same signing key, at the same place', () => {
    const one = new KeyCookies(Buffer.alloc(32, 1), randomBytes)
    const two = new KeyCookies(Buffer.alloc(32, 1), randomBytes)
    const other = new KeyCookies(Buffer.alloc(32, 2), randomBytes)
    const key = one.mint()
    const cookie = `a=b; banyan-key=${key.value}`
    const found = two.find(cookie)
    expect(found?.id).toBe(key.id)
    expect(two.find(cookie)).toBe(found)
    expect(other.find(cookie)).toBeUndefined()
    if (found !== undefined) expect(fractionOf(found, 'abcd')).toBe(fractionOf(key, 'abcd'))
    expect(fractionOf(key, 'abcd')).not.toBe(fractionOf(key, 'abce'))
  })

  it('a tampered key is none: every character counts', () => {
    const keys = new KeyCookies(Buffer.alloc(32, 1), randomBytes)
    const { value } = keys.mint()
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    for (let at = 0; at < value.length; at++) {
      const next = alphabet[(alphabet.indexOf(value[at] ?? '') + 1) % 64]
      expect(keys.find(`banyan-key=${value.slice(0, at)}${next}${value.slice(at + 1)}`)).toBeUndefined()
    }
    expect(keys.find(`banyan-key=${value}`)?.value).toBe(value)
  })

  it.each([
    ['a=1; banyan-key=x; b=2', 'a=1; b=2'],
    ['banyan-key=x; b=2', 'b=2'],
    ['banyan-key=x', ''],
    ['a=1;banyan-key=x', 'a=1'],
    ['xbanyan-key=1; banyan-keys=2', 'xbanyan-key=1; banyan-keys=2'],
    ['a="b;  c"', 'a="b;  c"'],
  ])('%s goes upstream as %s', (cookie, left) => expect(withoutKey(cookie)).toBe(left))
})

describe('pickEndpoint', () => {
  const endpoint = (name: string, inFlight: number) => ({ name, pool: { inFlight } })

  it('one endpoint costs no draw, none is none', () => {
    const never = (): number => {
      throw new Error('drawn')
    }
    expect(pickEndpoint([endpoint('a', 9)], never)?.name).toBe('a')
    expect(pickEndpoint([], never)).toBeUndefined()
  })

  it('two different ones are drawn, and the less loaded is taken', () => {
    const loads = [5, 1, 3, 0].map((inFlight, index) => endpoint(`${index}`, inFlight))
    const numbers = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(numbers, numbers, (first, second) => {
        const draws = [first, second]
        const picked = pickEndpoint(loads, () => draws.shift() ?? 0)
        // The most loaded of all is never taken: the other one drawn is always better.
        expect(picked?.name).not.toBe('0')
      }),
    )
  })
})

describe('rewriting', () => {
  const own = ownHosts(['clinic.internal', '10.0.0.5:80', '[::1]:8080'])
  const origin = 'https://shop.test:8443'

  it.each([
    ['http://clinic.internal', 'https://shop.test:8443'],
    ['http://clinic.internal:9/a', 'https://shop.test:8443/a'],
    ['HTTP://Clinic.Internal/a#b', 'https://shop.test:8443/a#b'],
    ['http://me@clinic.internal/a', 'https://shop.test:8443/a'],
    ['http://10.0.0.5/a', 'https://shop.test:8443/a'],
    ['http://10.0.0.5:80/a', 'https://shop.test:8443/a'],
    ['http://[::1]:8080/a', 'https://shop.test:8443/a'],
    ['/\\clinic.internal/a', 'https://shop.test:8443/a'],
    ['https://10.0.0.5/a', 'https://10.0.0.5/a'],
    ['http://10.0.0.5:81/a', 'http://10.0.0.5:81/a'],
    ['http://clinic.internal@evil.test/', 'http://clinic.internal@evil.test/'],
    ['/a//clinic.internal', '/a//clinic.internal'],
    ['', ''],
  ])('location %s becomes %s', (sent, becomes) => expect(rewriteLocation(sent, own, origin)).toBe(becomes))

  it('refresh and link keep all but the URL', () => {
    expect(rewriteRefresh(" 5 ; URL = 'http://clinic.internal/x'", own, origin)).toBe(
      " 5 ; URL = 'https://shop.test:8443/x'",
    )
    expect(rewriteLink('<//clinic.internal/a>; rel="x, <//clinic.internal>"', own, origin)).toBe(
      '<https://shop.test:8443/a>; rel="x, <//clinic.internal>"',
    )
  })

  it.each([
    ['a=domain=clinic.internal; Path=/', 'a=domain=clinic.internal; Path=/'],
    ['a=1; Domain = 10.0.0.5 ; Secure', 'a=1; Secure'],
    ['a=1; Domain=x.clinic.internal', 'a=1; Domain=x.clinic.internal'],
  ])('cookie %s becomes %s', (sent, becomes) => expect(rewriteSetCookie(sent, own)).toBe(becomes))
})

describe('privateCacheControl', () => {
  it.each([
    [[], 'private'],
    [['public'], 'private'],
    [['PUBLIC, max-age=1', 'no-transform'], 'private, max-age=1, no-transform'],
    [['no-store, public'], 'no-store'],
    [['private'], 'private'],
    [['private="a, public", public'], 'private, private="a, public"'],
  ])('%j becomes %s', (values, becomes) => expect(privateCacheControl(values)).toBe(becomes))
})

describe('addressSet', () => {
  it('holds blocks and single addresses, IPv4 also where it comes in IPv6 form', () => {
    const set = addressSet(['10.0.0.0/8', '192.168.1.7', '2001:db8::/32'])
    expect(['10.1.2.3', '192.168.1.7', '2001:db8::5', peerAddress('::ffff:10.0.0.1')].map(set.has)).toEqual([
      true,
      true,
      true,
      true,
    ])
    expect(['11.0.0.1', '192.168.1.8', '2001:db9::', 'unknown'].map(set.has)).toEqual([false, false, false, false])
    expect(() => addressSet(['ten'])).toThrow('address block "ten": expected an address or a CIDR block')
  })
})

describe('Unclaimed', () => {
  it('remembers 500 distinct requests between two takes', () => {
    const unclaimed = new Unclaimed()
    for (let index = 0; index < 600; index++) unclaimed.count('GET', `/${index}`, 'clinic', 404, false, undefined)
    unclaimed.count('GET', '/0', 'clinic', 404, false, undefined)
    unclaimed.count('POST', '/0', 'clinic', 404, false, undefined)
    const taken = unclaimed.take()
    expect(taken).toHaveLength(500)
    expect(taken[0]).toEqual({ method: 'GET', path: '/0', upstream: 'clinic', status: 404, count: 2 })
    expect(unclaimed.take()).toEqual([])
  })
})

describe('slices', () => {
  it('gives the loop back when a slice is used up, not before', async () => {
    const clock = manualClock()
    const pause = slices(clock, 2)
    expect(pause()).toBeUndefined()
    clock.advance(2)
    await pause()
    expect(pause()).toBeUndefined()
  })
})
