import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { untilAnswered } from './ask.ts'
import { type Child, startChild } from './children.ts'
import { programOf } from './machine.ts'
import type { NginxOptions, SecurePort } from './nginx.ts'

/** HAProxy on one thread that keeps its connections, names the client and writes no log. */
export async function startHaproxy(port: number, upstream: number, options: NginxOptions): Promise<Child> {
  const { folder, signal, secure } = options
  const own = join(folder, 'haproxy')
  const file = join(own, 'haproxy.cfg')
  await mkdir(own)
  await writeFile(file, configuration(port, upstream, secure))
  // -db: in the foreground.
  const child = await startChild(programOf('haproxy'), ['-db', '-f', file])
  try {
    await untilAnswered(`http://127.0.0.1:${port}/`, child, { signal })
  } catch (error) {
    await child[Symbol.asyncDispose]()
    throw error
  }
  return child
}

function configuration(port: number, upstream: number, secure: SecurePort | undefined): string {
  return `global
  nbthread 1
  maxconn 1024
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen proxy
  bind 127.0.0.1:${port}
${secure === undefined ? '' : `  bind 127.0.0.1:${secure.port} ssl crt ${secure.pem}\n`}  http-reuse always
  option forwardfor
  server application 127.0.0.1:${upstream}
`
}
