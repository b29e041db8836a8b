import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startClinic } from '../../legacy/clinic/server.ts'
import { runVerb } from '../estate.ts'
import { prepareRouter } from './router.ts'

let folder: string
let file: string
let closing: (() => Promise<unknown> | unknown)[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-init-'))
  file = join(folder, 'banyan.yaml')
  closing = [() => rmSync(folder, { recursive: true })]
})
afterEach(async () => {
  for (const close of closing.reverse()) await close()
})

const run = (url: string, ...args: readonly string[]) => runVerb(['init', '--legacy', url, '-c', file, ...args], {})
const written = () => readFileSync(file, 'utf8')

/** An application that answers these paths with a page each, and says what it was asked. */
async function startPages(pages: Readonly<Record<string, string | { readonly location: string }>>) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    const page = pages[request.url ?? '']
    if (page === undefined) response.writeHead(404).end()
    else if (typeof page === 'string') response.end(page)
    else response.writeHead(302, page).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

describe('banyan init', () => {
  it('writes a file for the clinic that passes check and that the router serves the clinic by', async () => {
    const clinic = await startClinic({ port: 0, clinicHost: 'clinic.internal:8080' })
    closing.push(() => clinic.close())
    const { code, stdout } = await run(clinic.url, '--name', 'clinic')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^http:\S+: 200 in \d+ ms, "Welcome · Pet Clinic"$/m)
    expect(stdout).toContain('found      mappings at /manage/mappings: 19 operations\n')
    expect(stdout).toMatch(/^not found {2}openapi: 404 at \/openapi\.json, .*api-catalog$/m)
    expect(stdout).toContain('linked     GET /contact.html: in no description\n')
    expect(stdout).toContain('hosts      clinic.internal:8080: its own names')
    expect(written()).toContain('#   GET /contact.html\n')
    expect((await runVerb(['check', '--strict', '-c', file, '--admin', 'http://127.0.0.1:9'], {})).code).toBe(0)

    const router = await prepareRouter('')
    closing.push(() => router.close())
    const ports = readFileSync(router.config, 'utf8').replace(/^listen:.*\n/, '')
    // Everything of it but the port, which is somebody else's while tests run.
    const own = written().replace('  - port: 8080', `  - { host: 127.0.0.1, port: ${router.port} }`)
    writeFileSync(router.config, own + ports)
    await router.up()
    const page = await fetch(`http://127.0.0.1:${router.port}/vets.html`)
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('Helen Leary')])
    const { operations } = JSON.parse(await router.banyan('operations', '--json'))
    expect(operations.filter(({ owner }: { owner: string }) => owner === 'clinic')).toHaveLength(19)
  })

  it('takes a description from where it is, links of forms, robots and sitemap, and follows none of them', async () => {
    const { url, asked } = await startPages({
      '/': { location: 'http://shop.internal/home' },
      '/home': `<a href="/vets.html">Vets</a> <a href='/logout?now'>out</a> <a href=/vets/7;jsessionid=1>x</a>
        <form method="POST" action="/owners/new"></form> <a href="mailto:a@b"> <a href="https://elsewhere.test/a">`,
      '/v2/api-docs': JSON.stringify({
        swagger: '2.0',
        paths: { '/vets.html': { get: {} }, '/vets/{id}': { get: {} } },
      }),
      '/robots.txt': 'User-agent: *\nDisallow: /admin.html # no\nDisallow: /tmp/\nSitemap: /pages.xml\n',
      '/pages.xml': '<urlset><url><loc>/a?b&amp;c</loc></url></urlset>',
    })
    const { code, stdout } = await run(url, '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      page: expect.stringMatching(/^200 in \d+ ms at \/home$/),
      found: [{ detector: 'openapi', place: '/v2/api-docs', operations: 2 }],
      missing: [{ detector: 'mappings' }],
      uncovered: ['GET /a', 'GET /admin.html', 'GET /logout', 'POST /owners/new'],
      hosts: ['elsewhere.test', 'shop.internal'],
    })
    expect(written()).toContain('openapi: /v2/api-docs # 2 operations')
    expect(asked.filter((path) => /logout|owners|admin\.html|vets/.test(path))).toEqual([])
  })

  it('says that it found nothing, and what to do, in a file that is right all the same', async () => {
    const { url } = await startPages({ '/': '<html>' })
    // As people write it.
    expect((await run(url.replace('http://', ''))).code).toBe(0)
    expect(written()).toContain(`    url: ${url}\n`)
    expect(written()).toContain('# No description was found at the usual places.')
    expect((await runVerb(['check', '-c', file, '--admin', 'http://127.0.0.1:9'], {})).code).toBe(0)
  })

  it('leaves a file alone that exists, and writes none where nobody answers', async () => {
    const dead = await run('http://127.0.0.1:1')
    expect(dead).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('connection refused') })
    expect(() => written()).toThrow('ENOENT')
    writeFileSync(file, 'mine')
    const { url, asked } = await startPages({ '/': '' })
    expect(await run(url)).toMatchObject({ code: 2, stderr: expect.stringContaining('exists and is left alone') })
    expect([written(), asked]).toEqual(['mine', []])
  })

  it.each([
    { args: ['--legacy', 'ftp://127.0.0.1'], says: /^--legacy {2}must be an address such as .*\n1 error/ },
    {
      args: ['--legacy', '127.0.0.1:port'],
      says: /^--legacy {2}must be an address .*, got "http:\/\/127\.0\.0\.1:port"/,
    },
    { args: ['--legacy', 'http://127.0.0.1:1', '--name', 'a # b'], says: /^--name {2}the name of an upstream must be/ },
    { args: [], says: /^--legacy URL is missing/ },
    {
      args: ['--legacy', '127.0.0.1:1', '--ca', 'a.pem'],
      says: /^--ca is for an https: address, and --legacy is http:/,
    },
    { args: ['--legacy', 'https://a', '--ca', '/gone.pem'], says: /^--ca: .* \/gone\.pem cannot be read \(ENOENT\)/ },
  ])('$args is used wrongly', async ({ args, says }) => {
    const { code, stderr } = await runVerb(['init', ...args, '-c', file], {})
    expect([code, stderr]).toEqual([2, expect.stringMatching(says)])
  })
})
