import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { RECORDINGS } from '../../../../router/discovery/recordings/index.ts'
import { beginningOf, linesOf } from '../../../../router/discovery/recordings/lines.ts'
import { requestOfLine } from '../../../../router/discovery/recordings/log/index.ts'
import type { Recorded } from '../../../../router/discovery/recordings/recording.ts'

const folder = mkdtempSync(join(tmpdir(), 'banyan-recordings-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function readAll(name: string, content: string | Uint8Array): Promise<readonly Recorded[]> {
  const file = join(folder, name)
  writeFileSync(file, content)
  const beginning = await beginningOf(file)
  const kind = RECORDINGS.find((one) => one.recognises(beginning))
  const found: Recorded[] = []
  for await (const one of kind?.read(linesOf(file, kind.longestLine)) ?? []) found.push(one)
  return found
}

const AT = Date.parse('2026-10-10T13:55:36+02:00')

describe('a line of an access log', () => {
  it.each([
    {
      what: 'common',
      line: '1.2.3.4 - ann [10/Oct/2026:13:55:36 +0200] "GET /owners/7?x=1 HTTP/1.1" 200 2326',
      is: { method: 'GET', path: '/owners/7', status: 200, at: AT, length: 2326 },
    },
    {
      what: 'combined, with a quote in the agent',
      line: '::1 - - [10/Oct/2026:13:55:36 +0200] "POST /a HTTP/2.0" 302 - "-" "a \\"b\\" c"',
      is: { method: 'POST', path: '/a', status: 302, at: AT, length: 0 },
    },
    {
      what: 'combined, with a virtual host before and a time behind',
      line: 'example.org:443 1.2.3.4 - - [10/Oct/2026:13:55:36 +0200] "GET http://example.org/a HTTP/1.1" 404 9 "-" "-" 0.002',
      is: { method: 'GET', path: '/a', status: 404, at: AT, length: 9 },
    },
    {
      what: "nginx's JSON",
      line: '{"time_iso8601":"2026-10-10T13:55:36+02:00","request":"GET /a?b HTTP/1.1","status":"200","body_bytes_sent":"5"}',
      is: { method: 'GET', path: '/a', status: 200, at: AT, length: 5 },
    },
    {
      what: "Caddy's",
      line: `{"level":"info","ts":${AT / 1000},"logger":"http.log.access","msg":"handled request","request":{"method":"GET","host":"x","uri":"/a?b=c","headers":{"User-Agent":["y"]}},"duration":0.1,"size":12,"status":302,"resp_headers":{"Location":["/login?next=/a"]}}`,
      is: { method: 'GET', path: '/a', status: 302, at: AT, length: 12, location: '/login' },
    },
    {
      what: "Traefik's",
      line: '{"DownstreamContentSize":12,"DownstreamStatus":201,"RequestMethod":"PUT","RequestPath":"/a?b","StartUTC":"2026-10-10T11:55:36Z","time":"x"}',
      is: { method: 'PUT', path: '/a', status: 201, at: AT, length: 12 },
    },
  ])('is read: $what', ({ line, is }) => expect(requestOfLine(line)).toMatchObject(is))

  it.each([
    ['a sentence', undefined],
    ['{"method":"GET"', undefined],
    ['{"method":"GET","uri":"/a"}', undefined],
    ['{"level":"info","msg":"started"}', 'none'],
    ['1.2.3.4 - - [10/Oct/2026:13:55:36 +0200] "\\x16\\x03\\x01" 400 157', 'none'],
  ])('is none: %s', (line, is) => expect(requestOfLine(line)).toBe(is))
})

const LINE = '1.2.3.4 - - [10/Oct/2026:13:55:36 +0200] "GET /a HTTP/1.1" 200 5'

describe('a recording', () => {
  it('is read line by line, compressed or not, and says which lines it does not understand', async () => {
    const text = `${LINE}\nnonsense\n\n${LINE}`
    const plain = await readAll('access.log', text)
    expect(plain.map(({ kind }) => kind)).toEqual(['request', 'malformed', 'request'])
    expect(plain[1]).toMatchObject({ line: 2, text: 'nonsense' })
    expect(await readAll('access.log.gz', gzipSync(text))).toEqual(plain)
  })

  it('cuts a line that is longer than any of a log', async () => {
    const found = await readAll('long.log', `${'x'.repeat(1_000_000)}\n${LINE}`)
    expect(found.map(({ kind }) => kind)).toEqual(['malformed', 'request'])
  })

  it('may be a HAR file: requests to the host that most of them are for', async () => {
    const entry = (url: string, response: object) => ({
      startedDateTime: '2026-10-10T11:55:36Z',
      request: { method: 'GET', url },
      response: { content: { size: 7 }, headers: [], redirectURL: '', ...response },
    })
    const entries = [
      entry('http://a.test/x?y', { status: 200 }),
      entry('http://a.test/z', { status: 302, redirectURL: 'http://a.test/login?a' }),
      entry('http://a.test/p', { status: 405, headers: [{ name: 'Allow', value: 'POST, PUT' }] }),
      entry('http://cdn.test/lib.js', { status: 200 }),
    ]
    const found = await readAll('session.har', JSON.stringify({ log: { version: '1.2', entries } }))
    expect(found).toMatchObject([
      { request: { path: '/x', status: 200, length: 7, at: AT } },
      { request: { path: '/z', status: 302, location: 'http://a.test/login' } },
      { request: { path: '/p', status: 405, allow: ['POST', 'PUT'] } },
    ])
  })

  it('that is no HAR file after all is refused', async () => {
    await expect(readAll('broken.har', '{"log": {')).rejects.toThrow(/is no HAR file/)
  })
})
