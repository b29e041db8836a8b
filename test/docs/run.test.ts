import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { VERBS } from '../../router/cli/verbs.ts'
import { type Estate, ROOT, startEstate } from '../estate.ts'
import { codeBlocks, markdownPages, type Page } from './markdown.ts'

const pages = markdownPages()
const { scripts }: { scripts: Readonly<Record<string, string>> } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
)

let estate: Estate
beforeAll(async () => {
  estate = await startEstate({ env: { BANYAN_PROCESSES: '1' } })
  // Discovery is at work from the start; the first answers take a moment.
  await vi.waitFor(async () => expect(await operations()).toHaveLength(23), { timeout: 30_000, interval: 100 })
})
afterAll(() => estate.close())

// In this order: each leaves the estate as the next needs it.
describe('the example of every verb', () => {
  it.each(VERBS.filter(({ name }) => name !== 'up'))('runs: $name', async ({ load }) => {
    const { example } = await load()
    expect(await outcome(example)).toEqual({ command: example, code: 0, stderr: '' })
  })

  it('leaves nothing started', async () => {
    expect(await outcome('banyan shift undo')).toMatchObject({ code: 0 })
  })
})

describe('every command that can be copied from README.md and docs/', () => {
  const commands = pages.filter(({ path }) => /^(README|docs\/[^/]*)\.md$/.test(path)).flatMap(commandsOf)

  it.each(commands)('$place works: $command', async ({ command }) => {
    expect(await fault(command)).toBeUndefined()
  })

  it('is found', () => {
    const found = commands.filter(({ place }) => place.startsWith('README.md')).map(({ command }) => command)
    expect(found.slice(0, 2)).toEqual(['npm ci', 'npm start'])
    expect(found).toEqual(expect.arrayContaining(['npm test', 'npx banyan operations', 'npx banyan shift history']))
  })

  it.each([
    { planted: 'npm run picture', says: 'package.json has no script "picture"' },
    { planted: 'npx banyan operation', says: 'unknown verb "operation"' },
    { planted: 'npx banyan shift start "GET /nothing"', says: 'no route has the id "GET /nothing"' },
    { planted: 'npx banyan explain GET', says: 'explain takes METHOD and URL' },
    { planted: 'bunyan operations', says: 'nobody knows how to run "bunyan"' },
  ])('would be caught: $planted', async ({ planted, says }) => {
    expect(await fault(planted)).toContain(says)
  })
})

describe('every npm script that a page names', () => {
  it.each(pages)('exists: $path', ({ text }) => {
    const named = [...text.matchAll(/npm run ([a-z][\w-]*)/g)].map(([, name = '']) => name)
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([])
  })
})

describe('the JSON that docs/command.md describes', () => {
  const sections = sectionsOf(pages.find(({ path }) => path === 'docs/command.md')?.text ?? '')

  it.each(sections)('has the keys that $verb prints', async ({ verb, shapes }) => {
    const asked = SHAPES[verb] ?? []
    expect(shapes).toHaveLength(asked.length)
    for (const [index, commands] of asked.entries()) {
      const printed = await Promise.all(commands.map(json))
      expect(differences(shapes[index] ?? null, printed, verb)).toEqual([])
    }
  })

  it('would be caught lacking a key, or having another', () => {
    const shape = shapeOf('{ a, list: [{ b, c }] }')
    expect(differences(shape, [{ a: 1, list: [{ b: 1 }, { c: null, d: 2 }] }], 'it')).toEqual([
      'it.list.d: not described',
    ])
    expect(differences(shape, [{ list: [{ b: 1, c: 2 }] }], 'it')).toEqual(['it.a: not printed'])
    expect(differences(shape, [{ a: 1, list: [] }], 'it')).toEqual(['it.list.b: not printed', 'it.list.c: not printed'])
  })
})

/** What is asked for each shape that a verb's section describes, in its order. */
const SHAPES: Readonly<Record<string, readonly (readonly string[])[]>> = {
  init: [['init --legacy CLINIC -c FRESH']],
  check: [['check']],
  plan: [['plan -c ALTERED']],
  explain: [['explain GET /owners/7', 'explain GET /owners/new']],
  operations: [['operations']],
  upstreams: [['upstreams']],
  learn: [['learn access.log --dry-run']],
  left: [['left']],
  drift: [['drift']],
  shift: [['shift list'], ['shift promote "GET /owners/{ownerId}"'], ['shift history']],
  status: [['status']],
  reload: [['reload']],
  version: [['version']],
}

/** The commands of the blocks marked `sh`, one a line or joined with `&&`. */
function commandsOf(page: Page): readonly { readonly place: string; readonly command: string }[] {
  return codeBlocks(page)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ place, text }) => text.split(/\n|&&/).map((line) => ({ place, command: line.trim() })))
    .filter(({ command }) => command !== '')
}

/** Why a command does not work; undefined: it does. npm's own would run this very test, so they need only exist. */
async function fault(command: string): Promise<string | undefined> {
  const [program, verb = '', script = ''] = command.split(' ')
  if (program === 'npm' && verb === 'ci') return undefined
  if (program === 'npm') {
    const name = verb === 'run' ? script : verb
    return scripts[name] === undefined ? `package.json has no script "${name}"` : undefined
  }
  if (!command.startsWith('npx banyan ')) return `nobody knows how to run "${program}"`
  const { code, stderr } = await outcome(command.slice('npx '.length))
  return code === 0 ? undefined : stderr
}

/** Runs `banyan …` in the estate; where its output would go is of no interest here. */
async function outcome(command: string) {
  const here = inEstate(command.replace(/ > \S+$/, ''))
  const { code, stderr } = await estate.banyan(...words(here).slice(1))
  return { command, code, stderr }
}

/** The same command where it names what is the reader's: the clinic, a file that nobody has yet, a log. */
function inEstate(command: string): string {
  const fresh = join(estate.stateFolder, `fresh-${randomUUID()}.yaml`)
  if (command.startsWith('banyan learn ')) return command.replace('access.log', accessLog())
  return command.startsWith('banyan init ') ? `${command.replace(/http:\S+/, estate.clinicUrl)} -c ${fresh}` : command
}

function accessLog(): string {
  const file = join(estate.stateFolder, 'access.log')
  writeFileSync(file, '1.2.3.4 - - [10/Oct/2026:13:55:36 +0200] "GET /owners/7 HTTP/1.1" 200 2326\n'.repeat(3))
  return file
}

function words(command: string): readonly string[] {
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|\S+/g)].map(([word, double, single]) => double ?? single ?? word)
}

async function operations(): Promise<readonly unknown[]> {
  const answer = await fetch(`${estate.adminUrl}/api/operations`)
  const body: { operations: readonly unknown[] } = JSON.parse(await answer.text())
  return body.operations
}

async function json(command: string): Promise<unknown> {
  const altered = join(estate.stateFolder, 'altered.yaml')
  writeFileSync(altered, 'upstreams: { vets: { url: "http://127.0.0.1:9" } }\nroutes: [{ path: "//", to: vets }]\n')
  const fresh = join(estate.stateFolder, `fresh-${randomUUID()}.yaml`)
  const here = command
    .replace('ALTERED', altered)
    .replace('CLINIC', estate.clinicUrl)
    .replace('FRESH', fresh)
    .replace('access.log', accessLog())
  const { stdout } = await estate.banyan(...words(here), '--json')
  return JSON.parse(stdout)
}

/** Keys and what is below them; null: nothing is said of it. */
type Shape = null | readonly [Shape] | { readonly [key: string]: Shape }

/** The verbs whose section describes JSON, with each description. */
function sectionsOf(text: string): readonly { readonly verb: string; readonly shapes: readonly Shape[] }[] {
  const sections = text.split(/^## /m).slice(1)
  return sections.flatMap((section) => {
    const verb = /^`(\w+)`/.exec(section)?.[1] ?? ''
    const shapes = [...section.matchAll(/`(\{ [^`…]* \})`/g)].map(([, shape = '']) => shapeOf(shape))
    return shapes.length === 0 ? [] : [{ verb, shapes }]
  })
}

/** Reads `{ a, list: [{ b }] }`. */
function shapeOf(text: string): Shape {
  return JSON.parse(text.replace(/\w+/g, '"$&"').replace(/"(?=\s*[,}])/g, '": null'))
}

/** Keys that are described and not printed, and the reverse, over everything that was printed. */
function differences(shape: Shape, printed: readonly unknown[], at: string): readonly string[] {
  if (shape === null) return []
  if (Array.isArray(shape)) {
    return differences(
      shape[0] ?? null,
      printed.flatMap((value) => (Array.isArray(value) ? value : [])),
      at,
    )
  }
  const objects = printed.filter((value) => typeof value === 'object' && value !== null)
  const described = Object.entries(shape)
  const found = new Set(objects.flatMap((value) => Object.keys(value)))
  return [
    ...described.flatMap(([key, below]) => {
      if (!found.has(key)) return [`${at}.${key}: not printed`]
      const values = objects.flatMap((value) =>
        Object.entries(value).flatMap(([name, one]) => (name === key ? [one] : [])),
      )
      return differences(below, values, `${at}.${key}`)
    }),
    ...[...found].filter((key) => !(key in shape)).map((key) => `${at}.${key}: not described`),
  ]
}
