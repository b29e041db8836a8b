import { Worker } from 'node:worker_threads'
import { moduleFile } from '../kernel/modules.ts'
import type { Bound } from '../model/link.ts'
import type { Address } from '../model/spec.ts'
import type { ThreadOrder, ThreadReport } from './listen-thread.ts'

/** A bound, listening socket that this process never accepts from. */
export type Listener = {
  readonly bound: Bound
  /** What children inherit. */
  readonly fd: number
  /** Gives up this process's copy; children that inherited it keep theirs. */
  close(): void
}

/** Why an address could not be listened on, in a sentence with the remedy. */
export class ListenError extends Error {}

/** Binds `address` once. `key` is where it was configured, for the message: `listen[0]`, `status`. */
export function openListener(address: Address, key: string): Promise<Listener> {
  const gate = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const order: ThreadOrder = { address, gate }
  const thread = new Worker(moduleFile(import.meta.url, './listen-thread'), { workerData: order })
  return new Promise((resolve, reject) => {
    // A thread that cannot run at all is no reason for the supervisor to end.
    thread.on('error', (error: Error) => reject(new ListenError(explain(address, key, error.message))))
    thread.on('message', (report: ThreadReport) => {
      if (report.kind === 'failed') return reject(new ListenError(explain(address, key, report.code)))
      resolve({
        bound: { host: report.host, port: report.port },
        fd: report.fd,
        close() {
          Atomics.store(gate, 0, 1)
          Atomics.notify(gate, 0)
        },
      })
    })
  })
}

function explain({ host, port }: Address, key: string, code: string): string {
  const where = host === undefined ? 'all addresses' : host
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} is in use on ${where}; free it or change ${key}.port`
    case 'EACCES':
      return `port ${port} needs a privilege that this process lacks; change ${key}.port to one above 1023`
    case 'EADDRNOTAVAIL':
      return `${where} is no address of this machine; change ${key}.host`
    default:
      return `listening on port ${port} of ${where} failed with ${code}; change ${key}`
  }
}
