import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createIntake } from '../../../router/dataplane/intake.ts'
import { createLink, type Link } from '../../../router/dataplane/link.ts'
import { manualClock } from '../../../router/kernel/clock.ts'
import { stableHash } from '../../../router/kernel/hash.ts'
import { type Log, silentLog } from '../../../router/kernel/log.ts'
import type { ToDataplane } from '../../../router/model/link.ts'
import type { Plan, Published } from '../../../router/model/plan.ts'
import { loadLastGood } from '../../../router/publish/last-good.ts'
import { createPublisher, type Publisher } from '../../../router/publish/publisher.ts'
import { openStateFolder, type StateFolder } from '../../../router/publish/state-folder.ts'
import { emptyLive, planNamed } from '../../e2e/fixtures/plans.ts'

let base: string
let clock: ReturnType<typeof manualClock>
let replaced: number[]
/** What `failure()` said each time it was told to have changed. */
let failures: (string | undefined)[]
let counted: unknown[]
let closing: (() => unknown)[]
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'banyan-publisher-'))
  clock = manualClock()
  replaced = []
  failures = []
  counted = []
  closing = []
})
afterEach(async () => {
  for (const close of closing) await close()
  rmSync(base, { recursive: true })
})

function openFolder(path = join(base, 'state')): StateFolder {
  return openStateFolder({ path, now: () => 0, randomBytes: (count) => Buffer.alloc(count), runKey: undefined })
}

async function open(initialRevision = 0, folder = openFolder(), log: Log = silentLog): Promise<Publisher> {
  const publisher = await createPublisher({
    folder,
    log,
    clock,
    initialRevision,
    onCounts: (pid, counts) => counted.push([pid, counts]),
    requestReplace: (pid) => replaced.push(pid),
    failureChanged: () => void failures.push(publisher.failure()?.message),
    metrics: async () => 'banyan_up 1\n',
  })
  closing.push(() => publisher.close())
  return publisher
}

type Process = {
  readonly link: Link
  readonly applied: Published[]
  /** Kinds of message that arrived. */
  readonly received: string[]
  /** While set, plans are received and not applied. */
  hold(): () => void
}

/** A data-plane process with a real link and intake, in this process. */
async function attach(
  pid: number,
  knows?: { readonly published: Published; readonly planHash: string },
  folder = openFolder(),
): Promise<Process> {
  const applied: Published[] = []
  const received: string[] = []
  let gate: Promise<void> = Promise.resolve()
  const intake = createIntake({
    async apply(published) {
      await gate
      if (published.plan.rules[0]?.id === 'unbuildable') throw new Error('a rule that cannot be built')
      applied.push(published)
    },
    onApplied: ({ revision }) => link.send({ kind: 'ack', revision, draining: [] }),
    onRefused: (revision, reason) => link.send({ kind: 'refused', revision, reason }),
  })
  const link = createLink({
    paths: folder.paths.sockets,
    clock,
    log: silentLog,
    hello: () => ({
      kind: 'hello',
      pid,
      revision: intake.served()?.revision ?? 0,
      planHash: intake.knownPlanHash(),
    }),
    onPublish(message: Extract<ToDataplane, { kind: 'publish' | 'rules' }>) {
      received.push(message.kind === 'publish' && message.plan === undefined ? 'publish without plan' : message.kind)
      intake.take(message)
    },
    onUnreachable() {},
  })
  if (knows !== undefined) intake.takeKept(knows.published, knows.planHash)
  await vi.waitFor(() => expect(applied.length).toBe(knows === undefined ? 0 : 1))
  link.open()
  closing.unshift(() => link.close())
  await vi.waitFor(() => expect(link.connected()).toBe(true))
  const hold = (): (() => void) => {
    let release = (): void => {}
    gate = new Promise((resolve) => {
      release = resolve
    })
    return release
  }
  return { link, applied, received, hold }
}

async function connected(publisher: Publisher, count: number): Promise<void> {
  await vi.waitFor(() => expect(publisher.connected()).toHaveLength(count))
}

function planOf(rules: number, name = 'many'): Plan {
  const [rule] = planNamed(name).rules
  return {
    ...planNamed(name),
    rules: Array.from({ length: rules }, (_, index) => ({ ...rule, id: `${name} ${index}` })) as never,
  }
}

describe('the publisher', () => {
  it('makes every connected process serve a revision, and resolves when each does', async () => {
    const publisher = await open(41)
    const processes = [await attach(1), await attach(2)]
    await connected(publisher, 2)
    const publication = await publisher.publish(planNamed('one'), emptyLive)
    const hash = stableHash({ plan: planNamed('one'), weights: {} })
    expect(publication).toEqual({ revision: 42, hash, acknowledged: 2, replaced: 0, refused: 0 })
    const served = { revision: 42, hash, plan: planNamed('one'), live: emptyLive }
    for (const { applied } of processes) expect(applied).toEqual([served])
    expect(publisher.current()).toEqual(served)
    expect(publisher.connected().map(({ pid, revision }) => [pid, revision])).toEqual([
      [1, 42],
      [2, 42],
    ])
  })

  it('resolves only when the slowest has acknowledged', async () => {
    const publisher = await open()
    const slow = await attach(1)
    await attach(2)
    await connected(publisher, 2)
    const release = slow.hold()
    let resolved = false
    const publishing = publisher.publish(planNamed('one'), emptyLive).then(() => {
      resolved = true
    })
    await vi.waitFor(() => expect(publisher.connected().map(({ revision }) => revision)).toEqual([0, 1]))
    expect(resolved).toBe(false)
    release()
    await publishing
    expect(publisher.connected().map(({ revision }) => revision)).toEqual([1, 1])
  })

  it('publishes nothing new for the same plan and live', async () => {
    const publisher = await open()
    const { applied } = await attach(1)
    await connected(publisher, 1)
    await publisher.publish(planNamed('one'), emptyLive)
    expect(await publisher.publish(planNamed('one'), { ...emptyLive })).toMatchObject({ revision: 1, acknowledged: 1 })
    expect(applied).toHaveLength(1)
  })

  it('sends the plan once: weights and addresses travel without it', async () => {
    const publisher = await open()
    const { applied, received } = await attach(1)
    await connected(publisher, 1)
    await publisher.publish(planNamed('one'), emptyLive)
    const weights = { shift: { weight: 0.5, salt: 'ff', active: true } }
    const second = await publisher.publish(planNamed('one'), { ...emptyLive, weights })
    expect(received).toEqual(['rules', 'publish', 'publish without plan'])
    expect(applied[1]).toEqual({
      revision: 2,
      hash: second.hash,
      plan: planNamed('one'),
      live: { ...emptyLive, weights },
    })
    const third = await publisher.publish(planNamed('one'), {
      ...emptyLive,
      weights,
      addresses: { 'functions/contact': [{ host: '127.0.0.1', port: 1 }] },
    })
    expect(third).toMatchObject({ revision: 3, hash: second.hash })
  })

  it('sends a large plan in pieces that come together whole', async () => {
    const publisher = await open()
    const { applied, received } = await attach(1)
    await connected(publisher, 1)
    await publisher.publish(planOf(1_000), emptyLive)
    expect(applied[0]?.plan).toEqual(planOf(1_000))
    expect(received).toHaveLength(Math.ceil(1_000 / 32) + 1)
    await publisher.publish(planOf(0), emptyLive)
    expect(applied[1]?.plan.rules).toEqual([])
  })

  it('applies only the newest of what arrives while a plan is being built', async () => {
    const publisher = await open()
    const { applied, hold } = await attach(1)
    await connected(publisher, 1)
    const release = hold()
    const publishing = ['one', 'two', 'three'].map((name) => publisher.publish(planNamed(name), emptyLive))
    await vi.waitFor(() => expect(publisher.current()?.revision).toBe(3))
    await new Promise((resolve) => setTimeout(resolve, 20))
    release()
    const results = await Promise.all(publishing)
    expect(results.every(({ acknowledged }) => acknowledged === 1)).toBe(true)
    expect(applied.map(({ revision }) => revision)).toEqual([1, 3])
  })

  it('brings a process that connects later up to date', async () => {
    const publisher = await open()
    await publisher.publish(planNamed('one'), emptyLive)
    const { applied } = await attach(1)
    await vi.waitFor(() => expect(publisher.connected()).toMatchObject([{ pid: 1, revision: 1 }]))
    expect(applied[0]?.plan).toEqual(planNamed('one'))
  })

  it('is found again after control was restarted, without the plan being sent again', async () => {
    const first = await open()
    const { link, received } = await attach(1)
    await connected(first, 1)
    await first.publish(planNamed('one'), emptyLive)
    await first.close()
    await vi.waitFor(() => expect(link.connected()).toBe(false))
    const second = await open(loadLastGood(openFolder()).revision)
    await vi.waitFor(() => {
      clock.advance(100)
      expect(link.connected()).toBe(true)
    })
    await connected(second, 1)
    expect(await second.publish(planNamed('one'), emptyLive)).toMatchObject({ revision: 2, acknowledged: 1 })
    expect(received).toEqual(['rules', 'publish', 'publish without plan'])
  })

  it('never goes back behind a revision that a process has seen', async () => {
    const publisher = await open(3)
    await publisher.publish(planNamed('one'), emptyLive)
    const published = { revision: 9, hash: 'h', plan: planNamed('lost'), live: emptyLive }
    const { applied } = await attach(1, { published, planHash: 'lost' })
    await vi.waitFor(() => expect(applied.at(-1)?.revision).toBe(10))
    expect(applied.at(-1)?.plan).toEqual(planNamed('one'))
    expect(publisher.current()?.revision).toBe(10)
  })

  it('replaces a process that is silent for two seconds, and waits for the others only', async () => {
    const publisher = await open()
    const silent = await attach(1)
    await attach(2)
    publisher.expectProcesses([1, 2])
    await connected(publisher, 2)
    const release = silent.hold()
    const publishing = publisher.publish(planNamed('one'), emptyLive)
    await vi.waitFor(() =>
      expect(publisher.connected()).toContainEqual(expect.objectContaining({ pid: 2, revision: 1 })),
    )
    clock.advance(1_999)
    expect(replaced).toEqual([])
    clock.advance(1)
    expect(replaced).toEqual([1])
    publisher.expectProcesses([2, 3])
    silent.link.close()
    expect(await publishing).toMatchObject({ acknowledged: 1, replaced: 1 })
    release()
  })

  it('waits for an expected process that has yet to connect, longer than for a silent one', async () => {
    const publisher = await open()
    publisher.expectProcesses([1])
    const publishing = publisher.publish(planNamed('one'), emptyLive)
    clock.advance(5_000)
    expect(replaced).toEqual([])
    await attach(1)
    expect(await publishing).toMatchObject({ acknowledged: 1, replaced: 0 })
  })

  it('leaves a process that cannot build the plan on the one before', async () => {
    const publisher = await open()
    const { applied } = await attach(1)
    await connected(publisher, 1)
    await publisher.publish(planNamed('one'), emptyLive)
    expect(await publisher.publish(planNamed('unbuildable'), emptyLive)).toMatchObject({ acknowledged: 0, refused: 1 })
    expect(publisher.connected()).toMatchObject([{ pid: 1, revision: 1 }])
    expect(applied).toHaveLength(1)
    // Nobody expects it to say so again.
    expect(await publisher.publish(planNamed('unbuildable'), emptyLive)).toMatchObject({ acknowledged: 0, refused: 1 })
    clock.advance(20_000)
    expect(replaced).toEqual([])
    expect(await publisher.publish(planNamed('two'), emptyLive)).toMatchObject({ acknowledged: 1, refused: 0 })
  })

  it('knows when nobody has requests in flight to an address any more', async () => {
    const publisher = await open()
    const { link } = await attach(1)
    await connected(publisher, 1)
    link.send({ kind: 'draining', draining: ['10.0.0.1:80', '10.0.0.2:80'] })
    await vi.waitFor(() => expect(publisher.connected()[0]?.draining).toHaveLength(2))
    expect(await publisher.drained(['10.0.0.3:80'], 1_000)).toBe(true)
    const one = publisher.drained(['10.0.0.1:80'], 1_000)
    const both = publisher.drained(['10.0.0.1:80', '10.0.0.2:80'], 1_000)
    link.send({ kind: 'draining', draining: ['10.0.0.2:80'] })
    expect(await one).toBe(true)
    clock.advance(1_000)
    expect(await both).toBe(false)
  })

  it('knows when the last process has gone', async () => {
    const publisher = await open()
    const { link } = await attach(1)
    await connected(publisher, 1)
    const deserted = publisher.deserted(1_000)
    link.close()
    expect(await deserted).toBe(true)
  })

  it('hands on counts, and gives its figures to a process that asks', async () => {
    const publisher = await open()
    const { link } = await attach(1)
    await connected(publisher, 1)
    const figures = { inFlight: 3, residentBytes: 1, cpuSeconds: 0.5, uptimeSeconds: 9 }
    const counts = { requests: [{ rule: 'default', upstream: 'clinic', outcome: '2xx', count: 4 }], unclaimed: [] }
    link.send({ kind: 'counts', counts, figures })
    expect(await link.askMetrics()).toBe('banyan_up 1\n')
    expect(counted).toEqual([[1, counts]])
    expect(publisher.connected()[0]?.figures).toEqual(figures)
  })

  it('keeps plan and live on disk before it resolves', async () => {
    const publisher = await open(6)
    const { hash } = await publisher.publish(planNamed('one'), emptyLive)
    expect(loadLastGood(openFolder())).toMatchObject({
      plan: { revision: 7, plan: planNamed('one') },
      live: { revision: 7, hash, live: emptyLive },
      revision: 7,
    })
    const planFile = readFileSync(openFolder().paths.plan, 'utf8')
    await publisher.publish(planNamed('one'), { ...emptyLive, notices: ['a source is away'] })
    expect(readFileSync(openFolder().paths.plan, 'utf8')).toBe(planFile)
    expect(loadLastGood(openFolder()).revision).toBe(8)
  })

  it('serves on where the folder cannot be written, says so once, and keeps it as soon as it can', async () => {
    const folder = openFolder()
    const said: string[] = []
    const say = (message: string): void => void said.push(message)
    const log: Log = { info: say, warn: say, error: say, child: () => log }
    const publisher = await open(0, folder, log)
    await attach(1)
    await connected(publisher, 1)
    mkdirSync(folder.paths.plan)
    expect(await publisher.publish(planNamed('one'), emptyLive)).toMatchObject({ revision: 1, acknowledged: 1 })
    await publisher.publish(planNamed('two'), emptyLive)
    expect(publisher.failure()?.message).toContain('plan.json cannot be written')
    expect(said).toHaveLength(1)
    expect(failures).toEqual([publisher.failure()?.message])
    rmSync(folder.paths.plan, { recursive: true })
    clock.advance(10_000)
    await vi.waitFor(() => expect(publisher.failure()).toBeUndefined())
    expect(failures.slice(1)).toEqual([undefined])
    expect(loadLastGood(folder).plan?.plan).toEqual(planNamed('two'))
    expect(said[1]).toBe('the state folder can be written again; what is served is kept')
  })

  it('is found in the temporary folder where the path of the state folder is too long', async () => {
    const folder = openFolder(join(base, 'x'.repeat(100)))
    const publisher = await open(0, folder)
    closing.push(() => rmSync(join(folder.paths.sockets[0] ?? '', '..'), { recursive: true, force: true }))
    const { applied } = await attach(1, undefined, folder)
    await connected(publisher, 1)
    await publisher.publish(planNamed('one'), emptyLive)
    expect(applied).toHaveLength(1)
  })
})
