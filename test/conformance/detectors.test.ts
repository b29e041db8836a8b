import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { startClinic } from '../../legacy/clinic/server.ts'
import { READING_LIMITS, readAside } from '../../router/discovery/aside.ts'
import type { DetectableUpstream, Finding, Memory } from '../../router/discovery/detectors/detector.ts'
import { DETECTORS } from '../../router/discovery/detectors/index.ts'
import { USUAL_PLACES } from '../../router/discovery/detectors/openapi/index.ts'
import { descriptionFetcher, FETCH_LIMITS } from '../../router/discovery/fetch.ts'
import { systemClock } from '../../router/kernel/clock.ts'
import { moduleFile } from '../../router/kernel/modules.ts'
import { startOwners } from '../../services/owners/server.ts'
import { startVets } from '../../services/vets/server.ts'

type Answer = {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Never answered at all. */
  readonly silent?: boolean
}

type Peer = {
  readonly port: number
  readonly asked: { path: string; headers: IncomingHttpHeaders }[]
  answers: Readonly<Record<string, Answer>>
}

let closing: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closing) await close()
  closing = []
})

/** A real HTTP server that answers from memory: these paths, and 404 for every other. */
async function startPeer(answers: Readonly<Record<string, Answer>>): Promise<Peer> {
  const peer: { -readonly [Key in keyof Peer]: Peer[Key] } = { port: 0, asked: [], answers }
  const server = createServer((req, res) => {
    const path = req.url ?? ''
    peer.asked.push({ path, headers: req.headers })
    const { status = 200, headers = {}, body = '', silent = false } = peer.answers[path] ?? { status: 404 }
    if (silent) return
    const etag = headers.etag
    if (etag !== undefined && req.headers['if-none-match'] === etag) res.writeHead(304, headers).end()
    else res.writeHead(status, headers).end(body)
  })
  peer.port = await listen(server)
  return peer
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

function upstreamAt(port: number, part: Partial<DetectableUpstream> = {}): DetectableUpstream {
  return {
    name: 'peer',
    endpoints: [{ host: '127.0.0.1', port, path: '' }],
    discover: { openapi: 'auto', mappings: undefined },
    ownHosts: [],
    declares: undefined,
    failure: undefined,
    ...part,
  }
}

/** One round of the only detector that applies. */
function detect(
  upstream: DetectableUpstream,
  { memory, limits = FETCH_LIMITS }: { memory?: Memory; limits?: typeof FETCH_LIMITS } = {},
) {
  const detector = DETECTORS.find((candidate) => candidate.applies(upstream))
  if (detector === undefined) throw new Error('no detector applies')
  const fetch = descriptionFetcher({ version: '0.1.0', clock: systemClock, limits })
  return detector.detect({ upstream, fetch, clock: systemClock, signal: new AbortController().signal, memory })
}

function listed(finding: Finding): string[] {
  if (finding.kind !== 'read') throw new Error(`expected operations, got ${JSON.stringify(finding)}`)
  return finding.operations.map(({ method, template }) => `${method} ${template}`).sort()
}

const last = (finding: Finding) => finding.attempts.at(-1)?.outcome

const openapiAt = (openapi: string) => ({ discover: { openapi, mappings: undefined } })
const mappingsAt = (mappings: string) => ({ discover: { openapi: undefined, mappings } })

const DESCRIPTION = JSON.stringify({ openapi: '3.1.0', paths: { '/vets.html': { get: {} } } })

describe('detectors on the applications of the example estate', () => {
  it('finds the 19 operations of the clinic, and one more when it gets one', async () => {
    const clinic = await startClinic({ port: 0, clinicHost: 'clinic.test' })
    closing.push(() => clinic.close())
    const upstream = upstreamAt(clinic.port, mappingsAt('/manage/mappings'))
    const first = await detect(upstream)
    expect(listed(first)).toEqual([
      'GET /',
      'GET /oups',
      'GET /owners',
      'GET /owners/*/pets/{petId}/visits/new',
      'GET /owners/find',
      'GET /owners/new',
      'GET /owners/{ownerId}',
      'GET /owners/{ownerId}/edit',
      'GET /owners/{ownerId}/pets/new',
      'GET /owners/{ownerId}/pets/{petId}/edit',
      'GET /vets.html',
      'GET /vets.json',
      'GET /vets.xml',
      'GET /vets/new',
      'POST /owners/new',
      'POST /owners/{ownerId}/edit',
      'POST /owners/{ownerId}/pets/new',
      'POST /owners/{ownerId}/pets/{petId}/edit',
      'POST /owners/{ownerId}/pets/{petId}/visits/new',
    ])
    expect(last(first)).toBe('200, 19 operations')

    clinic.add({
      handler: 'x.AddedController#page',
      methods: ['GET'],
      patterns: ['/added/{id:[0-9]+}'],
      answer: () => ({ status: 200, headers: [], body: '' }),
    })
    expect(listed(await detect(upstream))).toHaveLength(20)
    expect(listed(await detect(upstream))).toContain('GET /added/{id}')
  })

  it.each([
    { name: 'vets', start: startVets, operations: ['GET /api/vets', 'GET /vets.html', 'GET /vets/new'] },
    { name: 'owners', start: startOwners, operations: ['GET /owners/{ownerId}'] },
  ])('finds the operations of $name by itself', async ({ start, operations }) => {
    const service = await start({ port: 0 })
    closing.push(() => service.close())
    expect(listed(await detect(upstreamAt(service.port)))).toEqual(operations)
  })
})

describe('detector openapi', () => {
  it('names itself, asks for no compression, and the second time only whether anything changed', async () => {
    const peer = await startPeer({ '/openapi.json': { headers: { etag: '"v1"' }, body: DESCRIPTION } })
    const first = await detect(upstreamAt(peer.port))
    expect(listed(first)).toEqual(['GET /vets.html'])
    expect(peer.asked[0]?.headers).toMatchObject({
      'user-agent': 'Banyan/0.1.0 (+discovery)',
      'accept-encoding': 'identity',
      host: `127.0.0.1:${peer.port}`,
    })
    const memory = first.kind === 'read' ? first.memory : undefined
    const second = await detect(upstreamAt(peer.port), { ...(memory && { memory }) })
    expect(second.kind).toBe('unchanged')
    expect(last(second)).toMatch(/^304 in \d+ ms, unchanged$/)
    expect(peer.asked[1]?.headers['if-none-match']).toBe('"v1"')
  })

  it('knows an unchanged document where the upstream does not answer conditionally', async () => {
    const peer = await startPeer({ '/v3/api-docs': { body: DESCRIPTION } })
    const first = await detect(upstreamAt(peer.port))
    const memory = first.kind === 'read' ? first.memory : undefined
    peer.asked.length = 0
    expect(await detect(upstreamAt(peer.port), { ...(memory && { memory }) })).toMatchObject({ kind: 'unchanged' })
    // Where it was found is asked first, and nothing else.
    expect(peer.asked.map(({ path }) => path)).toEqual(['/v3/api-docs'])
  })

  it.each(USUAL_PLACES.slice(0, -1))('finds a description at %s', async (place) => {
    const peer = await startPeer({ [place]: { body: 'openapi: 3.0.0\npaths:\n  /vets.html:\n    get: {}\n' } })
    const finding = await detect(upstreamAt(peer.port))
    expect(finding).toMatchObject({ kind: 'read', source: `GET ${place}` })
    expect(listed(finding)).toEqual(['GET /vets.html'])
  })

  it('follows a catalogue to descriptions on the upstream, and to none elsewhere', async () => {
    const elsewhere = await startPeer({ '/openapi.json': { body: DESCRIPTION } })
    const link = (href: string) => ({ anchor: '/', 'service-desc': [{ href, type: 'application/json' }] })
    const peer = await startPeer({
      '/vets/openapi.json': { body: DESCRIPTION },
      '/b.yaml': { body: 'openapi: 3.1.0\npaths: { /b: { put: {} } }' },
    })
    const catalogue = [
      link('/vets/openapi.json'),
      link(`http://127.0.0.1:${peer.port}/b.yaml`),
      link(`http://127.0.0.1:${elsewhere.port}/openapi.json`),
    ]
    peer.answers = { ...peer.answers, '/.well-known/api-catalog': { body: JSON.stringify({ linkset: catalogue }) } }
    const finding = await detect(upstreamAt(peer.port))
    expect(listed(finding)).toEqual(['GET /vets.html', 'PUT /b'])
    expect(last(finding)).toBe('not followed: it leads away from the upstream')
    expect(elsewhere.asked).toEqual([])
  })

  it('says what it tried where there is nothing', async () => {
    const peer = await startPeer({})
    const finding = await detect(upstreamAt(peer.port))
    expect(finding.kind).toBe('absent')
    expect(peer.asked.map(({ path }) => path)).toEqual(USUAL_PLACES)
    expect(finding.attempts[0]).toMatchObject({
      what: 'GET /openapi.json',
      outcome: expect.stringMatching(/^404 in \d+ ms$/),
    })
    expect(finding.attempts.at(-1)).toMatchObject({
      what: 'tried 11 paths',
      outcome: expect.stringContaining('set discover.openapi'),
    })
  })

  it('takes a front page at every path for nothing, where it only looks around', async () => {
    const page = { headers: { 'content-type': 'text/html' }, body: '<!doctype html><h1>Shop</h1>' }
    const peer = await startPeer(Object.fromEntries(USUAL_PLACES.map((path) => [path, page])))
    const finding = await detect(upstreamAt(peer.port))
    expect(finding.kind).toBe('absent')
    expect(finding.attempts[0]?.outcome).toMatch(/^200 in \d+ ms, but the answer is HTML or XML$/)
  })

  it.each([
    { what: 'HTML', answer: { body: '<h1>Shop</h1>' }, says: /but the answer is HTML or XML$/ },
    {
      what: 'broken JSON',
      answer: { body: '{"openapi": "3.1.0", "paths": {' },
      says: /but the answer is neither JSON nor YAML: /,
    },
    { what: 'something else', answer: { body: '{"status":"UP"}' }, says: /but the answer is no OpenAPI document/ },
    { what: 'nothing', answer: { body: '' }, says: /but the answer is empty$/ },
    { what: 'bytes', answer: { body: new Uint8Array(5_000).fill(0xfe) }, says: /but the answer/ },
    {
      what: 'a compressed answer',
      answer: { headers: { 'content-encoding': 'gzip' }, body: 'x' },
      says: /encoded as gzip/,
    },
    { what: 'a login', answer: { status: 401 }, says: /^401 in \d+ ms; discovery sends no credentials$/ },
    { what: 'an error', answer: { status: 500 }, says: /^500 in \d+ ms$/ },
  ])('fails at $what where the place was given', async ({ answer, says }) => {
    const peer = await startPeer({ '/api.json': answer })
    const finding = await detect(upstreamAt(peer.port, openapiAt('/api.json')))
    expect(finding).toMatchObject({ kind: 'failed', attempts: [{ what: 'GET /api.json' }] })
    expect(last(finding)).toMatch(says)
  })

  it('is told of a place that has nothing, and of one that is still starting', async () => {
    const peer = await startPeer({ '/starting.json': { status: 503 } })
    expect(await detect(upstreamAt(peer.port, openapiAt('/missing.json')))).toMatchObject({ kind: 'absent' })
    expect(await detect(upstreamAt(peer.port, openapiAt('/starting.json')))).toMatchObject({ kind: 'unreachable' })
  })

  it('does not follow a redirect elsewhere', async () => {
    const elsewhere = await startPeer({ '/openapi.json': { body: DESCRIPTION } })
    const location = `http://127.0.0.1:${elsewhere.port}/openapi.json`
    const peer = await startPeer({ '/api.json': { status: 302, headers: { location } } })
    const finding = await detect(upstreamAt(peer.port, openapiAt('/api.json')))
    expect(finding.kind).toBe('failed')
    expect(last(finding)).toMatch(
      /^302 to http:.* in \d+ ms; redirects elsewhere, and more than three, are not followed$/,
    )
    expect(elsewhere.asked).toEqual([])
  })

  it('follows a redirect on the upstream itself, and none without end', async () => {
    const peer = await startPeer({
      '/docs': { status: 301, headers: { location: '/docs/' } },
      '/docs/': { status: 302, headers: { location: 'api.json?v=1' } },
      '/docs/api.json?v=1': { body: DESCRIPTION },
      '/round': { status: 307, headers: { location: '/round' } },
    })
    expect(listed(await detect(upstreamAt(peer.port, openapiAt('/docs'))))).toEqual(['GET /vets.html'])
    expect(peer.asked.map(({ path }) => path)).toEqual(['/docs', '/docs/', '/docs/api.json?v=1'])
    expect((await detect(upstreamAt(peer.port, openapiAt('/round')))).kind).toBe('failed')
    expect(peer.asked.filter(({ path }) => path === '/round')).toHaveLength(4)
  })

  it('stops reading a huge answer', async () => {
    const peer = await startPeer({ '/api.json': { body: new Uint8Array(3 * 1024 * 1024) } })
    const finding = await detect(upstreamAt(peer.port, openapiAt('/api.json')), {
      limits: { maxBytes: 1024 * 1024, timeoutMs: 5_000 },
    })
    expect(finding.kind).toBe('failed')
    expect(last(finding)).toBe(`200, but larger than 1 MiB (127.0.0.1:${peer.port})`)
  })

  it('does not wait for an upstream that says nothing, nor asks it for more', async () => {
    const peer = await startPeer({ '/openapi.json': { silent: true } })
    const finding = await detect(upstreamAt(peer.port), { limits: { maxBytes: 1024, timeoutMs: 100 } })
    expect(finding).toMatchObject({
      kind: 'unreachable',
      attempts: [{ outcome: `no answer within 0.1 s (127.0.0.1:${peer.port})` }],
    })
    expect(peer.asked).toHaveLength(1)
  })

  it('says that nobody listens, and asks the next endpoint', async () => {
    const closed = createServer()
    const port = await listen(closed)
    await new Promise((resolve) => closed.close(resolve))
    expect(await detect(upstreamAt(port))).toMatchObject({
      kind: 'unreachable',
      attempts: [{ outcome: `connection refused (127.0.0.1:${port})` }],
    })
    const peer = await startPeer({ '/app/openapi.json': { body: DESCRIPTION } })
    const endpoints = [port, peer.port].map((one) => ({ host: '127.0.0.1', port: one, path: '/app' }))
    expect(listed(await detect(upstreamAt(port, { endpoints })))).toEqual(['GET /vets.html'])
  })

  it('says that no endpoint is known', async () => {
    expect(last(await detect(upstreamAt(0, { endpoints: [] })))).toBe('no endpoint is known')
  })

  it.each(['169.254.169.254', '[fd00:ec2::254]', '[::ffff:169.254.169.254]', '2852039166'])(
    "never asks a cloud machine's metadata service at %s",
    async (host) => {
      const finding = await detect(upstreamAt(1, openapiAt(`http://${host}/latest/meta-data`)))
      expect(finding.kind).toBe('failed')
      expect(last(finding)).toContain('metadata address, which is never asked')
    },
  )

  it('reads from where the operator says: another host, or a file', async () => {
    const elsewhere = await startPeer({ '/specs/vets.json?v=1': { body: DESCRIPTION } })
    const url = `http://127.0.0.1:${elsewhere.port}/specs/vets.json?v=1`
    const finding = await detect(upstreamAt(1, openapiAt(url)))
    expect(finding).toMatchObject({ kind: 'read', source: `GET ${url}` })

    const folder = mkdtempSync(join(tmpdir(), 'banyan-openapi-'))
    closing.push(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'vets.json'), DESCRIPTION)
    expect(listed(await detect(upstreamAt(1, openapiAt(`file:${folder}/vets.json`))))).toEqual(['GET /vets.html'])
    const missing = await detect(upstreamAt(1, openapiAt(`file:${folder}/none.json`)))
    expect(missing).toMatchObject({ kind: 'failed', attempts: [{ what: `file:${folder}/none.json` }] })
    expect(last(missing)).toContain('ENOENT')
  })

  it('reads a description of over 13 MB with 1,000 paths while everything else goes on', async () => {
    const paths = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, index) => [
        `/repos/{owner}/{repo}/things-${index}`,
        { get: { description: 'x'.repeat(13_500) } },
      ]),
    )
    const peer = await startPeer({ '/openapi.json': { body: JSON.stringify({ openapi: '3.0.3', paths }) } })
    let longest = 0
    let before = performance.now()
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - before)
      before = performance.now()
    }, 5)
    const finding = await detect(upstreamAt(peer.port))
    clearInterval(timer)
    expect(listed(finding)).toHaveLength(1_000)
    expect(longest).toBeLessThan(READING_LIMITS.timeoutMs / 10)
  })
})

describe('readAside', () => {
  const file = moduleFile(import.meta.url, '../../router/discovery/detectors/openapi/worker')
  const read = (text: string, limits: typeof READING_LIMITS, signal = new AbortController().signal) =>
    readAside(new TextEncoder().encode(text), { file, hints: {} }, { clock: systemClock, signal, limits })

  it('ends a document that takes too long', async () => {
    const large = `paths: {${'/a: {get: {}},'.repeat(200_000)}}`
    const reading = await read(large, { ...READING_LIMITS, timeoutMs: 200 })
    expect(reading).toEqual({ kind: 'unreadable', why: 'was not read within 0.2 s' })
  })

  it.each([
    ['JSON', `{"paths":[${'{},'.repeat(10_000_000)}{}]}`],
    ['YAML', `paths:\n${'- 1\n'.repeat(8_000_000)}`],
  ])('takes no 30 MB of %s that would become a gigabyte of objects', async (_, text) => {
    expect(await read(text, READING_LIMITS)).toEqual({ kind: 'unreadable', why: 'holds more than 2000000 values' })
  })

  it('survives as many values as it takes', async () => {
    const text = `{"openapi":"3.1.0","x":[${'{"a":[1]},'.repeat(660_000)}{}]}`
    expect((await read(text, READING_LIMITS)).kind).toBe('read')
  })

  it('ends with the router', async () => {
    expect(await read('{}', READING_LIMITS, AbortSignal.abort())).toMatchObject({ kind: 'unreadable' })
  })
})

describe('detector mappings', () => {
  it('says what is wrong with a document that is none', async () => {
    const peer = await startPeer({ '/manage/mappings': { body: '{"status":"UP"}' } })
    const finding = await detect(upstreamAt(peer.port, mappingsAt('/manage/mappings')))
    expect(finding.kind).toBe('failed')
    expect(last(finding)).toMatch(/^200 in \d+ ms, but the answer is no Spring mappings document$/)
  })

  it('sees a slow starter come up', async () => {
    const peer = await startPeer({ '/mappings': { status: 503 } })
    const upstream = upstreamAt(peer.port, mappingsAt('/mappings'))
    expect(await detect(upstream)).toMatchObject({ kind: 'unreachable' })
    peer.answers = { '/mappings': { body: '{"{[/owners],methods=[GET]}":{"bean":"requestMappingHandlerMapping"}}' } }
    expect(listed(await detect(upstream))).toEqual(['GET /owners'])
  })
})
