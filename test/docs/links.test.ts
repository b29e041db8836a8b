import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../estate.ts'
import { markdownPages, type Page } from './markdown.ts'

const pages = markdownPages()

describe('every link of the documentation', () => {
  it.each(pages)('of $path leads to a file, and to a heading of it', (page) => {
    expect(faults(page)).toEqual([])
  })

  it('is found, pictures among them', () => {
    const readme = pages.find(({ path }) => path === 'README.md')
    expect(readme && linksOf(readme)).toEqual(
      expect.arrayContaining(['docs/shifts.md', 'docs/pictures/vets.png', 'LICENSE']),
    )
  })

  it.each([
    { planted: 'a page that is not there', link: '[a](gone.md)', fault: 'gone.md: there is no such file' },
    {
      planted: 'a picture that is not there',
      link: '![a](pictures/gone.png)',
      fault: 'pictures/gone.png: there is no such file',
    },
    {
      planted: 'a heading that is not there',
      link: '[a](errors.md#gone)',
      fault: 'errors.md#gone: there is no such heading',
    },
    { planted: 'a heading of the same page', link: '[a](#gone)', fault: '#gone: there is no such heading' },
    { planted: 'a reference that is not there', link: '[a]\n\n[a]: gone.md', fault: 'gone.md: there is no such file' },
    {
      planted: 'a path from the root of the disk',
      link: '[a](/etc/hosts)',
      fault: '/etc/hosts: leads out of the repository',
    },
  ])('would be caught: $planted', ({ link, fault }) => {
    expect(faults({ path: 'docs/planted.md', text: `# Planted\n\n${link}\n` })).toEqual([fault])
  })

  it('is not taken for one in code', () => {
    expect(faults({ path: 'docs/planted.md', text: '`[a](b)`\n\n```\n[a](b)\n```\n' })).toEqual([])
  })
})

describe('every picture', () => {
  it('is below 150 kB', () => {
    const pictures = pages.flatMap((page) => linksOf(page).map((link) => join(ROOT, dirname(page.path), link)))
    const png = pictures.filter((file) => file.endsWith('.png'))
    expect(png.length).toBeGreaterThan(0)
    for (const file of png) expect(statSync(file).size, file).toBeLessThan(150_000)
  })
})

function faults(page: Page): readonly string[] {
  return linksOf(page).flatMap((link) => {
    const [path = '', heading] = link.split('#')
    if (path.startsWith('/')) return [`${link}: leads out of the repository`]
    const file = path === '' ? page.path : join(dirname(page.path), path)
    if (path !== '' && !existsSync(join(ROOT, file))) return [`${link}: there is no such file`]
    if (heading === undefined) return []
    const text = path === '' ? page.text : readFileSync(join(ROOT, file), 'utf8')
    return headingsOf(text).includes(heading) ? [] : [`${link}: there is no such heading`]
  })
}

/** Targets within the repository, of links, pictures and references. */
function linksOf({ text }: Page): readonly string[] {
  const prose = text.replace(/^([ \t]*)(`{3,})[\s\S]*?^[ \t]*\2[ \t]*$/gm, '').replace(/`[^`\n]*`/g, '')
  const inline = [...prose.matchAll(/\]\(([^()\s]+)\)/g)]
  const references = [...prose.matchAll(/^\[[^\]]+\]:\s*(\S+)/gm)]
  return [...inline, ...references].map(([, target = '']) => target).filter((target) => !/^[a-z]+:/.test(target))
}

/** Headings as links name them. */
function headingsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
