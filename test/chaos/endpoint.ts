import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One endpoint of the upstreams, which can be killed and started again at its port. */
export type Endpoint = {
  readonly port: number
  /** Ids of the requests that reached it, in order, over all of its lives. */
  seen(): readonly string[]
  start(): Promise<void>
  /** kill -9; resolves once it is gone. */
  kill(): Promise<void>
}

/** Nothing runs until `start`. Whoever started it kills it. */
export function endpointAt(port: number, folder: string): Endpoint {
  const log = join(folder, `upstream-${port}.log`)
  let child: ChildProcess | undefined
  return {
    port,
    seen: () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : []),
    async start() {
      child = spawn(process.execPath, [join(import.meta.dirname, 'upstream.ts'), String(port), log], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      if (child.stdout !== null) await once(child.stdout, 'data')
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}
