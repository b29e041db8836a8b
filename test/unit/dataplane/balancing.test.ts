import { describe, expect, it } from 'vitest'
import { BALANCERS, type Keyed, type Picker } from '../../../router/dataplane/balancing/index.ts'
import type { Balance } from '../../../router/model/spec.ts'

const endpoints = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ pool: { address: `10.0.0.${index}:80`, inFlight: 0 } }))

const from = (value: string | undefined): Keyed => ({
  header: (name) => (name === 'x-user' ? value : undefined),
  cookie: (name) => (name === 'JSESSIONID' ? value : undefined),
  client: () => value ?? '192.0.2.1',
})

/** Numbers in [0, 1) that a test can repeat. */
function draws(seed = 1): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function picker(balance: Balance): Picker {
  const balancer = BALANCERS.find(({ kind }) => kind === balance.kind)
  if (balancer === undefined) throw new Error(`${balance.kind} is not in the list`)
  return balancer.create(balance)
}

const BY_USER: Balance = { kind: 'hash', by: { kind: 'header', name: 'x-user' } }
const ALL: readonly Balance[] = [{ kind: 'least-requests' }, { kind: 'random' }, { kind: 'round-robin' }, BY_USER]

describe('every way of balancing', () => {
  it.each(ALL)('gives each of five endpoints about a fifth: $kind', (balance) => {
    const all = endpoints(5)
    const { pick } = picker(balance)
    const counts = new Map(all.map((one) => [one, 0]))
    const random = draws()
    for (let user = 0; user < 10_000; user++) {
      const picked = pick(all, from(`user-${user}`), random)
      if (picked !== undefined) counts.set(picked, (counts.get(picked) ?? 0) + 1)
    }
    for (const count of counts.values()) expect(count).toBeGreaterThan(1_850)
    for (const count of counts.values()) expect(count).toBeLessThan(2_150)
  })

  it.each(ALL)('has nothing to pick from none, and picks the only one: $kind', (balance) => {
    const [only] = endpoints(1)
    const { pick } = picker(balance)
    expect(pick([], from('a'), draws())).toBeUndefined()
    expect(pick(only === undefined ? [] : [only], from('a'), draws())).toBe(only)
  })
})

describe('round-robin', () => {
  it('takes one after the other, beginning anywhere', () => {
    const { pick } = picker({ kind: 'round-robin' })
    const all = endpoints(3)
    const addresses = Array.from({ length: 6 }, () => pick(all, from('a'), () => 0.5)?.pool.address.at(-4))
    expect(addresses.join('')).toBe('120120')
  })
})

describe('hash', () => {
  it('sends the same key to the same endpoint, in whatever order the endpoints are listed', () => {
    const all = endpoints(7)
    const [one, other] = [picker(BY_USER), picker(BY_USER)]
    for (let user = 0; user < 1_000; user++) {
      const request = from(`user-${user}`)
      expect(other.pick(all.toReversed(), request, draws(9))).toBe(one.pick(all, request, draws(4)))
    }
  })

  it('moves only the keys of an endpoint that is gone, and spreads them over the others', () => {
    const all = endpoints(5)
    const [gone] = all
    const { pick } = picker(BY_USER)
    const movedTo = new Map<string, number>()
    for (let user = 0; user < 10_000; user++) {
      const request = from(`user-${user}`)
      const before = pick(all, request, draws())
      const after = pick(all.slice(1), request, draws())
      if (before !== gone) expect(after).toBe(before)
      else movedTo.set(after?.pool.address ?? '', (movedTo.get(after?.pool.address ?? '') ?? 0) + 1)
    }
    expect(movedTo.size).toBe(4)
    for (const count of movedTo.values()) expect(count).toBeGreaterThan(400)
  })

  it.each([
    { by: { kind: 'header', name: 'x-user' } },
    { by: { kind: 'cookie', name: 'JSESSIONID' } },
    { by: { kind: 'ip' } },
  ] as const)('goes by $by.kind', ({ by }) => {
    const { pick } = picker({ kind: 'hash', by })
    const all = endpoints(5)
    const picks = new Set(Array.from({ length: 50 }, (_, user) => pick(all, from(`192.0.2.${user}`), draws())))
    expect(picks.size).toBe(5)
  })

  it('spreads requests without a key', () => {
    const { pick } = picker(BY_USER)
    const all = endpoints(3)
    const random = draws()
    expect(new Set(Array.from({ length: 50 }, () => pick(all, from(undefined), random))).size).toBe(3)
  })
})
