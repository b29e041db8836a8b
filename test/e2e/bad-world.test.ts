import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { freePorts } from '../estate.ts'
import { type NamedUpstream, namedUpstream } from './named-upstream.ts'
import { eventually } from './supervised.ts'
import { type WrittenRouter, type WrittenRouterOptions, writtenRouter } from './written.ts'

let north: NamedUpstream
const opened: { close(): Promise<unknown> }[] = []

beforeAll(async () => {
  north = await namedUpstream('north')
})
afterAll(() => north.close())
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

const good = (): string => `upstreams:
  north: { url: "http://127.0.0.1:${north.port}" }
default: north
`

async function routerWith(text: string, options: WrittenRouterOptions = {}): Promise<WrittenRouter> {
  const router = await writtenRouter(options)
  opened.push(router)
  router.save(text)
  return router
}

async function answer(router: WrittenRouter, path = '/'): Promise<string> {
  const response = await fetch(router.url + path)
  return `${response.status} ${await response.text()}`
}

describe('an upstream that is down at the start', () => {
  it('is 502 on its own routes, its address said in the log alone, and serves as soon as it is there', async () => {
    const [port = 0] = await freePorts(1)
    const south = `  south: { url: "http://127.0.0.1:${port}", discover: { openapi: auto } }\n`
    const routes = 'routes: [{ path: /south, to: south }]\n'
    const router = await routerWith(good().replace('default', `${south}default`) + routes)
    await router.start()
    for (let count = 0; count < 3; count++) {
      const refused = await answer(router, '/south')
      expect(refused).toMatch(/^502 .*"code":"connection_refused","upstream":"south"/)
      expect(refused).not.toContain(String(port))
    }
    expect(await answer(router)).toMatch(/^200 .*"name":"north"/)
    const said = `upstream \\"south\\" cannot be reached at 127.0.0.1:${port} (connection_refused)`
    await eventually(() => expect(router.output().split(said)).toHaveLength(2))
    expect((await router.banyan('upstreams')).stdout).toContain(`connection refused (127.0.0.1:${port})`)

    opened.push(await namedUpstream('south', port))
    expect(await answer(router, '/south')).toMatch(/^200 .*"name":"south"/)
    await eventually(() =>
      expect(router.output()).toContain(`upstream \\"south\\" can be reached at 127.0.0.1:${port} again`),
    )
  })
})

describe('a function that does not load at the start', () => {
  const SYNTAX = 'export default {\n  fetch( {'
  const THROWS =
    "const key: string = 'k'\nthrow new Error('no use for ' + key)\nexport default { fetch: () => new Response() }"
  const fine = (text: string) => `export default { fetch: () => new Response('${text}') }`

  it('has its routes answer 503, never somebody else; all others serve; the reason is where people look', async () => {
    const routes = ['syntax', 'throws', 'fine', 'none'].map((name) => `  - { path: /${name}, to: functions/${name} }\n`)
    const router = await routerWith(`${good()}functions: ./functions\nroutes:\n${routes.join('')}`)
    const write = (name: string, text: string): void => {
      mkdirSync(join(router.folder, 'functions', name), { recursive: true })
      writeFileSync(join(router.folder, 'functions', name, 'index.ts'), text)
    }
    for (const [name, text] of Object.entries({ syntax: SYNTAX, throws: THROWS, fine: fine('fine') })) write(name, text)
    await router.start()
    await eventually(async () => expect(await answer(router, '/fine')).toBe('200 fine'))
    await eventually(async () => expect((await router.ready()).body.notices).toHaveLength(3))

    expect(await answer(router)).toMatch(/^200 .*"name":"north"/)
    for (const path of ['/syntax', '/throws', '/none']) {
      const refused = await answer(router, path)
      expect(refused).toMatch(/^503 .*"code":"route_unavailable"/)
      // What an exception said is not for strangers.
      expect(refused).not.toMatch(/index\.ts|no use/)
    }
    const reasons = [
      'functions/none does not exist; answered with 503: route:/none (banyan.yaml:9:5)',
      'functions/syntax failed to load: functions/syntax/index.ts:2:11 Expected identifier but found end of file; answered with 503: route:/syntax (banyan.yaml:6:5)',
      'functions/throws failed to load: functions/throws/index.ts:2:7 Error: no use for k; answered with 503: route:/throws (banyan.yaml:7:5)',
    ]
    const { code, body } = await router.ready()
    expect([code, body.status, [...body.notices].sort()]).toEqual([200, 'degraded', reasons])
    const status = await router.banyan('status')
    expect(status.code).toBe(1)
    for (const reason of reasons) expect(status.stdout).toContain(reason)
    expect((await router.banyan('functions')).stdout).toMatch(/functions\/syntax .*functions\/syntax\/index\.ts:2:11 /)
    expect(router.output()).toContain('functions/throws does not load: functions/throws/index.ts:2:7 Error: no use')

    for (const name of ['syntax', 'throws', 'none']) write(name, fine(name))
    for (const name of ['syntax', 'throws', 'none']) {
      await eventually(async () => expect(await answer(router, `/${name}`)).toBe(`200 ${name}`))
    }
    await eventually(async () => expect((await router.ready()).body.status).toBe('ok'))
  })
})

describe('a port in use', () => {
  it.each([
    { port: 'listen', says: 'is in use on 127.0.0.1; free it or change listen[0].port' },
    { port: 'admin', says: 'is in use; free it or change admin.port' },
    { port: 'status', says: 'is in use on 127.0.0.1; free it or change status.port' },
  ] as const)('$port: ends at the start with 1 and says what to do', async ({ port, says }) => {
    const router = await routerWith(good())
    await occupy(router.ports[port])
    const { code, stdout, stderr } = await router.runToEnd()
    expect(`${stdout}${stderr}`).toContain(`port ${router.ports[port]} ${says}`)
    expect(code).toBe(1)
  })

  it('at a reload keeps the ports from before, and says so until it is free', async () => {
    const router = await routerWith(good())
    await router.start()
    const [taken = 0] = await freePorts(1)
    const server = await occupy(taken)
    const text = `${good()}listen: [{ host: 127.0.0.1, port: ${taken} }]\n`
    router.save(text)
    const says = `port ${taken} is in use on 127.0.0.1; free it or change listen[0].port; the ports from before serve on. Once that is done: banyan reload`
    await eventually(async () => expect((await router.ready()).body.notices).toEqual([says]))
    expect(await answer(router)).toMatch(/^200 /)
    await server.close()
    await router.banyan('reload')
    await eventually(async () => expect((await fetch(`http://127.0.0.1:${taken}/`)).status).toBe(200))
    await eventually(async () => expect((await router.ready()).body.status).toBe('ok'))
  })
})

it('a change that waits for the next start is said until it is taken back', async () => {
  const router = await routerWith(good())
  await router.start()
  const [other] = await freePorts(1)
  router.save(`${good()}admin: { port: ${other} }\n`)
  const says = 'admin has changed, which takes effect at the next start of the router'
  await eventually(async () => expect((await router.ready()).body.notices).toEqual([says]))
  expect(router.output().split(says)).toHaveLength(2)
  expect((await router.banyan('status')).code).toBe(1)
  router.save(good())
  await eventually(async () => expect((await router.ready()).body.status).toBe('ok'))
})

/** Listens on the port until the test has ended. */
async function occupy(port: number): Promise<{ close(): Promise<unknown> }> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const handle = { close: () => new Promise((resolve) => server.close(resolve)) }
  opened.push(handle)
  return handle
}

describe('the state folder', () => {
  it('with a corrupt database: it is set aside, said, and everything serves', async () => {
    const router = await routerWith(good())
    await router.start()
    await router.stop()
    const state = join(router.folder, 'state')
    writeFileSync(join(state, 'state.db'), 'no database, whatever else it may be '.repeat(200))
    await router.start()
    const aside = readdirSync(state).find((name) => name.startsWith('state.db.corrupt-'))
    expect(aside).toBeDefined()
    const said = expect.stringMatching(/state\.db is corrupt .* set aside as .*\. To restore, stop the router, put a/)
    const { code, body } = await router.ready()
    expect([code, body.status, body.notices]).toEqual([200, 'degraded', [said]])
    expect(router.output()).toContain(aside)
    expect(await answer(router)).toMatch(/^200 /)
  })

  it('below a file: serves from memory, says so, and refuses what it could not remember', async () => {
    const router = await routerWith(`${good()}state: sqlite:plain/state.db\n`)
    writeFileSync(join(router.folder, 'plain'), 'a file')
    await router.start()
    await serveUnremembered(router)
    expect((await router.ready()).body.notices.join('\n')).toContain('a part of that path is a file')
  })

  it('that may not be written: serves from memory, says so, and refuses what it could not remember', async () => {
    // Permissions do not bind root, so the router runs as nobody there.
    const router = await routerWith(good(), process.getuid?.() === 0 ? { user: 65_534 } : {})
    chmodSync(router.folder, 0o755)
    mkdirSync(join(router.folder, 'state'), { mode: 0o555 })
    await router.start()
    await serveUnremembered(router)
    expect((await router.ready()).body.notices.join('\n')).toContain('permission denied')
    expect(existsSync(join(router.folder, 'state', 'run.json'))).toBe(false)
  })

  async function serveUnremembered(router: WrittenRouter): Promise<void> {
    expect(await answer(router)).toMatch(/^200 /)
    const { code, body } = await router.ready()
    expect([code, body.status]).toEqual([200, 'degraded'])
    expect(body.notices.join('\n')).toContain('cannot be written')
    expect((await router.banyan('status')).code).toBe(1)
    const south = `  south: { url: "http://127.0.0.1:${north.port}" }\n`
    const routes = 'routes: [{ path: /moved, from: north, to: south, shift: canary }]\n'
    router.save(good().replace('default', `${south}default`) + routes)
    await eventually(() => expect(router.output()).toContain('is in force'))
    const refused = await router.banyan('shift', 'start', '/moved')
    expect(refused.code).toBe(1)
    expect(`${refused.stdout}${refused.stderr}`).toMatch(/not writable|no change is accepted/)
    expect(await answer(router, '/moved')).toMatch(/^200 /)
  }
})
