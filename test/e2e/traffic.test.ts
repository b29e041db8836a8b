import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { LeftView } from '../../router/admin/control.ts'
import type { OperationView } from '../../router/admin/operations.ts'
import { type Estate, startEstate } from '../estate.ts'
import { seeded } from '../random.ts'
import { prepareRouter, type Router } from './router.ts'

type Asked = {
  readonly method: string
  readonly path: string
  readonly operation: string | undefined
  readonly tier: string
}

/** What the run asks for, and who implements it, written down without asking the router. */
const ASKED: readonly Asked[] = [
  { method: 'GET', path: '/', operation: 'GET /', tier: 'legacy' },
  { method: 'GET', path: '/owners/find', operation: 'GET /owners/find', tier: 'legacy' },
  { method: 'GET', path: '/owners/1', operation: 'GET /owners/{ownerId}', tier: 'legacy' },
  { method: 'GET', path: '/owners/2', operation: 'GET /owners/{ownerId}', tier: 'legacy' },
  { method: 'GET', path: '/vets.json', operation: 'GET /vets.json', tier: 'legacy' },
  { method: 'GET', path: '/nothing/here', operation: undefined, tier: 'legacy' },
  { method: 'GET', path: '/counter', operation: 'GET /counter', tier: 'service' },
  { method: 'GET', path: '/api/vets', operation: 'GET /api/vets', tier: 'service' },
  { method: 'GET', path: '/contact.html', operation: 'GET /contact.html', tier: 'function' },
]

describe('left, over a recorded run', () => {
  let estate: Estate
  const run: Asked[] = []
  const left = async (...args: readonly string[]) =>
    JSON.parse((await estate.banyan('left', '--json', ...args)).stdout) as LeftView

  beforeAll(async () => {
    estate = await startEstate()
    await vi.waitFor(async () => expect((await left()).tiers.map(({ operations }) => operations)).toEqual([19, 2, 2]), {
      timeout: 30_000,
      interval: 100,
    })
    const random = seeded(1)
    for (let index = 0; index < 200; index++) {
      const one = ASKED[random.below(ASKED.length)] as Asked
      run.push(one)
      await (await fetch(estate.routerUrl + one.path, { method: one.method, redirect: 'manual' })).arrayBuffer()
    }
    await vi.waitFor(async () => expect(total((await left()).tiers)).toBe(run.length), { timeout: 10_000 })
  }, 60_000)
  afterAll(() => estate.close())

  it('agrees with a count of its own', async () => {
    const { operations, tiers } = await left()
    for (const { tier, requests } of tiers)
      expect([tier, requests]).toEqual([tier, run.filter((it) => it.tier === tier).length])
    for (const { method, template, requests } of operations) {
      const key = `${method} ${template}`
      expect([key, requests]).toEqual([key, run.filter(({ operation }) => operation === key).length])
    }
  })

  it('goes on counting the day after a restart', async () => {
    const before = dayOf(await left())
    expect(total(before)).toBe(run.length)
    await estate.stopRouter()
    await estate.startRouter()
    expect(total((await left()).tiers)).toBe(0)
    expect(dayOf(await left()).map(({ requests }) => requests)).toEqual(before.map(({ requests }) => requests))
  })

  it('calls nothing dead that has not been watched for the whole window', async () => {
    const { quiet } = await left('--window', '12h')
    expect(quiet).toMatchObject({ windowMs: 43_200_000, dead: [] })
    expect(quiet.unsettled).toBeGreaterThan(0)
    expect((await estate.banyan('left', '--window', 'soon')).code).toBe(2)
  })

  it('says what is the easiest to move, and why', async () => {
    const { next } = await left()
    expect(next.map(({ key }) => key)).toContain('GET /owners/{}')
    expect(next[0]?.reason).toMatch(/implements it too; GET changes nothing; .+; their descriptions/)
  })
})

describe('up --observe', () => {
  let estate: Estate
  beforeAll(async () => {
    estate = await startEstate()
    // Whatever was served before: the last good plan has routes.
    await vi.waitFor(async () => expect((await fetch(`${estate.routerUrl}/counter`)).status).toBe(200), {
      timeout: 20_000,
    })
    await estate.stopRouter()
    await estate.startRouter(undefined, ['--observe'])
  }, 60_000)
  afterAll(() => estate.close())

  it('sends everything to the default upstream, and knows who else implements it', async () => {
    await vi.waitFor(async () => expect((await estate.banyan('operations')).stdout).toContain('counter'), {
      timeout: 20_000,
    })
    for (const path of ['/counter', '/api/vets', '/contact.html']) {
      expect([path, (await fetch(estate.routerUrl + path)).status]).toEqual([path, 404])
    }
    const { stdout } = await estate.banyan('operations', '--json')
    const { operations } = JSON.parse(stdout) as { operations: OperationView[] }
    expect(new Set(operations.map((one) => one.served_by))).toEqual(new Set(['clinic']))
  })

  it('refuses to move anything, and says why', async () => {
    const started = await estate.banyan('shift', 'start', 'GET /vets.html')
    expect(started.code).toBe(1)
    expect(started.stderr).toMatch(/only observes: everything goes to clinic.+start banyan up without --observe/)
  })

  it('says so at the start, in status and in upstreams', async () => {
    expect(estate.output()).toContain('only observes: everything goes to clinic')
    expect((await estate.banyan('status')).stdout).toContain('only observes')
    expect((await estate.banyan('upstreams')).stdout).toContain('only observes')
  })
})

describe('check --probe', () => {
  let estate: Estate
  const check = async () => JSON.parse((await estate.banyan('check', '--probe', '--json')).stdout)
  beforeAll(async () => {
    estate = await startEstate({ router: false })
  }, 60_000)
  afterAll(() => estate.close())

  it('asks the upstreams without a router, and finds the link that nobody serves', async () => {
    const { check: found, captures } = await check()
    expect(captures).toMatch(
      /^captures checked against the 21 operations that upstreams have just named; functions\/contact/,
    )
    expect(captures).toMatch(/\d+ pages of clinic read with \d+ GET requests: 1 links that nobody serves/)
    const links = found.filter(({ code }: { code: string }) => code === 'nobody-serves')
    expect(links).toMatchObject([{ message: 'GET /contact.html is on / of clinic, and nobody serves it: 404' }])
  })

  it('knows what functions declared when the router last ran', async () => {
    await estate.startRouter()
    await vi.waitFor(async () => expect((await fetch(`${estate.routerUrl}/contact.html`)).status).toBe(200), {
      timeout: 20_000,
    })
    await estate.stopRouter()
    const { check: found, captures } = await check()
    expect(captures).toContain('0 links that nobody serves')
    expect(found.filter(({ code }: { code: string }) => code === 'nobody-serves')).toEqual([])
  })
})

describe('an application that publishes nothing', () => {
  let router: Router
  const application = createServer((request, response) => {
    const path = (request.url ?? '').replace(/\?.*/, '')
    const known = /^\/(?:owners(?:\/\d+(?:\/edit)?|\/new)?|vets\.html)?$/.test(path)
    response.writeHead(known ? 200 : 404, { 'content-length': '2' }).end('ok')
  })
  const operations = async () => {
    const answer = JSON.parse(await router.banyan('operations', '--json')) as { operations: OperationView[] }
    return answer.operations
      .filter(({ implementers }) => implementers.length > 0)
      .map(({ method, path }) => `${method} ${path}`)
  }

  beforeAll(async () => {
    await new Promise<void>((resolve) => void application.listen(0, '127.0.0.1', resolve))
    const { port } = application.address() as AddressInfo
    router = await prepareRouter(
      `default: app\nupstreams: { app: { tier: legacy, url: "http://127.0.0.1:${port}" } }\n`,
    )
    await router.up()
  }, 60_000)
  afterAll(async () => {
    await router.close()
    application.close()
  })

  it('is known by what passes through, after a restart too', async () => {
    const random = seeded(2)
    const paths = [
      '/',
      '/owners',
      '/owners/new',
      '/owners/1',
      '/owners/2',
      '/owners/3/edit',
      '/owners/4/edit',
      '/vets.html?x=1',
    ]
    const nowhere = ['/wp-login.php', '/.env', '/contact.html', '/owners/1/cars']
    for (let index = 0; index < 300; index++) {
      const path = random.chance(0.3) ? random.pick(['/', ...nowhere]) : random.pick(['/', ...paths])
      await (await fetch(`http://127.0.0.1:${router.port}${path}`)).text()
    }
    const learned = [
      'GET /',
      'GET /owners',
      'GET /owners/new',
      'GET /owners/{}',
      'GET /owners/{}/edit',
      'GET /vets.html',
    ]
    await vi.waitFor(async () => expect(await operations()).toEqual(learned), { timeout: 40_000, interval: 500 })
    await router.stop()
    await router.up()
    expect(await operations()).toEqual(learned)
  }, 90_000)
})

describe('an upstream that is not to be learned from', () => {
  const asked = { noisy: [] as string[], quiet: [] as string[] }
  const applications = (['noisy', 'quiet'] as const).map((name) =>
    createServer((request, response) => {
      asked[name].push(`${request.method} ${request.url}`)
      response.writeHead(200, { 'content-length': '2' }).end('ok')
    }),
  )
  let router: Router

  beforeAll(async () => {
    const ports: number[] = []
    for (const application of applications) {
      await new Promise<void>((resolve) => void application.listen(0, '127.0.0.1', resolve))
      ports.push((application.address() as AddressInfo).port)
    }
    router = await prepareRouter(`default: noisy
upstreams:
  noisy: { tier: legacy, url: "http://127.0.0.1:${ports[0]}" }
  quiet: { tier: legacy, url: "http://127.0.0.1:${ports[1]}", discover: { traffic: off } }
routes: [{ path: "/quiet/**", to: quiet }]
`)
    await router.up()
  }, 60_000)
  afterAll(async () => {
    await router.close()
    for (const application of applications) application.close()
  })

  it('gets the requests of clients, and no other', async () => {
    const paths = ['/quiet/owners/find', '/quiet/vets', '/owners/find', '/vets']
    for (const path of paths) await (await fetch(`http://127.0.0.1:${router.port}${path}`)).text()
    // Folders are asked about in the order of their requests: both of quiet's would have had their turn by now.
    const random = () => asked.noisy.filter((line) => !paths.includes(line.slice('GET '.length)))
    await vi.waitFor(() => expect(random()).toHaveLength(4), { timeout: 20_000, interval: 100 })
    expect(asked.quiet).toEqual(['GET /quiet/owners/find', 'GET /quiet/vets'])
  }, 30_000)
})

function total(counts: readonly { readonly requests: number }[]): number {
  return counts.reduce((sum, { requests }) => sum + requests, 0)
}

function dayOf({ days }: LeftView) {
  return days.at(-1)?.tiers ?? []
}
