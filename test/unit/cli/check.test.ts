import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCommand } from '../../../router/cli/command.ts'
import { VERBS } from '../../../router/cli/verbs.ts'
import { seal } from '../../../router/kernel/sealed.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-check-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

// Nothing listens on port 1, so no router that happens to run here is asked.
async function banyan(words: readonly string[], env: NodeJS.ProcessEnv = { BANYAN_ADMIN: 'http://127.0.0.1:1' }) {
  let out = ''
  let err = ''
  const io = {
    out(text: string) {
      out += text
    },
    err(text: string) {
      err += text
    },
    terminal: false,
    env,
    cwd: folder,
  }
  return { code: await runCommand(words, VERBS, io), out, err }
}

function write(text: string, name = 'banyan.yaml'): void {
  writeFileSync(join(folder, name), text)
}

const GOOD = 'upstreams: { a: { url: "http://a" }, b: { url: "http://b" } }\n'
const NO_ROUTER = 'captures were not checked: no router answers at http://127.0.0.1:1'

describe('banyan check', () => {
  it('is content with a good file, and says that nobody could tell it about operations', async () => {
    write(`${GOOD}routes: [{ path: /x, to: a }]\n`)
    const { code, out } = await banyan(['check'])
    expect(out).toMatch(new RegExp(`^0 errors, 0 warnings; ${NO_ROUTER}`))
    expect(code).toBe(0)
  })

  it('prints every error where it stands and fails', async () => {
    write(`${GOOD}routes: [{ path: /x, to: c }]\n`, 'other.yaml')
    const { code, out } = await banyan(['check', '-c', 'other.yaml'])
    expect(out).toBe(`other.yaml:2:26  routes[0].to  unknown upstream "c"
    hint: did you mean "a"? known: a, b
1 error, 0 warnings; captures were not checked: the file is refused
`)
    expect(code).toBe(1)
  })

  it('finds two routes that tie', async () => {
    write(`${GOOD}routes: [{ path: "/x/{a}", to: a }, { path: "/x/{b}", to: b }]\n`)
    const { code, out } = await banyan(['check'])
    expect(out).toMatch(/\n1 error, 0 warnings; /)
    expect(code).toBe(1)
  })

  it('finds ties beside other errors, in the order of the file, and says each thing once', async () => {
    const routes = ['"/x/{a}", to: a', '"/x/{b}", to: b', '/y, to: c', '/z, to: a', '/z, to: a']
    write(`${GOOD}routes:\n${routes.map((route) => `  - { path: ${route} }\n`).join('')}grace: 5\n`)
    const { out } = await banyan(['check', '--json'])
    const found: { check: { code: string; path: string }[] } = JSON.parse(out)
    expect(found.check.map(({ code, path }) => `${path} ${code}`)).toEqual([
      'routes[1].path duplicate-route',
      'routes[2].to unknown-upstream',
      'routes[4] duplicate-route',
      'grace wrong-value',
    ])
  })

  it('knows the folders of functions without a router', async () => {
    mkdirSync(join(folder, 'functions', 'contact'), { recursive: true })
    write('functions: ./functions\nroutes: [{ path: /a, to: functions/contact }]\n')
    expect((await banyan(['check'])).out).toMatch(/^0 errors, 0 warnings; /)
    write('functions: ./functions\nroutes: [{ path: /a, to: functions/none }]\n')
    expect((await banyan(['check'])).out).toMatch(
      /^banyan\.yaml:2:26 {2}routes\[0\]\.to {2}warning: .*\n.*\n0 errors, 1 warning; /,
    )
  })

  it('fails on warnings where it is told to be strict', async () => {
    write('functions: ./functions\n')
    expect((await banyan(['check'])).code).toBe(0)
    expect((await banyan(['check', '--strict'])).code).toBe(1)
  })

  it('is used wrongly with a file that is not there', async () => {
    const { code, err } = await banyan(['check', '-c', 'none.yaml'])
    expect(err).toContain('none.yaml: the file does not exist')
    expect(code).toBe(2)
  })

  it('prints JSON', async () => {
    write('grace: 5\n')
    const { code, out } = await banyan(['check', '--json'])
    expect(JSON.parse(out)).toEqual({
      check: [
        {
          severity: 'error',
          code: 'wrong-value',
          message: 'must be a duration such as 500ms, 5s, 2m or 1h, at most 24h, got 5',
          at: { file: join(folder, 'banyan.yaml'), line: 1, column: 8 },
          path: 'grace',
        },
      ],
      captures: 'captures were not checked: the file is refused',
    })
    expect(code).toBe(1)
  })

  it('asks a running router which operations a route would leave to others', async () => {
    write(GOOD)
    const found = {
      severity: 'warning',
      code: 'kept-operations',
      message: 'leaves 1 operation to others',
      path: 'routes[0].path',
    }
    const asked: string[] = []
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      response.end(JSON.stringify({ diagnostics: [found], operations: 19, file: '/elsewhere/banyan.yaml' }))
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const address = server.address()
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
    const { out } = await banyan(['check', '--admin', url])
    server.close()
    expect(asked).toEqual(['POST /api/check'])
    expect(out).toBe(`routes[0].path  warning: leaves 1 operation to others
0 errors, 1 warning; captures checked against the 19 operations known at ${url}, which runs /elsewhere/banyan.yaml
`)
  })
})

describe('banyan check where no router answers', () => {
  const CLINIC = `default: clinic
upstreams:
  clinic: { tier: legacy, url: "http://clinic", discover: { mappings: /mappings } }
  vets: { url: "http://vets", discover: { openapi: auto } }
`
  const observation = (upstream: string, paths: readonly string[]) => ({
    upstream,
    detector: 'a test',
    state: 'answered',
    operations: paths.map((template) => ({ method: 'GET', template })),
    confidence: 'described',
    source: 'a test',
    attempts: [],
    at: 0,
  })

  it('judges by what the router last knew, and says so', async () => {
    write(`${CLINIC}routes: [{ path: "/vets/**", to: vets }]\n`)
    mkdirSync(join(folder, '.banyan'))
    const known = [
      observation('clinic', ['/vets/new', '/vets/old']),
      observation('vets', ['/vets/new']),
      observation('gone', ['/vets/gone']),
    ]
    write(seal(known), '.banyan/catalogue.json')
    const { out, code } = await banyan(['check'])
    expect(out).toContain('leaves 1 operation to others')
    expect(out).toContain('GET /vets/old (clinic)')
    expect(out).toContain(
      `captures checked against the 2 operations last known (${folder}/.banyan/catalogue.json); no router answers at`,
    )
    expect(code).toBe(0)
  })

  it('says that captures were not checked where what was known cannot be read', async () => {
    write(`${CLINIC}routes: [{ path: "/vets/**", to: vets }]\n`)
    mkdirSync(join(folder, '.banyan'))
    write(seal([observation('clinic', ['/vets/old'])]).slice(0, -9), '.banyan/catalogue.json')
    const { out } = await banyan(['check'])
    expect(out).toMatch(new RegExp(`^0 errors, 0 warnings; ${NO_ROUTER}`))
  })
})

describe('banyan schema', () => {
  it('prints a JSON Schema', async () => {
    const { code, out } = await banyan(['schema'])
    expect(JSON.parse(out)).toMatchObject({ title: 'banyan.yaml', type: 'object', additionalProperties: false })
    expect(code).toBe(0)
  })
})
