import { spawn } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connectionsOf } from '../bench/sockets.ts'
import { describeWith } from '../needs.ts'
import { type NamedUpstream, namedUpstream } from './named-upstream.ts'
import { eventually } from './supervised.ts'
import { type WrittenRouter, writtenRouter } from './written.ts'

let named: NamedUpstream
let router: WrittenRouter
const opened = new Set<Socket>()

beforeAll(async () => {
  named = await namedUpstream('named')
})
afterAll(() => named.close())
afterEach(async () => {
  closeAll()
  await router.close()
})

async function start(processes: number): Promise<void> {
  router = await writtenRouter({ processes })
  router.save(`default: named\nupstreams:\n  named: { url: "http://127.0.0.1:${named.port}" }\n`)
  await router.start()
  await eventually(async () => expect(await pids()).toHaveLength(processes))
}

async function pids(): Promise<readonly number[]> {
  return (await router.status()).processes.map(({ pid }) => pid)
}

type Asked = { readonly socket: Socket; readonly answer: string; readonly ms: number }

/** Opens a connection and asks one request on it; `answer` says why there was none. It stays open. */
function ask(): Promise<Asked> {
  const began = performance.now()
  const socket = connect(router.ports.listen, '127.0.0.1')
  opened.add(socket)
  return new Promise((resolve) => {
    const answered = (answer: string): void => resolve({ socket, answer, ms: performance.now() - began })
    socket.on('error', (error) => answered(error.message))
    socket.on('close', () => answered('closed'))
    socket.once('data', (bytes) => answered(bytes.toString('latin1').slice(0, 12)))
    socket.write('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n')
  })
}

const askAtOnce = (count: number): Promise<Asked[]> => Promise.all(Array.from({ length: count }, ask))
const lostOf = (all: readonly Asked[]): Asked[] => all.filter(({ answer }) => answer !== ANSWERED)
const ANSWERED = 'HTTP/1.1 200'

function closeAll(): void {
  for (const socket of opened) socket.destroy()
  opened.clear()
}

/** What each process holds. */
const held = (of: readonly number[]): number[] => of.map((pid) => connectionsOf(pid, router.ports.listen))

/** The busiest one's part, in per cent. */
function share(of: readonly number[], total: number): number {
  const counts = held(of)
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(total)
  return (Math.max(...counts) / total) * 100
}

async function nothingHeld(of: readonly number[]): Promise<void> {
  await eventually(() => expect(held(of).every((count) => count === 0)).toBe(true))
  // Where thousands come a second they are shared less exactly.
  await pause(100)
}

describe('data-plane processes', () => {
  it('hold at most 65 of 100 connections each, however they come', async () => {
    await start(2)
    const both = await pids()
    const shares: { how: string; share: number }[] = []
    for (let round = 0; round < 20; round += 1) {
      for (const count of [64, 16]) {
        expect(lostOf(await askAtOnce(count))).toEqual([])
        shares.push({ how: `${count} at once`, share: share(both, count) })
        closeAll()
        await nothingHeld(both)
      }
    }
    for (const gap of [0, 3, 60]) {
      for (let turn = 0; turn < 20; turn += 1) {
        await ask()
        await pause(gap)
      }
      shares.push({ how: `one every ${gap} ms`, share: share(both, 20) })
      closeAll()
      await nothingHeld(both)
    }
    expect(shares).toHaveLength(43)
    expect(shares.filter(({ share: most }) => most > 65)).toEqual([])
  })

  it('share among four as well', async () => {
    await start(4)
    const all = await pids()
    for (let round = 0; round < 5; round += 1) {
      await askAtOnce(64)
      expect(share(all, 64)).toBeLessThanOrEqual(35)
      closeAll()
      await nothingHeld(all)
    }
  })

  it('take over what comes while one of them hangs, and give it its part when it goes on', async () => {
    await start(2)
    const both = await pids()
    const [hangs = 0] = both
    process.kill(hangs, 'SIGSTOP')
    try {
      const all = await askAtOnce(40)
      expect(lostOf(all)).toEqual([])
      expect(Math.max(...all.map(({ ms }) => ms))).toBeLessThan(2_000)
      const later = await askAtOnce(40)
      expect(Math.max(...later.map(({ ms }) => ms))).toBeLessThan(1_000)
    } finally {
      process.kill(hangs, 'SIGCONT')
    }
    closeAll()
    await nothingHeld(both)
    for (let round = 0; round < 5; round += 1) {
      await askAtOnce(16)
      closeAll()
      await nothingHeld(both)
    }
    await askAtOnce(64)
    expect(share(both, 64)).toBeLessThanOrEqual(65)
  })

  it('lose only what the one that is killed holds, in the middle of a burst too', async () => {
    await start(2)
    const both = await pids()
    const [victim = 0] = both
    const before = await askAtOnce(64)
    const [victims = 0] = held(both)
    const bursts = [askAtOnce(64)]
    process.kill(victim, 'SIGKILL')
    for (let burst = 0; burst < 5; burst += 1) {
      bursts.push(askAtOnce(32))
      await pause(20)
    }
    const [during = [], ...after] = await Promise.all(bursts)
    expect(after.flatMap(lostOf)).toEqual([])
    expect(lostOf(during).length).toBeLessThanOrEqual(42)
    await eventually(() => expect(before.filter(({ socket }) => socket.closed)).toHaveLength(victims))

    await eventually(async () => {
      expect(await pids()).toHaveLength(2)
      expect(await pids()).not.toContain(victim)
    })
    closeAll()
    const next = await pids()
    await nothingHeld(next)
    await askAtOnce(64)
    expect(share(next, 64)).toBeLessThanOrEqual(65)
  })

  it('are replaced under bursts without a connection lost', async () => {
    await start(2)
    const lost: Asked[] = []
    let bursts = 0
    let rolling = true
    const bursting = (async () => {
      for (; rolling; bursts += 1) {
        lost.push(...lostOf(await askAtOnce(24)))
        closeAll()
      }
    })()
    for (let roll = 0; roll < 3; roll += 1) {
      const before = await pids()
      await router.banyan('reload', '--processes')
      await eventually(async () => {
        const now = await pids()
        expect(now).toHaveLength(2)
        expect(now.filter((pid) => before.includes(pid))).toEqual([])
      })
    }
    rolling = false
    await bursting
    expect(bursts).toBeGreaterThan(10)
    expect(lost).toEqual([])
  })
})

describeWith('wrk', 'under wrk', (wrk) => {
  it('split its 64 connections no worse than 65 to 35, in every round', async () => {
    await start(2)
    const both = await pids()
    for (let round = 0; round < 20; round += 1) {
      const load = spawn(wrk, ['-t1', '-c64', '-d20s', `http://127.0.0.1:${router.ports.listen}/`], { stdio: 'ignore' })
      const ended = new Promise((resolve) => load.on('exit', resolve))
      try {
        await eventually(() => expect(share(both, 64)).toBeLessThanOrEqual(65), 3_000)
      } finally {
        load.kill('SIGKILL')
        await ended
      }
      await nothingHeld(both)
    }
  })
})
