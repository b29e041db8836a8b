import { Worker } from 'node:worker_threads'
import type { Clock } from '../kernel/clock.ts'
import type { JsonObject } from './json.ts'
import type { Reading, ReadingTask } from './reading.ts'

/** The file of a reading worker and what it needs to know besides the document. */
export type Reader = { readonly file: string; readonly hints: JsonObject }

/** Longest time and largest heap that one document may take. */
export const READING_LIMITS = { timeoutMs: 5_000, heapMb: 1024 }

/**
 * Has a document parsed and read in a worker thread, so that a large or hostile one delays nothing else. Takes the
 * bytes over. Never rejects; ends the worker when it is done, late, or `signal` is aborted.
 */
export function readAside(
  bytes: Uint8Array<ArrayBuffer>,
  { file, hints }: Reader,
  { clock, signal, limits = READING_LIMITS }: { clock: Clock; signal: AbortSignal; limits?: typeof READING_LIMITS },
): Promise<Reading> {
  const workerData: ReadingTask = { bytes, hints }
  const worker = new Worker(file, {
    workerData,
    transferList: [bytes.buffer],
    resourceLimits: { maxOldGenerationSizeMb: limits.heapMb },
  })
  return new Promise((resolve) => {
    const cancel = clock.after(limits.timeoutMs, () =>
      finish({ kind: 'unreadable', why: `was not read within ${limits.timeoutMs / 1000} s` }),
    )
    const abort = () => finish({ kind: 'unreadable', why: `was not read: ${whyEnded(signal.reason)}` })
    signal.addEventListener('abort', abort, { once: true })
    worker.once('message', (reading: Reading) => finish(reading))
    worker.once('error', (error: Error) => finish({ kind: 'unreadable', why: `could not be read: ${error.message}` }))
    if (signal.aborted) abort()

    function finish(reading: Reading): void {
      cancel()
      signal.removeEventListener('abort', abort)
      // Resolved before it ended: nothing waits for a thread that may be busy with a hostile document.
      worker.terminate().catch(() => {})
      resolve(reading)
    }
  })
}

function whyEnded(reason: unknown): string {
  return reason instanceof Error && reason.name !== 'AbortError' ? reason.message : 'the router stops'
}
