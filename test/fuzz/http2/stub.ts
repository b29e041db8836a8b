import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'

/** What the codec asks of a socket, and nothing behind it. */
export class StubSocket extends EventEmitter {
  readonly remoteAddress = '127.0.0.1'
  readonly writableLength = 0
  readonly writableNeedDrain = false
  readonly #written: Buffer[] = []

  /** Everything that was written. */
  get written(): Buffer {
    return Buffer.concat(this.#written)
  }

  write(bytes: Buffer): boolean {
    this.#written.push(Buffer.from(bytes))
    return true
  }

  end(): void {}
  pause(): void {}
  resume(): void {}
  destroy(): void {}

  /** Such as it is passed where a real one is asked for. */
  get asSocket(): Socket {
    return this as unknown as Socket
  }
}

/** Has bytes read as they arrive: in one buffer, in which older bytes stand behind the new ones. */
export function deliver(pieces: readonly Buffer[], take: (bytes: Buffer, end: number) => void): void {
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += ARRIVALS.length) take(ARRIVALS, piece.copy(ARRIVALS, 0, at))
  }
}

const ARRIVALS = Buffer.alloc(32 * 1024)
