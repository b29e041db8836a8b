import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'

export type RunningRedis = {
  readonly url: string
  readonly port: number
  /** Ends the server and whatever it held; again does nothing. */
  stop(): Promise<void>
}

/** Starts a real Redis that keeps nothing on disk, on one address of this machine. The caller stops it. */
export async function startRedis(program: string, port?: number, host = '127.0.0.1'): Promise<RunningRedis> {
  const chosen = port ?? (await freePort(host))
  const settings = [
    '--port',
    String(chosen),
    '--bind',
    host,
    // Without a password Redis would answer loopback addresses only.
    '--protected-mode',
    'no',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    tmpdir(),
  ]
  const child = spawn(program, settings, { stdio: ['ignore', 'pipe', 'inherit'] })
  await untilReady(child)
  return {
    url: `redis://${host}:${chosen}`,
    port: chosen,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** A port that was free a moment ago. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  return address.port
}

async function untilReady(child: ChildProcess): Promise<void> {
  let output = ''
  for await (const chunk of child.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
    output += String(chunk)
    if (output.includes('Ready to accept connections')) {
      child.stdout?.resume()
      return
    }
  }
  throw new Error(`redis-server ended before it was ready: ${output}`)
}
