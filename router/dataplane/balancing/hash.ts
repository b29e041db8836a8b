import { murmur128 } from '../../kernel/hash.ts'
import type { HashKey } from '../../model/spec.ts'
import type { Balanced, Balancer, Keyed } from './index.ts'
import { pickEndpoint } from './least-requests.ts'

/**
 * Requests with the same key go to the same endpoint, by rendezvous hashing (Thaler and Ravishankar, "Using
 * Name-Based Mappings to Increase Hit Rates", 1998): the endpoint that scores highest for the key. When one is gone
 * only its own keys move, each to the next in its own order, and every process and replica agrees without a word.
 * Costs one short mix for each endpoint; nothing is kept.
 */
export const hash: Balancer = {
  kind: 'hash',
  scattered: false,
  create(balance) {
    const by: HashKey = balance.kind === 'hash' ? balance.by : { kind: 'ip' }
    return {
      pick<E extends Balanced>(among: readonly E[], request: Keyed, random: () => number): E | undefined {
        const key = keyOf(by, request)
        // Whoever has no key is nobody in particular.
        return key === undefined ? pickEndpoint(among, random) : highest(among, hashOf(key))
      },
    }
  },
}

function keyOf(by: HashKey, request: Keyed): string | undefined {
  if (by.kind === 'ip') return request.client()
  return by.kind === 'header' ? request.header(by.name) : request.cookie(by.name)
}

function highest<E extends Balanced>(among: readonly E[], key: number): E | undefined {
  let best: E | undefined
  let top = -1
  for (const endpoint of among) {
    const score = mix(key, seedOf(endpoint.pool.address))
    if (score <= top) continue
    top = score
    best = endpoint
  }
  return best
}

/** The avalanche of MurmurHash3 over both: every bit of either changes about half of the score. */
function mix(key: number, seed: number): number {
  let mixed = Math.imul(key ^ seed, 0x9e3779b1)
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/** Hashes of the addresses that are in use; few, and known for as long as the process lives. */
const seeds = new Map<string, number>()
const SEEDS_LIMIT = 10_000

function seedOf(address: string): number {
  const known = seeds.get(address)
  if (known !== undefined) return known
  if (seeds.size >= SEEDS_LIMIT) seeds.clear()
  const seed = hashOf(address)
  seeds.set(address, seed)
  return seed
}

const words = new Uint32Array(4)

function hashOf(text: string): number {
  const bytes = Buffer.from(text)
  murmur128(bytes, bytes.length, 0, words)
  return words[0] ?? 0
}
