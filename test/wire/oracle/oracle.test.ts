import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { describeWith } from '../../needs.ts'
import { eventually, later, router } from '../support.ts'
import { KNOWN_BAD, KNOWN_GOOD } from './known.ts'
import type { Lane } from './lane.ts'
import { startNginx } from './nginx.ts'
import { type Recorder, startRecorder } from './recorder.ts'
import { run, runOther } from './run.ts'

/** More by environment: `BANYAN_MUTATIONS=100000 npx vitest run test/wire/oracle`. */
const MUTATIONS = Number(process.env.BANYAN_MUTATIONS ?? 5000)
const SEED = Number(process.env.BANYAN_SEED ?? 20_260)
const LANES = 8

describe('mutated requests, as the upstream sees them', () => {
  const timeout = 60_000 + MUTATIONS * 20

  it('none is unsafe, and every well-formed one is delivered exactly', { timeout }, async () => {
    const lanes = await Promise.all(Array.from({ length: LANES }, lane))
    const { unsafe, problems, ...counts } = await run(lanes, MUTATIONS, SEED)
    console.log(`${JSON.stringify(counts)}, ${unsafe.length} unsafe`)
    expect(unsafe).toEqual([])
    expect(problems).toEqual([])
    expect(counts.delivered).toBe(counts.wanted)
    // The corpus holds enough of each kind to mean something.
    for (const share of [counts.wanted, counts.refused, counts.incomplete * 5]) {
      expect(share).toBeGreaterThan(MUTATIONS / 4)
    }
  })
})

describeWith('nginx', 'the same requests through nginx', (program) => {
  it('some reach the upstream as what they must not be', async () => {
    const recorders = await Promise.all(Array.from({ length: LANES }, recording))
    const nginx = await startNginx(
      program,
      recorders.map(({ port }) => port),
    )
    later(async () => nginx[Symbol.asyncDispose]())
    for (const recorder of recorders) recorder.take()
    const lanes = recorders.map((recorder, index) => ({ port: nginx.ports[index] ?? 0, recorder }))
    const { cases, faults } = await runOther(lanes, 2000, SEED)
    console.log(`nginx: ${cases} cases, let through ${JSON.stringify(faults)}`)
    // Not a matter of configuration, as Host is, nor of taste, as dot segments are.
    expect(Object.keys(faults)).toEqual(expect.arrayContaining(['no request line', 'a control character in a field']))
  })
})

describe('the recording upstream', () => {
  it('knows at least fifty bad messages by name', () => {
    expect(new Set(KNOWN_BAD.map(({ name }) => name)).size).toBeGreaterThanOrEqual(50)
  })

  it.each(KNOWN_BAD)('flags $name', async ({ bytes, fault }) => {
    const recorder = await recording()
    await deliver(recorder, [bytes])
    const { unsafe } = recorder.take()
    expect(unsafe.map((one) => one.fault)).toEqual([fault])
  })

  it.each(KNOWN_GOOD)('takes $name, byte by byte too', async ({ bytes, requests }) => {
    const recorder = await recording()
    await deliver(recorder, [bytes])
    await deliver(recorder, [...bytes])
    const { messages, unsafe } = recorder.take()
    expect(unsafe).toEqual([])
    expect(messages).toHaveLength(requests * 2)
  })

  it('says that a request which lost its end is pending, and records nothing', async () => {
    const recorder = await recording()
    const socket = connect(recorder.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write('POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 3\r\n\r\nab')
    await eventually(() => recorder.pending)
    socket.destroy()
    await eventually(() => !recorder.pending)
    expect(recorder.take()).toEqual({ messages: [], unsafe: [] })
  })
})

async function recording(): Promise<Recorder> {
  const recorder = await startRecorder()
  later(async () => recorder[Symbol.asyncDispose]())
  return recorder
}

async function lane(): Promise<Lane> {
  const recorder = await recording()
  const { port } = await router({ upstreams: { app: { ports: [recorder.port] } } })
  return { port, recorder }
}

/** Sends the pieces on a connection of their own; resolves when it has been read to its end. */
async function deliver(recorder: Recorder, pieces: readonly string[]): Promise<void> {
  const socket = connect({ port: recorder.port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {})
  socket.resume()
  for (const piece of pieces) {
    socket.write(piece, 'latin1')
    await new Promise((resolve) => setImmediate(resolve))
  }
  socket.end()
  if (!socket.destroyed) await once(socket, 'close')
}
