import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from '../estate.ts'
import { codeBlocks, markdownPages, type Page } from './markdown.ts'

/** What a reader may copy: where it stands and what it says. */
type Block = { readonly place: string; readonly text: string }

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-docs-'))
  // `functions: ./functions` in an example means the example functions.
  symlinkSync(join(ROOT, 'functions'), join(folder, 'functions'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const blocks = markdownPages().flatMap(configurations)
const files = ['banyan.yaml', 'deploy/banyan.yaml'].map((file) => ({
  place: file,
  text: readFileSync(join(ROOT, file), 'utf8'),
}))

describe('every configuration that can be copied', () => {
  it.each([...files, ...blocks])('$place passes banyan check', async (block) => {
    expect(await check(block)).toEqual({ code: 0, problems: '' })
  })

  it('is found in Markdown wherever it stands', () => {
    const page = [
      'Text',
      '```yaml',
      'listen: [{ port: 8080 }]',
      '```',
      '1. In a list:',
      '',
      '   ```yml',
      '   upstreams:',
      '     vets: { url: http://127.0.0.1:3000 }',
      '   ```',
      '````yaml',
      'routes: []',
      '```',
      '````',
      '```yaml',
      'retries: 3 # a fragment of something else',
      '```',
      '```json',
      '{ "routes": [] }',
      '```',
    ].join('\n')
    expect(configurations({ path: 'page.md', text: page })).toEqual([
      { place: 'page.md:2', text: 'listen: [{ port: 8080 }]\n' },
      { place: 'page.md:7', text: 'upstreams:\n  vets: { url: http://127.0.0.1:3000 }\n' },
      { place: 'page.md:11', text: 'routes: []\n```\n' },
    ])
  })

  it.each([
    { planted: 'an unknown upstream', text: 'upstreams: {}\nroutes: [{ path: /a, to: vest }]\n', says: 'vest' },
    { planted: 'an unknown key', text: 'listen: [{ port: 8080, prot: 1 }]\n', says: 'prot' },
    { planted: 'a fragment that cannot stand alone', text: 'routes:\n  - path: /a\n    to: vets\n', says: 'vets' },
  ])('would be caught with $planted', async ({ text, says }) => {
    const { code, problems } = await check({ place: 'planted', text })
    expect(code).toBe(1)
    expect(problems).toContain(says)
  })
})

/** The YAML blocks of a page that configure the router, by their top-level keys. */
function configurations(page: Page): readonly Block[] {
  return codeBlocks(page)
    .filter(({ language, text }) => /^ya?ml$/.test(language) && /^(listen|routes|upstreams):/m.test(text))
    .map(({ place, text }) => ({ place, text }))
}

/** What the command says of it, with no router to ask. */
async function check(block: Block): Promise<{ code: number; problems: string }> {
  const file = join(folder, `${block.place.replaceAll(/\W/g, '-')}.yaml`)
  writeFileSync(file, block.text)
  const command = [join(ROOT, 'bin/banyan.js'), 'check', '-c', file, '--admin', 'http://127.0.0.1:9']
  const env = { ...process.env, CLINIC_URL: 'http://127.0.0.1:8101' }
  try {
    await promisify(execFile)(process.execPath, command, { env })
    return { code: 0, problems: '' }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && typeof error.code === 'number' && 'stdout' in error)) throw error
    return { code: error.code, problems: String(error.stdout) }
  }
}
