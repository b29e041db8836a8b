// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references as a user writes them in function.yaml
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../router/kernel/clock.ts'
import { endProcesses, systemProcesses } from '../../router/kernel/processes.ts'
import { project } from './fixtures/functions.ts'

const CONTACT = `
import { Hono } from 'hono'
import { logger } from 'hono/logger'
import { title } from './title.ts'

const contact = new Hono<{ Bindings: { EMAIL: string } }>()
contact.use(logger(() => undefined))
contact.get('/contact.html', (c) => c.html(\`<h1>\${title}</h1>\${c.env.EMAIL}\`))
contact.post('/contact.html', async (c) => c.json(await c.req.parseBody()))
contact.get('/visits/:id{[0-9]+}', (c) => {
  console.log('visit', c.req.param('id'))
  return c.text(c.req.param('id'))
})
export default contact
`
const says = (text: string): string => `export default { fetch: () => new Response('${text}') }\n`

describe('a function', () => {
  it('serves on a socket of its own, with its environment, and its routes are read from it', async () => {
    await using site = project(
      {
        'contact/index.ts': CONTACT,
        'contact/title.ts': "export const title: string = 'Contact'\n",
        'contact/function.yaml': 'env:\n  EMAIL: ${CLINIC_EMAIL}\n',
        'notes/readme.txt': 'no function',
      },
      { env: { CLINIC_EMAIL: 'canary@example' } },
    )
    await site.host.start()

    const page = await site.ask('functions/contact', '/contact.html')
    expect(await page.text()).toBe('<h1>Contact</h1>canary@example')
    const form = new URLSearchParams({ name: 'Jo' })
    expect(await (await site.ask('functions/contact', '/contact.html', { method: 'POST', body: form })).json()).toEqual(
      {
        name: 'Jo',
      },
    )
    expect((await site.ask('functions/contact', '/elsewhere')).status).toBe(404)
    expect(site.host.state()).toMatchObject([
      {
        name: 'functions/contact',
        status: 'ready',
        routes: ['GET /contact.html', 'POST /contact.html', 'GET /visits/{id}'],
        source: 'functions/contact/index.ts',
      },
    ])
    expect(JSON.stringify([site.host.state(), site.logged])).not.toContain('canary')
  })

  it('has what it prints in its log', async () => {
    await using site = project({ 'contact/index.ts': CONTACT, 'contact/title.ts': "export const title = ''" })
    await site.host.start()
    await site.ask('functions/contact', '/visits/7')
    await expect.poll(() => site.host.logs('functions/contact').map(({ text }) => text)).toEqual(['visit 7'])
  })

  it('without a table of routes serves, and is told how to declare them', async () => {
    await using site = project({
      'plain/index.js': says('plain'),
      'listed/index.ts': `export const routes = ['GET /listed/**']\n${says('listed')}`,
    })
    await site.host.start()
    expect(site.host.state()?.map(({ name, routes }) => [name, routes])).toEqual([
      ['functions/listed', ['GET /listed/**']],
      ['functions/plain', []],
    ])
    expect(await (await site.ask('functions/plain', '/')).text()).toBe('plain')
    expect(site.logged).toContainEqual(expect.stringContaining('functions/plain declares no routes'))
  })
})

describe('a function that does not load', () => {
  it.each([
    {
      why: 'a syntax error',
      text: 'const a = 1\nexport default {\n  fetch() { return new Response(a }\n}\n',
      says: 'functions/a/index.ts:3:35 Expected ")" but found "}"',
    },
    {
      why: 'a throw at load',
      text: "type Unused = { readonly a: string }\n\nconst limits: string[] = []\nif (limits.length === 0) throw new RangeError('no limits')\nexport default {}\n",
      says: 'functions/a/index.ts:4:32 RangeError: no limits',
    },
    {
      why: 'an import of nothing',
      text: "import { a } from '../missing.ts'\nexport default a\n",
      says: 'functions/a/index.ts:1:19 Could not resolve "../missing.ts"',
    },
    {
      why: 'a package that is not installed',
      text: "import { a } from 'not-installed'\nexport default a\n",
      says: 'functions/a/index.ts:1:19 Could not resolve "not-installed"; is the package installed, beside the function',
    },
    { why: 'no default export', text: 'export const a = 1\n', says: 'TypeError: no usable default export' },
    {
      why: 'a wrong list of routes',
      text: `export const routes = ['/a']\n${says('a')}`,
      says: 'export const routes[0] "/a": expected METHOD /path',
    },
  ])('for $why says where, serves once mended, and goes on serving when it breaks again', async (broken) => {
    await using site = project({ 'a/index.ts': broken.text })
    await site.host.start()
    expect(site.host.state()).toMatchObject([{ status: 'failed', revision: undefined, address: undefined }])
    expect(site.host.state()?.[0]?.failure).toContain(broken.says)

    site.write('functions/a/index.ts', says('mended'))
    const { failure, revision } = await site.until('functions/a', ({ status }) => status === 'ready')
    expect(failure).toBeUndefined()

    site.write('functions/a/index.ts', broken.text)
    const { refused, ...state } = await site.until('functions/a', ({ refused }) => refused !== undefined)
    expect(refused).toContain(broken.says)
    expect(state).toMatchObject({ status: 'ready', revision })
    expect(await (await site.ask('functions/a', '/')).text()).toBe('mended')

    site.write('functions/a/index.ts', says('mended'))
    expect(await site.until('functions/a', ({ refused }) => refused === undefined)).toMatchObject({ revision })
    expect(site.processes.size).toBe(1)
  })

  it('harms no other function', async () => {
    await using site = project({
      'a/index.ts': says('a'),
      'b/index.ts': 'for (;;) {',
      'c/index.ts': says('c'),
      'c/function.yaml': 'memory: 1GB\n',
    })
    await site.host.start()
    expect(await (await site.ask('functions/a', '/')).text()).toBe('a')
    expect(site.host.state()?.map(({ status, failure }) => [status, failure?.split(' ', 1)[0]])).toEqual([
      ['ready', undefined],
      ['failed', 'functions/b/index.ts:1:11'],
      ['failed', 'functions/c/function.yaml:1:1'],
    ])
  })
})

describe('a function that throws', () => {
  const THROWS = `
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'

type Owner = {
  readonly name: string
}
const app = new Hono()
app.get('/throws', (c) => {
  const owner: Owner | undefined = undefined
  return c.text((owner as unknown as Owner).name)
})
app.get('/refuses', () => { throw new HTTPException(403, { message: 'no' }) })
app.get('/pretends', () => new Response('fine', { headers: { 'x-banyan-function-error': '{}' } }))
export default app
`

  it('answers 500 with the private header and leaves its place in the TypeScript source in the log', async () => {
    await using site = project({ 'owners/index.ts': THROWS })
    await site.host.start()
    const answer = await site.ask('functions/owners', '/throws?token=canary')
    expect(answer.status).toBe(500)
    const message = "Cannot read properties of undefined (reading 'name')"
    expect(JSON.parse(answer.headers.get('x-banyan-function-error') ?? '')).toEqual({ name: 'TypeError', message })
    expect(await answer.json()).toEqual({ name: 'TypeError', message, stack: expect.stringContaining('function.js:') })

    await expect.poll(() => site.host.logs('functions/owners')).toHaveLength(1)
    const [line] = site.host.logs('functions/owners')
    expect(line?.text).toContain(`GET /throws threw TypeError: ${message} at functions/owners/index.ts:11:45\n`)
    expect(line?.text).not.toContain('canary')
  })

  it('is told from an answer that it chose, and cannot be pretended', async () => {
    await using site = project({
      'owners/index.ts': THROWS,
      'handled/index.ts': `
import { Hono } from 'hono'
const app = new Hono()
app.onError((error, c) => c.text('sorry: ' + error.message, 500))
app.get('/', () => { throw new Error('mine') })
export default app
`,
      'plain/index.ts': `export default { fetch(request: Request) { if (request.url.endsWith('/null')) return null
  throw 'ünïcode' } }`,
    })
    await site.host.start()
    const outcome = async (name: string, path: string) => {
      const answer = await site.ask(name, path)
      return [answer.status, answer.headers.get('x-banyan-function-error')]
    }
    expect(await outcome('functions/owners', '/refuses')).toEqual([403, null])
    expect(await outcome('functions/owners', '/pretends')).toEqual([200, null])
    expect(await outcome('functions/handled', '/')).toEqual([500, null])
    expect(await outcome('functions/plain', '/')).toEqual([500, '{"name":"Error","message":"\\u00fcn\\u00efcode"}'])
    expect(await outcome('functions/plain', '/null')).toEqual([
      500,
      '{"name":"TypeError","message":"fetch gave null, expected a Response"}',
    ])
  })
})

describe('a save', () => {
  const slow = (version: string): string => `
export default {
  async fetch(request: Request): Promise<Response> {
    if (!request.url.endsWith('/slow')) return new Response('${version}')
    let count = 0
    return new Response(new ReadableStream({
      async pull(controller) {
        if (count === 6) return controller.close()
        controller.enqueue(new TextEncoder().encode('${version}.' + count++ + ' '))
        await new Promise((resolve) => setTimeout(resolve, 500))
      },
    }))
  },
}
`

  it('lets the old version finish a 3 s answer while the new one answers, and then ends it', async () => {
    const drained = Promise.withResolvers<boolean>()
    const asked: (readonly string[])[] = []
    await using site = project(
      { 'a/index.ts': slow('v1') },
      {
        awaitDrained: (addresses) => {
          asked.push(addresses)
          return drained.promise
        },
      },
    )
    await site.host.start()
    const before = site.urlOf('functions/a', '/')
    const [old] = [...site.processes.keys()]
    const answer = await site.ask('functions/a', '/slow')
    const body = answer.text()

    site.write('functions/a/index.ts', slow('v2'))
    await site.until('functions/a', () => site.urlOf('functions/a', '/') !== before)
    expect(await (await site.ask('functions/a', '/')).text()).toBe('v2')
    expect(await (await fetch(before)).text()).toBe('v1')
    expect(asked).toEqual([[new URL(before).host]])

    expect(await body).toBe('v1.0 v1.1 v1.2 v1.3 v1.4 v1.5 ')
    expect(site.processes.has(old ?? 0)).toBe(true)
    drained.resolve(true)
    await expect.poll(() => [...site.processes.keys()].includes(old ?? 0)).toBe(false)
    expect(site.processes.size).toBe(1)
  })

  it('that changes nothing in the bundle starts nothing; one of an imported file elsewhere counts', async () => {
    await using site = project({ 'a/index.ts': "import { text } from '../../shared/text.ts'\nexport default text\n" })
    const text = (version: string) => `export const text = { fetch: () => new Response('${version}') }\n`
    site.write('shared/text.ts', text('v1'))
    await site.host.start()
    const [pid] = [...site.processes.keys()]

    site.write('shared/text.ts', `// only a comment\n${text('v1')}`)
    site.write('functions/b/index.ts', says('b'))
    await site.until('functions/b', ({ status }) => status === 'ready')
    expect([...site.processes.keys()][0]).toBe(pid)
    const { revision } = await site.until('functions/a', ({ status }) => status === 'ready')

    site.write('shared/text.ts', text('v2'))
    await site.until('functions/a', (state) => state.revision !== revision)
    expect(await (await site.ask('functions/a', '/')).text()).toBe('v2')
  })

  it('adds a function with its folder and ends it with its folder', async () => {
    await using site = project({})
    site.remove('functions')
    await site.host.start()
    expect(site.host.state()).toEqual([])

    site.write('functions/a/index.ts', says('a'))
    await site.until('functions/a', ({ status }) => status === 'ready')
    expect(await (await site.ask('functions/a', '/')).text()).toBe('a')

    site.remove('functions/a')
    await expect.poll(() => [site.host.state(), site.processes.size], { timeout: 5_000 }).toEqual([[], 0])
    expect(site.host.addresses()).toEqual({})
  })
})

describe('a process', () => {
  const LOOP = `
let pings = 0
export default {
  fetch(request: Request): Response {
    if (request.url.endsWith('/loop')) for (;;) pings += 1
    return new Response('alive')
  },
}
`

  it('that hangs is replaced while other functions go on answering', async () => {
    await using site = project(
      { 'a/index.ts': LOOP, 'b/index.ts': says('b') },
      { watchdog: { intervalMs: 200, deadlineMs: 1_000 } },
    )
    await site.host.start()
    const hung = site.ask('functions/a', '/loop').catch(() => 'reset')
    let answered = 0
    const replaced = site.until('functions/a', ({ status }) => status === 'restarting')
    const done = replaced.then(() => true)
    while (!(await Promise.race([done, false]))) {
      expect(await (await site.ask('functions/b', '/')).text()).toBe('b')
      answered += 1
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(answered).toBeGreaterThan(10)
    expect(await hung).toBe('reset')
    await site.until('functions/a', ({ status }) => status === 'ready')
    expect(await (await site.ask('functions/a', '/')).text()).toBe('alive')
    expect(site.logged).toContainEqual('error functions/a has not answered for 1 s; replacing its process')
  })

  it('that is killed is started again, and nowhere until then', async () => {
    await using site = project({ 'a/index.ts': says('a') })
    await site.host.start()
    const [pid = 0] = [...site.processes.keys()]
    process.kill(pid, 'SIGKILL')
    expect(await site.until('functions/a', ({ status }) => status === 'restarting')).toMatchObject({
      address: undefined,
      revision: undefined,
    })
    expect(site.host.addresses()).toEqual({ 'functions/a': [] })
    await site.until('functions/a', ({ status }) => status === 'ready')
    expect(await (await site.ask('functions/a', '/')).text()).toBe('a')
    expect([...site.processes.keys()]).not.toContain(pid)
  })

  it('is out of reach of Ctrl-C, is ended as an orphan by pid and start time, and close leaves none', async () => {
    const site = project({ 'a/index.ts': says('a'), 'b/index.ts': says('b') })
    await site.host.start()
    const all = [...site.processes].map(([pid, started]) => ({ pid, started }))
    const ending = { processes: systemProcesses, clock: systemClock, graceMs: 1_000 }
    const groups = all.map(({ pid }) => Number(execFileSync('ps', ['-o', 'pgid=', '-p', String(pid)])))
    expect(groups).toEqual(all.map(({ pid }) => pid))

    const [first] = all
    if (first === undefined) throw new Error('nothing runs')
    expect(await endProcesses([{ ...first, started: 'another' }], ending)).toEqual([])
    expect(systemProcesses.started(first.pid)).toBe(first.started)
    expect(await endProcesses([first], ending)).toEqual([first.pid])
    expect(systemProcesses.started(first.pid)).toBeUndefined()

    await site[Symbol.asyncDispose]()
    for (const { pid } of all) expect(systemProcesses.started(pid)).toBeUndefined()
    expect(site.processes.size).toBe(0)
  })
})
