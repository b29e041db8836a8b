import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freePorts } from '../estate.ts'
import { type Arm, startArm } from './arms.ts'
import { type Load, startLoad, wrongness } from './checked-load.ts'
import { type NamedUpstream, namedUpstream } from './named-upstream.ts'
import { eventually } from './supervised.ts'
import { type WrittenRouter, writtenRouter } from './written.ts'

let named: NamedUpstream
let slow: Arm
let router: WrittenRouter

beforeAll(async () => {
  ;[named, slow] = await Promise.all([namedUpstream('named'), startArm('slow')])
})
afterAll(async () => {
  await Promise.all([named.close(), slow.close()])
})
beforeEach(async () => {
  router = await writtenRouter({ processes: 2 })
})
afterEach(() => router.close())

const configuration = (rest: string): string => `
default: named
upstreams:
  named: { url: "http://127.0.0.1:${named.port}" }
  slow: { url: "${slow.url}" }
routes:
  - { path: /slow, to: slow }
${rest}
`

/** Clients that ask one request after the other: of six, three keep their connection. Bodies are checked. */
const loadOn = (port: number): Load => startLoad({ url: `http://127.0.0.1:${port}/`, workers: 6 })

/** Nothing lost, nothing answered wrongly. */
async function expectWhole(load: Load): Promise<void> {
  await load.stop()
  expect(load.failures).toEqual([])
  expect(load.exchanged.flatMap((one) => wrongness(one) ?? [])).toEqual([])
}

/** An answer whose end comes so much later than its beginning, which has come when this resolves. */
async function slowAnswer(port: number, ms: number): Promise<{ readonly body: Promise<string> }> {
  const answer = await fetch(`http://127.0.0.1:${port}/slow?late=${ms}`)
  expect(answer.status).toBe(200)
  return { body: answer.text() }
}

/** A body in twenty pieces over so long; resolves with whether the upstream got it whole. */
function slowUpload(port: number, ms: number): Promise<boolean> {
  const pieces = Array.from({ length: 20 }, (_, index) => Buffer.alloc(10_000, index))
  const checksum = createHash('sha256').update(Buffer.concat(pieces)).digest('hex')
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', method: 'POST', path: '/' }, (response) => {
      let body = ''
      response.on('data', (chunk) => (body += String(chunk)))
      response.on('end', () => resolve(JSON.parse(body).checksum === checksum))
      response.on('error', reject)
    })
    sent.on('error', reject)
    const send = async (): Promise<void> => {
      for (const piece of pieces) {
        sent.write(piece)
        await pause(ms / pieces.length)
      }
      sent.end()
    }
    send().catch(reject)
  })
}

async function pids(): Promise<readonly number[]> {
  return (await router.status()).processes.map(({ pid }) => pid)
}

describe('a stop under load', () => {
  it('loses nothing: kept connections, slow answers and uploads end well, and readiness goes first', async () => {
    router.save(configuration('lameDuck: 1s\ngrace: 10s'))
    await router.start()
    const { listen } = router.ports
    const load = loadOn(listen)
    await pause(300)
    const [answer, upload] = [await slowAnswer(listen, 2_500), slowUpload(listen, 2_500)]
    await pause(100)
    const ended = router.stop()
    await eventually(async () => expect((await router.ready()).code).toBe(503), 900)
    // Whoever asks on goes on being served until readiness has been seen by whoever spreads the requests.
    const before = load.exchanged.length
    await pause(400)
    expect(load.exchanged.length).toBeGreaterThan(before)
    await expectWhole(load)
    expect([await answer.body, await upload]).toEqual(['begun slow', true])
    expect(await ended).toBe(0)
    await expect(fetch(`http://127.0.0.1:${listen}/`)).rejects.toThrow()
  })

  it('waits no longer than the grace period for what does not end', async () => {
    router.save(configuration('lameDuck: 0s\ngrace: 500ms'))
    await router.start()
    const { body } = await slowAnswer(router.ports.listen, 20_000)
    const broken = expect(body).rejects.toThrow()
    const from = performance.now()
    await router.stop()
    await broken
    expect(performance.now() - from).toBeLessThan(8_000)
  })
})

describe('banyan reload --processes', () => {
  it('replaces every process under load and loses nothing', async () => {
    router.save(configuration('lameDuck: 300ms\ngrace: 10s'))
    await router.start()
    const { listen } = router.ports
    const old = await pids()
    const load = loadOn(listen)
    await pause(200)
    const [answer, upload] = [await slowAnswer(listen, 2_500), slowUpload(listen, 2_500)]
    expect((await router.banyan('reload', '--processes')).code).toBe(0)
    await eventually(async () => {
      const now = await pids()
      expect(now).toHaveLength(2)
      expect(now.filter((pid) => old.includes(pid))).toEqual([])
    })
    await pause(200)
    await expectWhole(load)
    expect(load.exchanged.length).toBeGreaterThan(100)
    expect([await answer.body, await upload]).toEqual(['begun slow', true])
  })
})

describe('a change of listen under load', () => {
  it('serves at the new port, and ends what is under way at the old one, which then refuses', async () => {
    const [moved = 0] = await freePorts(1)
    router.save(configuration('lameDuck: 300ms\ngrace: 10s'))
    await router.start()
    const { listen } = router.ports
    const load = loadOn(listen)
    await pause(200)
    const [answer, upload] = [await slowAnswer(listen, 2_500), slowUpload(listen, 2_500)]
    router.save(configuration(`lameDuck: 300ms\ngrace: 10s\nlisten: [{ host: 127.0.0.1, port: ${moved} }]`))
    await eventually(async () => expect((await fetch(`http://127.0.0.1:${moved}/`)).status).toBe(200))
    await expectWhole(load)
    const after = loadOn(moved)
    expect([await answer.body, await upload]).toEqual(['begun slow', true])
    await eventually(async () => await expect(fetch(`http://127.0.0.1:${listen}/`)).rejects.toThrow())
    await expectWhole(after)
    expect(after.exchanged.length).toBeGreaterThan(50)
  })
})
