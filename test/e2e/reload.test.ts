import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Exchanged, nameIn, startLoad, wrongness } from './checked-load.ts'
import { type NamedUpstream, namedUpstream } from './named-upstream.ts'
import { eventually } from './supervised.ts'
import { type WrittenRouter, writtenRouter } from './written.ts'

const RELOADS = 20
const NAMES = ['north', 'south'] as const

let router: WrittenRouter
let upstreams: readonly NamedUpstream[]

const configuration = (to: string): string => `
upstreams:
${NAMES.map((name, index) => `  ${name}: { url: "http://127.0.0.1:${upstreams[index]?.port}" }`).join('\n')}
routes:
  - { path: /answer, to: ${to} }
`

beforeAll(async () => {
  upstreams = await Promise.all(NAMES.map((name) => namedUpstream(name)))
  router = await writtenRouter({ processes: 2 })
  router.save(configuration(NAMES[0]))
  await router.start()
})
afterAll(async () => {
  await router.close()
  await Promise.all(upstreams.map((upstream) => upstream.close()))
})

/** From `savedAt` on `name` may answer; from `inForceAt` on nobody else. */
type Change = { readonly name: string; readonly savedAt: number; readonly inForceAt: number }

async function revisions(): Promise<readonly number[]> {
  return (await router.status()).processes.map(({ revision }) => revision)
}

/** Half of the reloads are seen by themselves, half are asked for. */
async function change(number: number, from: number): Promise<Change> {
  const name = NAMES[number % 2] ?? ''
  const savedAt = performance.now()
  router.save(configuration(name))
  if (number % 4 < 2) {
    const { code, stdout } = await router.banyan('reload')
    expect([code, stdout]).toEqual([0, expect.stringContaining('accepted')])
  }
  await eventually(async () => expect(await revisions()).toEqual([from + number, from + number]))
  return { name, savedAt, inForceAt: performance.now() }
}

/** Who may have answered a request: whoever was in force at any moment of it. */
function allowed(changes: readonly Change[], { startedAt, endedAt }: Exchanged): readonly string[] {
  return changes
    .filter((one, index) => one.savedAt <= endedAt && (changes[index + 1]?.inForceAt ?? Infinity) >= startedAt)
    .map(({ name }) => name)
}

it('twenty reloads under load answer every request rightly, and each raises the revision by one everywhere', async () => {
  const first = await eventually(async () => {
    const [one = 0, other = 0] = await revisions()
    expect([one, other]).toEqual([one || 1, one])
    return one
  })
  const changes: Change[] = [{ name: NAMES[0], savedAt: 0, inForceAt: 0 }]
  const load = startLoad({ url: `${router.url}/answer`, workers: 8 })
  await pause(200)
  for (let number = 1; number <= RELOADS; number++) {
    changes.push(await change(number, first))
    await pause(80)
  }
  await pause(300)
  await load.stop()

  expect(load.failures).toEqual([])
  expect(load.exchanged.flatMap((one) => wrongness(one) ?? [])).toEqual([])
  const strangers = load.exchanged.filter((one) => !allowed(changes, one).includes(nameIn(one)))
  expect(strangers.map((one) => `${one.id} was answered by ${nameIn(one)}`)).toEqual([])
  // Otherwise the check before would have had nothing to find.
  const decided = load.exchanged.filter((one) => allowed(changes, one).length === 1)
  expect(decided.length).toBeGreaterThan(load.exchanged.length / 8)
  expect(new Set(decided.map(nameIn))).toEqual(new Set(NAMES))
  expect(load.exchanged.length).toBeGreaterThan(1_000)
  expect(await revisions()).toEqual([first + RELOADS, first + RELOADS])
  expect((await router.status()).processes).toHaveLength(2)
})
