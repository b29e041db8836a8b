import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arm, startArm } from './arms.ts'
import { openConnection } from './browser.ts'
import { startCrowd } from './crowd.ts'
import { prepareRouter, type Router } from './router.ts'
import { defined } from './supervised.ts'

const SHIFT = 'GET /page'

let incumbent: Arm
let candidate: Arm
let router: Router

beforeAll(async () => {
  ;[incumbent, candidate] = await Promise.all([startArm('incumbent'), startArm('candidate')])
  router = await prepareRouter(`default: old
overrides: { from: [127.0.0.1] }
upstreams:
  old: { tier: legacy, url: "${incumbent.url}" }
  new: { url: "${candidate.url}" }
routes:
  - path: /page
    methods: [GET]
    from: old
    to: new
    shift: { strategy: canary, steps: [50%] }
`)
  await router.up()
})
afterAll(async () => {
  await router.close()
  await Promise.all([incumbent.close(), candidate.close()])
})

describe('taking a shift back', () => {
  it('does nothing where nothing is in progress', async () => {
    const before = { revision: (await router.plan()).revision, ledger: await router.ledger() }
    expect(await router.banyan('shift', 'abort', SHIFT)).toContain('nothing to abort')
    expect({ revision: (await router.plan()).revision, ledger: await router.ledger() }).toEqual(before)

    await router.act('start', { name: SHIFT })
    await router.act('abort', { name: SHIFT })
    const after = { revision: (await router.plan()).revision, ledger: await router.ledger() }
    expect(after.ledger.map(({ action }) => action)).toEqual(['start', 'abort'])
    expect(await router.banyan('shift', 'abort', SHIFT)).toContain('nothing to abort')
    expect({ revision: (await router.plan()).revision, ledger: await router.ledger() }).toEqual(after)
  })

  it('returns when no request that begins later can reach the candidate, every time', async () => {
    const load = startCrowd(router.port, 16, () => '/page')
    for (let round = 0; round < 15; round++) {
      await router.act('retry', { name: SHIFT })
      const begun = load.turn()
      await load.more(100)
      await router.act('abort', { name: SHIFT })
      const returned = load.turn()
      await load.more(100)
      const within = load.asked.filter(({ turn }) => turn > begun && turn <= returned)
      expect(within.filter(({ answer }) => answer === 'candidate').length).toBeGreaterThan(20)
      const later = load.asked.filter(({ turn }) => turn > returned)
      expect(later.filter(({ answer }) => answer !== 'incumbent')).toEqual([])
    }
    await load.stop()
    expect(new Set(load.asked.map(({ answer }) => answer))).toEqual(new Set(['incumbent', 'candidate']))
  })

  it('waits for a data-plane process that is slow to obey', async () => {
    await router.act('retry', { name: SHIFT })
    const before = router.pids().dataplanes
    const slow = defined(before[0])
    process.kill(slow, 'SIGSTOP')
    let aborted = false
    const abort = router.act('abort', { name: SHIFT }).then(() => {
      aborted = true
    })
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(aborted).toBe(false)
    process.kill(slow, 'SIGCONT')
    await abort
    expect(router.pids().dataplanes).toEqual(before)
  })

  it('replaces a data-plane process that is silent for two seconds, and returns', async () => {
    await router.act('retry', { name: SHIFT })
    const before = router.pids().dataplanes
    const stopped = defined(before[0])
    const load = startCrowd(router.port, 16, () => '/page')
    await load.more(200)
    process.kill(stopped, 'SIGSTOP')
    const start = performance.now()
    await router.act('abort', { name: SHIFT })
    const took = performance.now() - start
    const returned = load.turn()
    await load.more(200)
    await load.stop()

    expect(took).toBeGreaterThan(1_900)
    expect(took).toBeLessThan(4_000)
    expect(router.pids().dataplanes).not.toContain(stopped)
    const later = load.asked.filter(({ turn }) => turn > returned)
    expect(later.filter(({ answer }) => answer === 'candidate')).toEqual([])
    // Only what was in flight in the stopped process is lost, one request a connection.
    expect(load.asked.filter(({ answer }) => answer === 'lost').length).toBeLessThanOrEqual(16)
    expect(router.output()).toContain(`data-plane process ${stopped} did not acknowledge revision`)
    await expect.poll(async () => (await router.status()).processes.length).toBe(2)
  })
})

describe('the header x-banyan-arm', () => {
  const ask = async (from: string, arm: string): Promise<string> => {
    const connection = await openConnection(router.port, from)
    const { body } = await connection.ask('/page?override', { 'x-banyan-arm': arm })
    connection.close()
    return body
  }

  it('chooses the arm for callers that are listed, at weight 0 too', async () => {
    expect((await router.plan()).live.weights[SHIFT]).toMatchObject({ weight: 0 })
    expect(await ask('127.0.0.1', 'candidate')).toBe('candidate')
    expect(await ask('127.0.0.1', 'incumbent')).toBe('incumbent')
    expect(await ask('127.0.0.1', 'neither')).toBe('incumbent')
  })

  it('is ignored from others', async () => {
    expect(await ask('127.0.0.2', 'candidate')).toBe('incumbent')
  })

  it('reaches no upstream, whoever sent it', () => {
    const reached = [...incumbent.seen, ...candidate.seen].filter(({ path }) => path === '/page?override')
    expect(reached).toHaveLength(4)
    for (const { headers } of reached) expect(headers).not.toHaveProperty('x-banyan-arm')
  })
})
