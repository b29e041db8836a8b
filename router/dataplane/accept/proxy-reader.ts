import type { Socket } from 'node:net'
import { Deadline, type Wheel } from '../wheel.ts'
import { readProxyHeader } from './proxy-header.ts'

/** How long the header may take to arrive. */
const HEADER_MS = 5_000

export type ProxyReading = {
  /** The header is whole; `address` is the client's, undefined where the peer speaks for itself. */
  readonly done: (address: string | undefined) => void
  /** There will be none; `reason` in words. */
  readonly failed: (reason: string) => void
}

/**
 * Reads a PROXY header off a connection of which nothing has been read, and puts back what stands behind it. Nothing
 * is taken for a header that came later than the first byte.
 */
export function readProxyHeaderOf(socket: Socket, wheel: Wheel, { done, failed }: ProxyReading): void {
  let held: Buffer = Buffer.alloc(0)
  const deadline = new Deadline(wheel, () => fail(`it did not come within ${HEADER_MS / 1000} s`))
  deadline.set(HEADER_MS)

  function take(bytes: Buffer): void {
    held = held.length === 0 ? bytes : Buffer.concat([held, bytes])
    const header = readProxyHeader(held)
    if (header.kind === 'partial') return
    if (header.kind === 'wrong') {
      fail(header.reason)
      return
    }
    stop()
    socket.pause()
    const rest = held.subarray(header.length)
    if (rest.length > 0) socket.unshift(rest)
    done(header.address)
  }

  function stop(): void {
    deadline.cancel()
    socket.off('data', take)
    socket.off('end', end)
    socket.off('error', error)
  }

  function fail(reason: string): void {
    stop()
    failed(reason)
  }
  const end = (): void => fail('the connection ended before it was whole')
  const error = (): void => fail('the connection broke before it was whole')

  socket.on('data', take)
  socket.on('end', end)
  socket.on('error', error)
  socket.resume()
}
