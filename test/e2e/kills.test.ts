import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Arm, startArm } from './arms.ts'
import { openConnection } from './browser.ts'
import { type Asked, startCrowd } from './crowd.ts'
import { prepareRouter, type Router } from './router.ts'
import { clientsOf } from './sockets.ts'
import { commandLine, defined, eventually } from './supervised.ts'

const SHIFT = 'GET /page'
// It prints as it answers: whoever reads that may be dead.
const HELLO = `export const routes = ['GET /hello']
export default {
  fetch(request) {
    console.log(request.url)
    return new Response('hello')
  },
}
`

let incumbent: Arm
let candidate: Arm
let router: Router
/** Cookies of some clients, given to them when the candidate had a quarter. */
let cookies: readonly string[]

beforeAll(async () => {
  ;[incumbent, candidate] = await Promise.all([startArm('incumbent'), startArm('candidate')])
})
afterAll(async () => {
  await Promise.all([incumbent.close(), candidate.close()])
})

beforeEach(async () => {
  router = await prepareRouter(
    `default: old
functions: functions
upstreams:
  old: { tier: legacy, url: "${incumbent.url}" }
  new: { url: "${candidate.url}" }
routes:
  - path: /page
    methods: [GET]
    from: old
    to: new
    shift: { strategy: canary, steps: [25%, 50%] }
`,
    { 'functions/hello/index.ts': HELLO },
  )
  await router.up()
  await router.act('start', { name: SHIFT })
  cookies = await Promise.all(Array.from({ length: 200 }, async () => defined((await ask('/page')).key)))
  await eventually(async () => expect((await ask('/hello')).body).toBe('hello'))
})
afterEach(() => router.close())

async function ask(target: string, key?: string) {
  const connection = await openConnection(router.port)
  const reply = await connection.ask(target, key === undefined ? {} : { cookie: `banyan-key=${key}` })
  connection.close()
  return reply
}

/** What a kill must not change: weights and plan, shifts, the ledger, and where each client goes. */
async function state() {
  const { hash, live } = await router.plan()
  const arms = await Promise.all(cookies.map(async (key) => (await ask('/page', key)).body))
  expect(new Set(arms)).toEqual(new Set(['incumbent', 'candidate']))
  return { hash, weights: live.weights, ledger: await router.ledger(), arms }
}

/** Resolves when none of these runs any more. */
async function untilGone(pids: readonly number[]): Promise<void> {
  await eventually(() => expect(pids.map(commandLine).filter((line) => line !== '')).toEqual([]))
}

function everyPid(): readonly number[] {
  const { supervisor, control, dataplanes, workerds } = router.pids()
  expect([dataplanes.length, workerds.length]).toEqual([2, 1])
  return [supervisor, control, ...dataplanes, ...workerds]
}

/** Pages, slow pages and the function, each with a number of its own. */
const mixed = (turn: number): string => {
  if (turn % 5 === 0) return `/hello?id=${turn}`
  return turn % 5 === 1 ? `/page?id=${turn}&late=30` : `/page?id=${turn}`
}
const PAGES = ['incumbent', 'candidate', 'begun incumbent', 'begun candidate']
/** Whether it is not what its target answers; the default upstream has an answer to everything. */
const isWrong = ({ target, answer }: Asked): boolean =>
  target.startsWith('/hello') ? answer !== 'hello' : !PAGES.includes(answer)

describe('kill -9', () => {
  it('of a data-plane process loses what was in flight there, and nothing else', async () => {
    const before = await state()
    incumbent.forget()
    candidate.forget()
    const load = startCrowd(router.port, 24, mixed)
    await load.more(500)
    const [victim = 0, other = 0] = router.pids().dataplanes
    const theirs = clientsOf(victim, router.port)
    process.kill(victim, 'SIGKILL')
    await load.more(1_000)
    await eventually(async () => {
      const processes = (await router.status()).processes.map(({ pid }) => pid)
      expect(processes).toHaveLength(2)
      expect(processes).not.toContain(victim)
      expect(processes).toContain(other)
    })
    await load.more(200)
    await load.stop()

    const lost = load.asked.filter(isWrong)
    expect(lost.length).toBeGreaterThan(0)
    expect(lost.filter(({ answer, localPort }) => answer !== 'lost' || !theirs.has(localPort))).toEqual([])
    // One request at a time on a connection: what was in flight is at most one each.
    expect(new Set(lost.map(({ localPort }) => localPort)).size).toBe(lost.length)
    expect(lost.length).toBeLessThanOrEqual(theirs.size)

    const reached = new Map<string, number>()
    for (const { path } of [...incumbent.seen, ...candidate.seen]) reached.set(path, (reached.get(path) ?? 0) + 1)
    const pages = load.asked.filter(({ target }) => target.startsWith('/page'))
    const times = pages.map(({ target, answer }) => ({ answer, times: reached.get(target) ?? 0 }))
    expect(times.filter(({ answer, times: count }) => (answer === 'lost' ? count > 1 : count !== 1))).toEqual([])
    expect(router.output()).toContain(`data-plane process ${victim} ended (SIGKILL)`)
    expect(await state()).toEqual(before)
  })

  it('of control loses nothing, functions answer all along, and the state is the same', async () => {
    const before = await state()
    const { control, dataplanes, workerds } = router.pids()
    const load = startCrowd(router.port, 24, mixed)
    await load.more(200)
    process.kill(control, 'SIGKILL')
    await eventually(async () => {
      const after = router.pids()
      expect(after.control).not.toBe(control)
      // The workerd of the dead one serves until its successor does, and is ended then.
      expect(after.workerds).toHaveLength(1)
      expect(after.workerds).not.toEqual(workerds)
    })
    await load.more(300)
    await load.stop()
    expect(load.asked.filter(isWrong)).toEqual([])
    await untilGone(workerds)
    expect(router.pids().dataplanes).toEqual(dataplanes)
    expect(await state()).toEqual(before)
    expect(router.output()).toContain('the control process ended (SIGKILL); traffic is served on')
    expect(router.output()).toContain(`ended workerd ${workerds}`)

    await router.act('promote', { name: SHIFT })
    expect((await router.plan()).live.weights[SHIFT]).toMatchObject({ weight: 0.5 })
  })

  it('of control and a data-plane process at once loses what was in flight in the latter', async () => {
    const before = await state()
    const { control, dataplanes } = router.pids()
    const [victim = 0] = dataplanes
    const crowd = startCrowd(router.port, 24, mixed)
    await crowd.more(200)
    const theirs = clientsOf(victim, router.port)
    process.kill(control, 'SIGKILL')
    process.kill(victim, 'SIGKILL')
    await eventually(async () => {
      const { processes } = await router.status()
      expect(processes).toHaveLength(2)
      expect(processes.map(({ pid }) => pid)).not.toContain(victim)
    })
    await crowd.more(300)
    await crowd.stop()
    const lost = crowd.asked.filter(isWrong)
    expect(lost.filter(({ answer, localPort }) => answer !== 'lost' || !theirs.has(localPort))).toEqual([])
    expect(lost.length).toBeLessThanOrEqual(theirs.size)
    expect(await state()).toEqual(before)
  })

  it('of the supervisor lets its children finish what is in flight and exit; the next up serves the same', async () => {
    const before = await state()
    const pids = everyPid()
    const slow = await askSlowly(2_000)
    await router.stop('SIGKILL')
    await untilRefused()
    expect(await slow()).toEqual(['200 begun'])
    await untilGone(pids)
    await router.up()
    expect(await state()).toEqual(before)
    await eventually(async () => expect((await ask('/hello')).body).toBe('hello'))
  })

  it('of the supervisor is waited out by a next up that comes at once', async () => {
    const before = await state()
    const pids = everyPid()
    const slow = await askSlowly(1_000)
    await router.stop('SIGKILL')
    await Promise.all([router.up(), slow().then((answers) => expect(answers).toEqual(['200 begun']))])
    await untilGone(pids)
    expect(router.output()).toMatch(/the router with pid \d+ died; waiting for its processes/)
    expect(await state()).toEqual(before)
  })

  it('of everything but workerd leaves orphans, which the next up ends and names; it serves the same', async () => {
    const before = await state()
    const pids = everyPid()
    const { supervisor, workerds } = router.pids()
    for (const pid of pids) if (!workerds.includes(pid)) process.kill(pid, 'SIGKILL')
    await untilGone(pids.filter((pid) => !workerds.includes(pid)))
    expect(workerds.map(commandLine)).not.toContain('')
    await router.up()
    await untilGone(workerds)
    expect(router.output()).toContain(`ended workerd`)
    expect(router.output()).toContain(`process ${workerds}, left over from the router with pid ${supervisor} that died`)
    expect(await state()).toEqual(before)
    await eventually(async () => expect((await ask('/hello')).body).toBe('hello'))
  })

  it('of every process loses no weight, no cohort and no entry of the ledger', async () => {
    await router.act('promote', { name: SHIFT })
    const before = await state()
    for (const pid of everyPid()) process.kill(pid, 'SIGKILL')
    await router.up()
    expect(await state()).toEqual(before)
    expect(before.ledger.map(({ action }) => action)).toEqual(['start', 'promote'])
    await eventually(async () => expect((await ask('/hello')).body).toBe('hello'))
  })
})

describe('a store that is deleted while the router is stopped', () => {
  it('is noticed: the last-known weights are served, moves up are blocked, and status says so', async () => {
    const { weights, arms } = await state()
    await router.stop()
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(router.stateFolder, `state.db${suffix}`), { force: true })
    await router.up()
    const after = await state()
    expect({ weights: after.weights, arms: after.arms }).toEqual({ weights, arms })

    const { state: health, notices } = await router.status()
    expect(health).toBe('degraded')
    expect(notices.join()).toContain(`has lost the shifts "${SHIFT}"`)
    await expect(router.banyan('status')).rejects.toThrow('moves up are blocked')
    await expect(router.act('promote', { name: SHIFT })).rejects.toThrow('moves up are blocked')

    await router.act('abort', { name: SHIFT })
    expect((await ask('/page')).body).toBe('incumbent')
    expect((await router.status()).notices).toEqual([])
    await router.act('retry', { name: SHIFT })
    expect((await state()).arms).toEqual(arms)
  })
})

/** Six requests whose answers have begun and take that long; resolves to what came of them, each outcome once. */
async function askSlowly(late: number): Promise<() => Promise<readonly string[]>> {
  const target = `/page?late=${late}`
  const connections = await Promise.all(Array.from({ length: 6 }, () => openConnection(router.port)))
  const answers = connections.map((connection) =>
    connection.ask(target).then(({ status, body }) => `${status} ${body.split(' ')[0]}`, String),
  )
  await eventually(() => {
    expect([...incumbent.seen, ...candidate.seen].filter(({ path }) => path === target)).toHaveLength(6)
  })
  return async () => [...new Set(await Promise.all(answers))]
}

/** Resolves once new connections are refused: the children have heard that the supervisor is gone. */
function untilRefused(): Promise<void> {
  return eventually(async () => {
    const opened = await openConnection(router.port).then(
      (connection) => connection.close(),
      () => 'refused',
    )
    expect(opened).toBe('refused')
  })
}
