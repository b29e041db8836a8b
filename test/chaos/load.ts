import { Agent, type IncomingMessage, request } from 'node:http'

/** What a client noted of one request. */
export type Noted = {
  readonly id: string
  readonly method: 'GET' | 'POST'
  readonly kind: string
  /**
   * `ok`: a whole and right answer. `wrong`: whole, and not what was asked for. `promised`: an error of the router,
   * with its code. `begun`: reset in mid-answer. `refused`: no connection was accepted. `lost`: anything else.
   */
  readonly outcome: 'ok' | 'wrong' | 'promised' | 'begun' | 'refused' | 'lost'
  /** Code of an error of the router, else what the connection said. */
  readonly detail: string
  readonly ms: number
}

export type LoadOptions = {
  readonly port: number
  readonly clients: number
  /** Kind by turn: the last part of the path, which says what the upstream does. */
  readonly kinds: readonly string[]
  /** Every so many requests is a POST; 0: none. */
  readonly posts?: number
  readonly prefix?: string
  readonly pauseMs?: number
}

export type Load = { readonly noted: readonly Noted[]; stop(): Promise<void> }

let loads = 0

/** Clients that ask one thing after the other until `stop`; half of them keep their connections. Nothing is repeated. */
export function startLoad({ port, clients, kinds, posts = 0, prefix = '', pauseMs = 2 }: LoadOptions): Load {
  const noted: Noted[] = []
  const run = `${process.pid}-${++loads}`
  let turn = 0
  let stopping = false

  async function client(number: number): Promise<void> {
    const agent = number % 2 === 0 ? new Agent({ keepAlive: true, maxSockets: 1 }) : undefined
    while (!stopping) {
      const mine = ++turn
      const method = posts > 0 && mine % posts === 0 ? 'POST' : 'GET'
      const kind = kinds[mine % kinds.length] ?? ''
      noted.push(await send({ port, agent, id: `${run}-${mine}`, method, kind, prefix }))
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
    agent?.destroy()
  }

  const running = Array.from({ length: clients }, (_, number) => client(number))
  return {
    noted,
    async stop() {
      stopping = true
      await Promise.all(running)
    },
  }
}

type Sent = {
  readonly port: number
  readonly agent: Agent | undefined
  readonly id: string
  readonly method: 'GET' | 'POST'
  readonly kind: string
  readonly prefix: string
}

const BODY = 'y'.repeat(2_000)
const BIG_LENGTH = 1024 * 1024

function send({ port, agent, id, method, kind, prefix }: Sent): Promise<Noted> {
  const started = performance.now()
  return new Promise((resolve) => {
    const end = (outcome: Noted['outcome'], detail = ''): void =>
      resolve({ id, method, kind, outcome, detail, ms: performance.now() - started })
    const path = `${prefix}/${kind}?id=${id}`
    let begun = false
    const asked = request({ host: '127.0.0.1', port, path, method, agent: agent ?? false }, (response) => {
      begun = true
      readAnswer(response, method, kind, end)
    })
    asked.setTimeout(15_000, () => asked.destroy(new Error('no answer within 15 s')))
    asked.on('error', (error: NodeJS.ErrnoException) => {
      const what = error.code === 'ECONNREFUSED' ? 'refused' : 'lost'
      end(begun ? 'begun' : what, error.code ?? error.message)
    })
    asked.end(method === 'POST' ? BODY : undefined)
  })
}

function readAnswer(
  response: IncomingMessage,
  method: string,
  kind: string,
  end: (outcome: Noted['outcome'], detail?: string) => void,
): void {
  const pieces: Buffer[] = []
  response.on('data', (piece: Buffer) => pieces.push(piece))
  response.on('error', (error: NodeJS.ErrnoException) => end('begun', error.code ?? error.message))
  response.on('end', () => {
    const body = Buffer.concat(pieces)
    if (response.statusCode !== 200) {
      const code = /"code":"([a-z_]+)"/.exec(body.toString())?.[1]
      end(code === undefined ? 'wrong' : 'promised', code ?? String(response.statusCode))
    } else if (kind === 'half') end('wrong', 'half an answer was whole')
    else if (kind === 'big') end(body.length === BIG_LENGTH ? 'ok' : 'wrong', `${body.length} bytes`)
    else end(body.toString() === String(method === 'POST' ? BODY.length : 0) ? 'ok' : 'wrong', body.toString())
  })
}
