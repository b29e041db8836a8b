import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { untilAnswered } from '../../bench/ask.ts'
import { startChild } from '../../bench/children.ts'

/** nginx as a proxy, set up as its documentation says, one server for each upstream port. */
export type Nginx = AsyncDisposable & { readonly ports: readonly number[] }

/** Starts it, in a folder of its own that goes with it. */
export async function startNginx(program: string, upstreams: readonly number[]): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'banyan-nginx-'))
  const ports = await freePorts(upstreams.length)
  await writeFile(join(folder, 'nginx.conf'), configuration(ports, upstreams))
  const child = await startChild(program, ['-p', folder, '-e', 'error.log', '-c', 'nginx.conf'])
  const nginx: Nginx = {
    ports,
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
  try {
    await untilAnswered(`http://127.0.0.1:${ports[0]}/`, child, { signal: AbortSignal.timeout(20_000) })
    return nginx
  } catch (error) {
    await nginx[Symbol.asyncDispose]()
    throw error
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => {
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  })
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

function configuration(ports: readonly number[], upstreams: readonly number[]): string {
  const servers = ports.map(
    (port, index) => `
  upstream recorder${index} { server 127.0.0.1:${upstreams[index]}; keepalive 4; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://recorder${index};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }`,
  )
  return `daemon off;
worker_processes 1;
pid nginx.pid;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
${servers.join('')}
}
`
}
