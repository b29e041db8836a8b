import { type Connection, Lost, openConnection } from './browser.ts'

/** Clients that ask without a pause, each on a kept connection; one that is lost is opened again. */
export type Crowd = {
  readonly asked: readonly Asked[]
  /** The number of the request that was sent last. */
  turn(): number
  /** Resolves when so many more have been answered; rejects where that takes longer than twenty seconds. */
  more(requests: number): Promise<void>
  stop(): Promise<void>
}

export type Asked = {
  /** From 1, in the order of sending. */
  readonly turn: number
  readonly target: string
  /** Our side's port of its connection. */
  readonly localPort: number
  /** The body of a 200, the status of any other; `lost` where the connection ended, `refused` where none opened. */
  readonly answer: string
}

/** Starts so many clients; `targetOf` says what the request with this number asks for. */
export function startCrowd(port: number, clients: number, targetOf: (turn: number) => string): Crowd {
  const asked: Asked[] = []
  let turn = 0
  let stopping = false

  async function client(): Promise<void> {
    let connection: Connection | undefined
    while (!stopping) {
      const mine = ++turn
      const target = targetOf(mine)
      if (connection === undefined || connection.closed) {
        connection = await openConnection(port).catch(() => undefined)
      }
      if (connection === undefined) {
        asked.push({ turn: mine, target, localPort: 0, answer: 'refused' })
        await new Promise((resolve) => setTimeout(resolve, 10))
        continue
      }
      const answer = await connection.ask(target).then(
        ({ status, body }) => (status === 200 ? body : String(status)),
        (error: Error) => (error instanceof Lost ? 'lost' : error.message),
      )
      asked.push({ turn: mine, target, localPort: connection.localPort, answer })
    }
    connection?.close()
  }

  const running = Array.from({ length: clients }, client)
  return {
    asked,
    turn: () => turn,
    async more(requests) {
      const goal = asked.length + requests
      const deadline = performance.now() + 20_000
      while (asked.length < goal) {
        if (performance.now() > deadline) throw new Error(`only ${asked.length} of ${goal} requests were answered`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    async stop() {
      stopping = true
      await Promise.all(running)
    },
  }
}
