import { connect, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../kernel/clock.ts'
import { createFrameDecoder, encodeFrame, parseFrame } from '../kernel/frames.ts'
import type { Log } from '../kernel/log.ts'
import { isPrivate } from '../kernel/state-paths.ts'
import type { FromDataplane, ToDataplane } from '../model/link.ts'

/** The data plane's way to control: dials, says hello, hears what is published; dials again when it is gone. */
export type Link = {
  /** Dials at once, and again until `close`. */
  open(): void
  connected(): boolean
  /** Dropped where control is away: it asks for what it needs when it is back. */
  send(message: FromDataplane): void
  /** The whole router's figures from control; undefined: it is away, or too busy to say. */
  askMetrics(): Promise<string | undefined>
  close(): void
}

export type LinkOptions = {
  /** Where control may listen, best first. */
  readonly paths: readonly string[]
  readonly clock: Clock
  readonly log: Log
  /** What to say first on every connection. */
  hello(): FromDataplane
  onPublish(message: Extract<ToDataplane, { kind: 'publish' | 'rules' }>): void
  /** Control could not be reached at any of the paths; it is tried again. */
  onUnreachable(): void
}

/** Does nothing until `open`. */
export function createLink(options: LinkOptions): Link {
  const { paths, clock, log } = options
  const asked = new Map<number, (text: string | undefined) => void>()
  let connection: Socket | undefined
  let failures = 0
  let lastId = 0
  let closed = false
  let cancelDial = (): void => {}

  function dial(): void {
    const path = paths[failures % paths.length]
    if (closed || path === undefined) return
    if (!isPrivate(path)) {
      redial()
      return
    }
    const socket = connect(path)
    let opened = false
    socket.on('connect', () => {
      opened = true
      failures = 0
      connection = socket
      socket.write(encodeFrame(options.hello()))
    })
    hearFrames(socket, hear, (error) => log.error('control does not speak as expected; dialling again', { error }))
    // `close` follows, and says all that matters.
    socket.on('error', () => {})
    socket.on('close', () => {
      if (opened) log.warn('control is away; serving on with the last plan')
      if (connection === socket) connection = undefined
      for (const answer of asked.values()) answer(undefined)
      asked.clear()
      redial()
    })
  }

  function redial(): void {
    failures += 1
    if (failures % paths.length === 0) options.onUnreachable()
    const wait = Math.min(LONGEST_WAIT_MS, SHORTEST_WAIT_MS * 2 ** Math.floor(failures / paths.length))
    cancelDial = clock.after(wait, dial)
  }

  function hear(message: ToDataplane): void {
    if (message.kind === 'metrics') {
      asked.get(message.id)?.(message.text)
      asked.delete(message.id)
    } else options.onPublish(message)
  }

  return {
    open: dial,
    connected: () => connection !== undefined,
    send: (message) => void connection?.write(encodeFrame(message)),
    askMetrics() {
      const socket = connection
      if (socket === undefined) return Promise.resolve(undefined)
      const id = ++lastId
      return new Promise((resolve) => {
        asked.set(id, resolve)
        clock.after(METRICS_MS, () => {
          if (asked.delete(id)) resolve(undefined)
        })
        socket.write(encodeFrame({ kind: 'metrics', id } satisfies FromDataplane))
      })
    },
    close() {
      closed = true
      cancelDial()
      connection?.destroy()
    },
  }
}

const SHORTEST_WAIT_MS = 25
const LONGEST_WAIT_MS = 1_000
const METRICS_MS = 1_000
const MAX_FRAME_BYTES = 64 * 1024 * 1024

/** Parses one frame a turn of the loop, so that a plan of thousands of rules never holds up a request. */
function hearFrames(socket: Socket, hear: (message: ToDataplane) => void, onBroken: (error: unknown) => void): void {
  const decoder = createFrameDecoder(MAX_FRAME_BYTES)
  const waiting: Buffer[] = []
  let working = false

  async function work(): Promise<void> {
    working = true
    socket.pause()
    try {
      for (let payload = waiting.shift(); payload !== undefined; payload = waiting.shift()) {
        // Only control can listen there: what it says has the shape of our own types.
        hear(parseFrame(payload) as ToDataplane)
        if (waiting.length > 0) await nextTurn()
      }
      socket.resume()
    } catch (error) {
      onBroken(error)
      socket.destroy()
    }
    working = false
  }

  socket.on('data', (chunk) => {
    try {
      waiting.push(...decoder.push(chunk))
    } catch (error) {
      onBroken(error)
      socket.destroy()
    }
    if (!working && waiting.length > 0) void work()
  })
}
