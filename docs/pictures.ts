import { mkdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { type Estate, ROOT, startEstate } from '../test/estate.ts'
import { needs } from '../test/needs.ts'

/**
 * `npm run pictures` makes the README's pictures: what the command really prints of the running example estate, and
 * the page of vets before and after its shift, as Chromium renders them.
 */
async function main(): Promise<void> {
  const { available, why, program } = needs('chromium')
  if (!available) throw new Error(`the pictures are rendered by Chromium, but ${why}`)
  await using estate = closing(await startEstate())
  // Chromium's own sandbox does not work for root, as in a container; it shows our own pages only.
  await using browser = closing(await chromium.launch({ executablePath: program, args: ['--no-sandbox'] }))
  await untilEverythingIsKnown(estate)
  mkdirSync(FOLDER, { recursive: true })

  const before = await photograph(browser, `${estate.routerUrl}/vets.html`)
  await terminal(browser, estate, 'operations', ['operations'])
  await terminal(browser, estate, 'explain', ['explain GET /owners/new'])
  const visit = () => visitors(`${estate.routerUrl}/vets.html`)
  await terminal(browser, estate, 'shift', [
    'shift start "GET /vets.html"',
    visit,
    'shift promote "GET /vets.html" --to 100%',
    visit,
    'shift show "GET /vets.html"',
    'shift abort "GET /vets.html"',
    'shift history',
  ])
  await estate.banyan('shift', 'undo')
  const after = await photograph(browser, `${estate.routerUrl}/vets.html`)
  await sideBySide(browser, 'vets', [
    { caption: 'before: the monolith', picture: before },
    { caption: 'after: the service', picture: after },
  ])
}

const FOLDER = join(ROOT, 'docs/pictures')
/** So many operations has the example estate, 19 of them in the monolith. */
const OPERATIONS = 23
const SIZE_LIMIT = 150_000

function closing<T extends { close(): Promise<void> }>(what: T): T & AsyncDisposable {
  return Object.assign(what, { [Symbol.asyncDispose]: () => what.close() })
}

/** Discovery is at work from the start; the first answers take a moment. */
async function untilEverythingIsKnown(estate: Estate): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const { stdout } = await estate.banyan('operations', '--json')
    const { operations }: { operations: readonly unknown[] } = JSON.parse(stdout)
    if (operations.length === OPERATIONS) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`not exactly ${OPERATIONS} operations were found within 10 s\n${estate.output()}`)
}

/** A command, or what happens between two of them. */
type Step = string | (() => Promise<void>)

/** What these commands print, one after the other, as a terminal shows it. */
async function terminal(browser: Browser, estate: Estate, name: string, steps: readonly Step[]): Promise<void> {
  const parts: string[] = []
  for (const command of steps) {
    if (typeof command !== 'string') {
      await command()
      continue
    }
    const words = [...command.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word)
    const { code, stdout, stderr } = await estate.banyan(...words)
    if (code !== 0) throw new Error(`banyan ${command} ended with ${code}\n${stdout}${stderr}`)
    parts.push(`<b><i>$</i> npx banyan ${escaped(command)}</b>\n${escaped(stdout.trimEnd())}`)
  }
  await render(browser, name, `<pre>${parts.join('\n\n')}</pre>`)
}

/** Forty visitors, each for the first time; then the second after which requests are counted. */
async function visitors(url: string): Promise<void> {
  for (let visitor = 0; visitor < 40; visitor++) await (await fetch(url)).text()
  await new Promise((resolve) => setTimeout(resolve, 1_500))
}

/** A page of the application, as a visitor who comes for the first time sees it. */
async function photograph(browser: Browser, url: string): Promise<string> {
  const page = await browser.newPage({ viewport: { width: 620, height: 470 }, deviceScaleFactor: 1.25 })
  await page.goto(url)
  const bytes = await page.screenshot()
  await page.close()
  return `data:image/png;base64,${bytes.toString('base64')}`
}

type Captioned = { readonly caption: string; readonly picture: string }

function sideBySide(browser: Browser, name: string, pictures: readonly Captioned[]): Promise<void> {
  const figures = pictures.map(
    ({ caption, picture }) => `<figure><figcaption>${caption}</figcaption><img width="620" src="${picture}"></figure>`,
  )
  return render(browser, name, `<main>${figures.join('')}</main>`)
}

/** Writes `docs/pictures/NAME.png`, as large as the content is. */
async function render(browser: Browser, name: string, content: string): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1600, height: 400 }, deviceScaleFactor: 1.25 })
  await page.setContent(`<!DOCTYPE html><meta charset="utf-8"><style>${STYLE}</style><body>${content}</body>`)
  const bytes = await page.locator('body').screenshot()
  await page.close()
  if (bytes.length > SIZE_LIMIT)
    throw new Error(`${name}.png has ${bytes.length} bytes; at most ${SIZE_LIMIT} are wanted`)
  const file = join(FOLDER, `${name}.png`)
  await writeFile(file, bytes)
  console.log(`${file}  ${Math.round(bytes.length / 1000)} kB`)
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

const STYLE = `
body { margin: 0; width: max-content; background: #16201b; color: #cfd8d2; }
pre { margin: 0; padding: 18px 24px; font: 13px/19.2px 'DejaVu Sans Mono', monospace; }
b { color: #fff; } i { color: #7bc79a; font-style: normal; }
main { display: flex; gap: 24px; padding: 18px 24px; }
figure { margin: 0; } img { display: block; border-radius: 4px; }
figcaption { padding-bottom: 10px; font: 15px 'DejaVu Sans', sans-serif; color: #fff; }
`

await main()
