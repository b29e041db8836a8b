import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Estate, ROOT, startEstate } from '../estate.ts'

let estate: Estate
let config: string

beforeAll(async () => {
  estate = await startEstate({ router: false })
  // A file of our own, beside the repository's, so that relative paths mean the same and edits hurt nobody.
  config = join(estate.stateFolder, 'banyan.yaml')
  const text = readFileSync(join(ROOT, 'banyan.yaml'), 'utf8')
  writeFileSync(config, text.replace('functions: ./functions', `functions: ${join(ROOT, 'functions')}`))
  await estate.startRouter(config)
  await until(async () => (await json('upstreams')).upstreams.every(answered))
})
afterAll(() => estate.close())

type Upstream = { name: string; operations: number; failure: string | null; detection: { state: string }[] }
const answered = ({ detection }: Upstream) => detection.every(({ state }) => state === 'answered')

// biome-ignore lint/suspicious/noExplicitAny: the documented JSON of many verbs, read by each test as it needs
async function json(...args: string[]): Promise<any> {
  return JSON.parse((await estate.banyan(...args, '--json')).stdout)
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await holds().catch(() => false)) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`did not come true within 10 s\n${estate.output()}`)
}

const edited = (change: (text: string) => string) => {
  const file = join(estate.stateFolder, 'edited.yaml')
  writeFileSync(file, change(readFileSync(config, 'utf8')))
  return file
}

describe('the verbs that ask a running router', () => {
  it('status: says it is well, where it listens, and which processes serve which revision', async () => {
    const { code, stdout } = await estate.banyan('status')
    expect(code).toBe(0)
    expect(stdout).toContain('ok, up')
    const status = await json('status')
    expect(status).toMatchObject({ state: 'ok', notices: [], configuration: { file: config, current: true } })
    expect(status.processes.length).toBeGreaterThan(0)
    for (const one of status.processes) expect(one.revision).toBe(status.plan.revision)
    expect(`http://127.0.0.1:${status.listen[0].port}`).toBe(estate.routerUrl)
  })

  it('upstreams: says what discovery tried and what came back', async () => {
    const { stdout } = await estate.banyan('upstreams')
    expect(stdout).toMatch(/clinic, mappings: answered, 19 operations/)
    expect(stdout).toMatch(/GET \/manage\/mappings: 200, 19 operations/)
    const { upstreams, sources } = await json('upstreams')
    expect(sources).toEqual([])
    expect(upstreams.flatMap((one: { advice: unknown[] }) => one.advice)).toEqual([])
    expect(upstreams.map((one: Upstream) => [one.name, one.operations])).toEqual([
      ['clinic', 19],
      ['counter', 1],
      ['functions/contact', 2],
      ['functions/vets-feed', 1],
      ['owners', 1],
      ['vets', 3],
    ])
  })

  it('functions: lists them', async () => {
    const { functions } = await json('functions')
    expect(functions.map((one: Upstream) => [one.name, one.failure])).toEqual([
      ['functions/contact', null],
      ['functions/vets-feed', null],
    ])
  })

  it('left: counts what is left in legacy, with its share of the traffic', async () => {
    for (let index = 0; index < 3; index++) await (await fetch(`${estate.routerUrl}/vets.json`)).text()
    await (await fetch(`${estate.routerUrl}/counter`)).text()
    // Each process tells its counts by itself.
    const counted = async (): Promise<number> =>
      (await json('left')).tiers.reduce((sum: number, tier: { requests: number }) => sum + tier.requests, 0)
    await until(async () => (await counted()) >= 4)
    const left = await json('left')
    expect(left.operations).toHaveLength(19)
    expect(left.operations[0]).toMatchObject({ key: 'GET /vets.json', requests: 3, share: 0.75, candidates: [] })
    const html = left.operations.find(({ key }: { key: string }) => key === 'GET /vets.html')
    expect(html.candidates).toEqual([{ upstream: 'vets', tier: 'service' }])
  })

  it('plan: says what a file would change, and changes nothing', async () => {
    const before = (await json('status')).plan.revision
    expect((await estate.banyan('plan', '-c', config, '--exit-code')).code).toBe(0)
    const file = edited((text) => `${text}\n  - path: /vets/new\n    methods: [GET]\n    to: vets\n`)
    const { code, stdout } = await estate.banyan('plan', '-c', file, '--exit-code')
    expect(code).toBe(1)
    expect(stdout).toMatch(/\+ +rule +route:GET \/vets\/new +vets/)
    expect(stdout).toMatch(/- +rule +operation:GET \/vets\/new +clinic/)
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(
      /^\d+ changes against plan revision \d+ \(\w{6}\) of the router that runs /,
    )
    expect(stdout).toContain(` of the router that runs ${config}\n`)
    expect((await estate.banyan('plan', '-c', config)).stdout).toMatch(
      /^no changes against plan revision \d+ \(\w{6}\)$/m,
    )
    const broken = await estate.banyan(
      'plan',
      '-c',
      edited((text) => text.replace('to: vets', 'to: vest')),
    )
    expect(broken.code).toBe(1)
    expect(broken.stdout).toContain('did you mean "vets"?')
    expect((await json('status')).plan.revision).toBe(before)
  })

  it('reload: takes the file at once; --processes replaces every data-plane process', async () => {
    const before = await json('status')
    const pids = (status: { processes: { pid: number }[] }) => status.processes.map(({ pid }) => pid)
    expect((await estate.banyan('reload')).code).toBe(0)
    expect(pids(await json('status'))).toEqual(pids(before))
    expect((await estate.banyan('reload', '--processes')).code).toBe(0)
    await until(async () => {
      const now = pids(await json('status'))
      return now.length === pids(before).length && now.every((pid) => !pids(before).includes(pid))
    })
    expect((await fetch(`${estate.routerUrl}/vets.json`)).status).toBe(200)
  })

  it('explain: takes headers, and refuses what is no request', async () => {
    const found = await json('explain', 'GET', '/vets.html', '-H', 'accept: text/html')
    expect(JSON.stringify(found)).toContain('GET /vets.html')
    expect((await estate.banyan('explain', 'GET')).code).toBe(2)
    expect((await estate.banyan('explain', 'GET', '/', '-H', 'no colon')).code).toBe(2)
  })

  it.each([
    { args: ['operations', '--tier', 'monolith'], says: 'is none of legacy, service, function' },
    { args: ['functions', 'log', 'nope'], says: 'unknown function "nope"; known: functions/contact' },
    { args: ['functions', 'restart'], says: 'functions restart: what?' },
    { args: ['shift', 'promote', 'GET /vets.html', '--to', 'half'], says: '--to "half" is not a share such as 25%' },
    { args: ['shift', 'move'], says: 'shift move: what?' },
    { args: ['shift', 'show'], says: 'which shift?' },
  ])('$args is used wrongly, and the answer says how', async ({ args, says }) => {
    const { code, stderr } = await estate.banyan(...args)
    expect([code, stderr]).toEqual([2, expect.stringContaining(says)])
  })

  it('metrics: the status port relays the whole router’s figures', async () => {
    await until(async () =>
      (await (await fetch(`${estate.statusUrl}/metrics`)).text()).includes('banyan_requests_total'),
    )
    const text = await (await fetch(`${estate.statusUrl}/metrics`)).text()
    expect(text).toMatch(
      /^banyan_requests_total\{rule="operation:GET \/vets.json",upstream="clinic",outcome="2xx"\} \d+$/m,
    )
    expect(text).toMatch(/^banyan_degraded 0$/m)
  })

  it('say so, and exit with 1, where no router answers', async () => {
    const { code, stderr } = await estate.banyan('status', '--admin', 'http://127.0.0.1:9')
    expect([code, stderr]).toEqual([1, expect.stringContaining('no router answers at http://127.0.0.1:9')])
  })
})
