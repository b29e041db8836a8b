import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type NamedUpstream, namedUpstream } from './named-upstream.ts'
import { eventually } from './supervised.ts'
import { type Ended, type WrittenRouter, writtenRouter } from './written.ts'

let north: NamedUpstream
let router: WrittenRouter

beforeAll(async () => {
  north = await namedUpstream('north')
})
afterAll(() => north.close())
beforeEach(async () => {
  router = await writtenRouter()
})
afterEach(() => router.close())

const upstreams = (): string => `upstreams:
  north: { url: "http://127.0.0.1:${north.port}" }
  south: { url: "http://127.0.0.1:${north.port}" }
`
const good = (): string => `${upstreams()}default: north\n`

/** Wrong in every way at once: shape, names, duplicates, ties. */
const broken = (): string => `${upstreams()}default: nord
grace: 5
routes:
  - { path: /a, to: norht }
  - { path: /b, from: north, to: north, shift: canary }
  - { path: /c, to: north }
  - { path: /c, to: south }
  - { path: "/d/{x}", to: north, headers: { a: "1" } }
  - { path: "/d/{y}", to: south, headers: { b: "1" } }
retries: 3
`
const BROKEN_LINES = [
  '4:10  default  unknown upstream "nord"\n    hint: known: north, south',
  '5:8  grace  must be a duration such as 500ms, 5s, 2m or 1h, at most 24h, got 5',
  '7:21  routes[0].to  unknown upstream "norht"\n    hint: did you mean "north"? known: north, south',
  '8:34  routes[1].to  from and to are both "north"\n    hint: a shift moves a route from one upstream to another',
  '10:5  routes[3]  route id "/c" is taken by routes[2] on line 9\n    hint: both match the same requests: remove one, or make their matches differ',
  '12:13  routes[5].path  route "/d/{y} [b=1]" and route "/d/{x} [a=1]" (routes[4], line 11) have equal rank, and some request satisfies both',
  '13:1  retries  unknown key "retries"',
]

/** Each of the lines is there, in this order, whatever stands between them. */
function expectLines(text: string, lines: readonly string[]): void {
  const squeezed = text
    .replaceAll('\\n', '\n')
    .replaceAll('\\"', '"')
    .replace(/(:\d+) +/g, '$1  ')
  const places = lines.map((line) => squeezed.indexOf(line))
  expect(
    lines.filter((_, index) => (places[index] ?? -1) < 0),
    squeezed,
  ).toEqual([])
  expect(places).toEqual(places.toSorted((a, b) => a - b))
}

async function answer(path = '/'): Promise<string> {
  const response = await fetch(router.url + path)
  return `${response.status} ${await response.text()}`
}

describe('a broken configuration at the start', () => {
  it('without a last good one ends with 1, and lists every problem with its place and what to do', async () => {
    router.save(broken())
    const { code, stderr } = await router.runToEnd()
    expectLines(stderr, [
      ...BROKEN_LINES,
      '7 errors, 0 warnings; nothing is served: there is no last good configuration',
    ])
    expect(code).toBe(1)
  })

  it.each([
    { what: 'no YAML', text: 'upstreams:\n  north: { url: "http://x\n', says: 'banyan.yaml:3:1  not valid YAML' },
    { what: 'a list', text: '- north\n', says: 'banyan.yaml:1:1  the file must be a map of keys, got a list' },
  ])('that is $what says so', async ({ text, says }) => {
    writeFileSync(router.file, text)
    const { code, stderr } = await router.runToEnd()
    expect(stderr).toContain(says)
    expect(code).toBe(1)
  })

  it('that is not there says what to do', async () => {
    const { code, stderr } = await router.runToEnd()
    expect(stderr).toContain('banyan.yaml:1:1  the file does not exist; write one, or name another with -c FILE')
    expect(code).toBe(1)
  })

  it('with a last good one serves that, and says so in log, readiness and status until the file is mended', async () => {
    router.save(good())
    await router.start()
    const acceptedAt = Date.now()
    await router.stop()
    router.save(broken())
    await router.start()

    expect(await answer()).toMatch(/^200 .*"name":"north"/)
    expectLines(router.output(), [...BROKEN_LINES, '7 errors, 0 warnings; the last good one serves'])
    expect(router.output().match(/is refused/g)).toHaveLength(1)
    const { code, body } = await router.ready()
    expect([code, body.status]).toEqual([200, 'degraded'])
    expect(body.notices).toEqual([
      expect.stringMatching(/^serves the configuration of .* has 7 errors, 0 warnings, see: banyan status$/),
    ])
    // Dated by when it was accepted, not by this start.
    const since = Date.parse(/configuration of ([^;]+);/.exec(body.notices[0] ?? '')?.[1] ?? '')
    expect(since).toBeLessThanOrEqual(acceptedAt)
    const status = await router.banyan('status')
    expect(status.code).toBe(1)
    expect(status.stdout).toContain('banyan.yaml is broken: the last good one serves')
    expectLines(status.stdout, BROKEN_LINES)

    router.save(good())
    await eventually(async () => expect((await router.ready()).body.status).toBe('ok'))
    expect((await router.banyan('status')).code).toBe(0)
  })
})

describe('a reload', () => {
  const moved = (): string => good().replace('default: north', 'default: north\nroutes: [{ path: /moved, to: south }]')

  it.each([
    { by: 'seen by itself', ask: undefined },
    { by: 'asked for', ask: () => router.banyan('reload') },
  ])('of a broken file, $by, changes nothing and says so', async ({ ask }) => {
    router.save(good())
    await router.start()
    const before = (await router.status()).plan
    router.save(broken())
    const asked: Ended | undefined = await ask?.()
    if (asked !== undefined) {
      expect(asked.code).toBe(1)
      expectLines(asked.stdout, [...BROKEN_LINES, 'serves on'])
    }
    await eventually(async () => expect((await router.ready()).body.status).toBe('degraded'))
    expectLines(router.output(), [...BROKEN_LINES, '7 errors, 0 warnings; kept plan '])
    // Whoever asks is told again.
    expect(router.output().match(/is refused/g)?.length).toBeLessThanOrEqual(asked === undefined ? 1 : 2)
    expect(await answer()).toMatch(/^200 /)
    expect((await router.status()).plan?.hash).toBe(before?.hash)

    router.save(moved())
    await eventually(async () => expect((await router.ready()).body.status).toBe('ok'))
    expect(await answer('/moved')).toMatch(/^200 /)
  })

  it('of a file that was removed keeps what serves, until it is there again', async () => {
    router.save(good())
    await router.start()
    const text = readFileSync(router.file)
    rmSync(router.file)
    await eventually(async () => expect((await router.ready()).body.status).toBe('degraded'))
    const says = 'the file does not exist; write one, or name another with -c FILE; the last good configuration serves'
    expect((await router.ready()).body.notices).toEqual([expect.stringContaining(says)])
    expect(router.output()).toContain(says)
    expect((await router.banyan('reload')).code).toBe(1)
    expect((await router.banyan('status')).code).toBe(1)
    expect(await answer()).toMatch(/^200 /)

    writeFileSync(router.file, text)
    await eventually(async () => expect((await router.ready()).body.status).toBe('ok'))
    expect(await answer()).toMatch(/^200 /)
  })
})
