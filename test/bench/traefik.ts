import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { untilAnswered } from './ask.ts'
import { type Child, startChild } from './children.ts'
import { programOf } from './machine.ts'
import type { NginxOptions } from './nginx.ts'

/** Traefik with its file provider, Go code on one core at a time. It names the client by default. */
export async function startTraefik(port: number, upstream: number, { folder, signal }: NginxOptions): Promise<Child> {
  const own = join(folder, 'traefik')
  const [file, routes] = [join(own, 'traefik.yaml'), join(own, 'routes.yaml')]
  await mkdir(own)
  await writeFile(file, configuration(port, routes))
  await writeFile(routes, dynamicConfiguration(upstream))
  const child = await startChild(programOf('traefik'), [`--configFile=${file}`], { env: { GOMAXPROCS: '1' }, cwd: own })
  try {
    await untilAnswered(`http://127.0.0.1:${port}/`, child, { signal })
  } catch (error) {
    await child[Symbol.asyncDispose]()
    throw error
  }
  return child
}

function configuration(port: number, routes: string): string {
  return `global: { checkNewVersion: false, sendAnonymousUsage: false }
log: { level: ERROR }
entryPoints:
  web: { address: '127.0.0.1:${port}' }
providers:
  file: { filename: ${JSON.stringify(routes)}, watch: false }
`
}

function dynamicConfiguration(upstream: number): string {
  return `http:
  routers:
    all: { rule: 'PathPrefix(\`/\`)', service: application }
  services:
    application:
      loadBalancer:
        servers: [{ url: 'http://127.0.0.1:${upstream}' }]
`
}
