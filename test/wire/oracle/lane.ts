import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { difference } from './compare.ts'
import { type Expected, expected } from './expected.ts'
import type { Case } from './mutations.ts'
import type { Recorder } from './recorder.ts'

/** A proxy and the recorder behind it: one client at a time, so that what is recorded is what that client caused. */
export type Lane = { readonly port: number; readonly recorder: Recorder }

export type Outcome = {
  readonly expected: Expected
  /** Whole requests that reached the upstream. */
  readonly delivered: number
  /** What reached the upstream and should not have. */
  readonly unsafe: readonly string[]
  /** What is not as expected, unsafe messages apart. */
  readonly problems: readonly string[]
}

/** Sends one case through the lane's proxy and holds what came of it against what must. */
export async function send(lane: Lane, { text, pieces }: Case): Promise<Outcome> {
  const wanted = expected(text, `127.0.0.1:${lane.recorder.port}`)
  const answers = await converse(lane, pieces, wanted)
  const aborted = await isQuiet(lane.recorder)
  const { messages, unsafe } = lane.recorder.take()
  const delivered = wanted.requests.filter((request) => request !== 'here')
  const problems = delivered.flatMap((request, index) => {
    const message = messages[index]
    if (message === undefined) return [`request ${index + 1} was not delivered`]
    return difference(message, request) ?? []
  })
  if (!aborted) problems.push('a request that never ended is still open upstream')
  return {
    expected: wanted,
    delivered: messages.length,
    unsafe: [
      ...unsafe.map(({ fault, bytes }) => `${fault}: ${JSON.stringify(bytes.slice(0, 400))}`),
      ...messages
        .slice(wanted.end === 'unread' ? messages.length : delivered.length)
        .map((extra) => `a request too many: ${JSON.stringify(extra)}`),
    ],
    problems: [...problems, ...answerProblems(answers, wanted)],
  }
}

/** Sends one case and waits a little; why what reached the upstream was none, for each message that was not. */
export async function sendAnyhow(lane: Lane, { pieces }: Case): Promise<string[]> {
  await converse(lane, pieces, { requests: [], end: 'incomplete', why: '' })
  await isQuiet(lane.recorder)
  return lane.recorder.take().unsafe.map(({ fault }) => fault)
}

type Answers = { readonly text: string; readonly closed: boolean }

/** How long a client waits for what must come, and for what must not. */
const ANSWER_MS = 5000
const NOTHING_MS = 8

async function converse({ port }: Lane, pieces: readonly string[], wanted: Expected): Promise<Answers> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let text = ''
  let closed = false
  let check = (): void => {}
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1')
    check()
  })
  for (const event of ['end', 'error', 'close']) {
    socket.on(event, () => {
      closed = true
      check()
    })
  }
  await once(socket, 'connect')
  const settled = new Promise<void>((resolve) => {
    check = () => {
      if (closed || (wanted.end === 'open' && statuses(text).length >= wanted.requests.length)) resolve()
      if ((wanted.end === 'incomplete' || wanted.end === 'unread') && statuses(text).length >= wanted.requests.length)
        after(NOTHING_MS, resolve)
    }
    after(ANSWER_MS, resolve)
  })
  await write(socket, pieces)
  check()
  await settled
  socket.destroy()
  return { text, closed }
}

function after(ms: number, run: () => void): void {
  setTimeout(run, ms).unref()
}

/** Each piece in a segment of its own, as far as the kernel allows. */
async function write(socket: Socket, pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) {
    if (!socket.writable) return
    socket.write(piece, 'latin1')
    if (pieces.length > 1) await new Promise((resolve) => setImmediate(resolve))
  }
}

async function isQuiet(recorder: Recorder): Promise<boolean> {
  for (let waited = 0; waited < 500; waited++) {
    if (!recorder.pending) return true
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return false
}

function statuses(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((found) => Number(found[1]))
}

function answerProblems({ text, closed }: Answers, { requests, end }: Expected): string[] {
  const got = statuses(text)
  const problems = requests.flatMap((request, index) => {
    const status = request === 'here' ? 204 : 200
    return got[index] === status ? [] : [`answer ${index + 1} is ${got[index]} instead of ${status}`]
  })
  const more = got.slice(requests.length)
  if (end === 'open' && (more.length > 0 || closed)) problems.push(`the connection does not wait for more: ${more}`)
  if (end === 'closed' && (more.length > 0 || !closed)) problems.push(`the connection is not closed: ${more}`)
  if (end === 'refused' && !(more.length === 1 && isError(more[0]) && closed)) {
    problems.push(`no error and close, but ${more.join(' ') || 'nothing'}`)
  }
  if (end === 'incomplete' && !more.every(isError)) problems.push(`what never ended is answered ${more}`)
  return problems
}

function isError(status: number | undefined): boolean {
  return [400, 405, 414, 417, 431, 501, 505].includes(status ?? 0)
}
