import type { Server } from 'node:net'

/** Whether connections are taken from a listening socket's queue; shut, they wait there for whoever shares it. */
export type Gate = { open(): void; shut(): void }

/** The gate of a server that listens on an inherited descriptor. Undefined: this runtime gives it none. */
export function gateOf(server: Server): Gate | undefined {
  // Node has no public name for this: what starts and stops the reading of a socket does so with accepting too.
  const { _handle: handle } = server as unknown as { _handle?: Partial<Reading> | null }
  if (handle?.readStart?.() !== 0 || handle.readStop === undefined) return undefined
  const { readStart, readStop } = handle
  return {
    open() {
      if (server.listening) readStart.call(handle)
    },
    shut() {
      if (server.listening) readStop.call(handle)
    },
  }
}

type Reading = { readStart(): number; readStop(): number }
