import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { afterAll, describe, expect, it } from 'vitest'
import { loadCodec } from './codec.ts'
import { fuzz, type Progress, shrunk } from './fuzz.ts'
import { loadHttp2Codec } from './http2/codec.ts'
import { fuzzHttp2, type Http2Progress } from './http2/fuzz.ts'
import { readHttp2Corpus } from './http2/kept.ts'
import { PLANTED_HTTP2 } from './http2/planted.ts'
import { readCorpus } from './kept.ts'
import { PLANTED, type Planted } from './planted.ts'
import { readReference } from './reference.ts'

/** Longer by environment: `BANYAN_FUZZ_SECONDS=60 npx vitest run test/fuzz`. HTTP/2 has a third of it. */
const ALL_SECONDS = Number(process.env.BANYAN_FUZZ_SECONDS ?? 6)
const HTTP2_SECONDS = ALL_SECONDS / 3
const SECONDS = ALL_SECONDS - HTTP2_SECONDS
const SEED = Number(process.env.BANYAN_SEED ?? Date.now() % 1_000_000)
const ROUTER = join(import.meta.dirname, '../../router')

describe('whatever the codec accepts', () => {
  const timeout = ALL_SECONDS * 1000 + 60_000

  it(`llhttp reads in the same way (seed ${SEED})`, { timeout }, async () => {
    const codec = await loadCodec(ROUTER)
    const { findings, executions, corpus } = fuzz({ codec, seed: SEED, corpus: readCorpus(), enough: within(SECONDS) })
    console.log(`${executions} executions in ${SECONDS} s, corpus ${corpus.length}`)
    expect(findings.slice(0, 3).map((finding) => shrunk(codec, finding))).toEqual([])
    expect(executions).toBeGreaterThan(1000 * SECONDS)
  })

  it(`nghttp2 reads in the same way where it is HTTP/2 (seed ${SEED})`, { timeout }, async () => {
    const codec = await loadHttp2Codec(ROUTER)
    const corpus = readHttp2Corpus()
    const { findings, executions, ...rest } = await fuzzHttp2({
      codec,
      seed: SEED,
      corpus,
      enough: within(HTTP2_SECONDS),
    })
    console.log(`${executions} executions in ${HTTP2_SECONDS} s, corpus ${rest.corpus.length}`)
    expect(findings.slice(0, 3).map((one) => ({ ...one, bytes: one.bytes.toString('hex') }))).toEqual([])
    expect(executions).toBeGreaterThan(corpus.length + 100)
  })
})

describe('the fuzzer', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-planted-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each(PLANTED)('finds, without its corpus, that $name', async (planted) => {
    const codec = await loadCodec(copy(join(folder, String(PLANTED.indexOf(planted))), planted))
    const time = within(50)
    const { findings, executions } = fuzz({
      codec,
      seed: SEED,
      enough: (progress) => progress.findings.length > 0 || time(progress),
    })
    expect(findings, `nothing in ${executions} executions`).not.toEqual([])
  })

  it.each(PLANTED_HTTP2)('finds, without its corpus, that $name, in HTTP/2', async (planted) => {
    const codec = await loadHttp2Codec(copy(join(folder, `http2-${PLANTED_HTTP2.indexOf(planted)}`), planted))
    const time = within(50)
    const { findings, executions } = await fuzzHttp2({
      codec,
      seed: SEED,
      enough: (progress) => progress.findings.length > 0 || time(progress),
    })
    expect(findings, `nothing in ${executions} executions`).not.toEqual([])
  })

  it('takes a tab in a body for content, also where it looks like a field', async () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked \t\r\n\r\n'
    const text = `${head}21\r\nx\nTransfer-Encoding: chunked \t\r\nC\r\n0\r\n\r\n`
    const codec = await loadCodec(ROUTER)
    const { findings } = fuzz({ codec, seed: 1, corpus: [{ side: 'response', text }], enough: () => true })
    expect(findings).toEqual([])
  })

  it('keeps a corpus of at most 300 inputs and 1 MiB, for HTTP/2 of 200 and half of that', () => {
    const corpus = readCorpus()
    expect(corpus.length).toBeGreaterThan(100)
    expect(corpus.length).toBeLessThanOrEqual(300)
    expect(corpus.reduce((size, { text }) => size + text.length, 0)).toBeLessThan(1024 * 1024)
    const http2 = readHttp2Corpus()
    expect(http2.length).toBeGreaterThan(50)
    expect(http2.length).toBeLessThanOrEqual(200)
    expect(http2.reduce((size, { bytes }) => size + bytes.length, 0)).toBeLessThan(512 * 1024)
  })
})

describe('the reference', () => {
  it.each([
    'GET /a?b HTTP/1.1\r\nHost: a\r\nX:\t y \r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: u\r\n\r\n',
    'PUT http://a/b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcQUERY /c HTTP/1.1\r\nHost: a\r\n\r\n',
    `GET / HTTP/1.1\r\nHost: a\r\n${'A: b\r\n'.repeat(100)}\r\n`,
    'GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n',
  ])('reads %j as a server of node:http does', async (text) => {
    const { messages, error } = readReference(text, 'request')
    const whole = messages.filter(({ complete }) => complete)
    const served = await serve(text, whole.length, error !== undefined)
    expect(served.requests).toEqual(
      whole.map(({ method, url, fields, body, trailers }) => ({ method, url, fields, body, trailers })),
    )
    expect(served.error).toBe(error?.code)
  })
})

function within(seconds: number): (progress: Progress | Http2Progress) => boolean {
  const end = performance.now() + seconds * 1000
  return () => performance.now() > end
}

/** A copy of the codec's sources with a bug; returns its `router/`. */
function copy(folder: string, { file, changes }: Planted): string {
  for (const part of ['kernel', 'model', 'dataplane'])
    cpSync(join(ROUTER, part), join(folder, part), { recursive: true })
  symlinkSync(join(ROUTER, '../node_modules'), join(folder, 'node_modules'))
  const path = join(folder, 'dataplane', file)
  let source = readFileSync(path, 'utf8')
  for (const { from, to } of changes) {
    expect(source.split(from)).toHaveLength(2)
    source = source.replace(from, to)
  }
  writeFileSync(path, source)
  return folder
}

type Served = {
  readonly requests: readonly {
    readonly method: string | undefined
    readonly url: string | undefined
    readonly fields: readonly string[]
    readonly body: string
    readonly trailers: readonly string[]
  }[]
  readonly error: string | undefined
}

/** What a server of Node reads; resolves when it has read `count` requests and, where there is to be one, an error. */
async function serve(text: string, count: number, fails: boolean): Promise<Served> {
  const server = createServer()
  const requests: Served['requests'][number][] = []
  let error: string | undefined
  const done = new Promise<void>((resolve) => {
    const check = (): void => {
      if (requests.length === count && (error !== undefined) === fails) resolve()
    }
    server.on('clientError', (found: NodeJS.ErrnoException, socket) => {
      error = found.code
      socket.destroy()
      check()
    })
    server.on('request', async (request, response) => {
      let body = ''
      request.setEncoding('latin1')
      request.on('error', () => {})
      request.on('data', (part: string) => {
        body += part
      })
      await once(request, 'end').catch(() => {})
      if (!request.complete) return
      const { method, url, rawHeaders: fields, rawTrailers: trailers } = request
      requests.push({ method, url, fields, body, trailers })
      response.end()
      check()
    })
  })
  const connection = new Duplex({ read() {}, write: (_bytes, _encoding, taken) => taken() })
  connection.on('error', () => {})
  server.emit('connection', connection)
  connection.push(Buffer.from(text, 'latin1'))
  await done
  connection.destroy()
  return { requests, error }
}
