import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { untilAnswered } from './ask.ts'
import { type Child, startChild } from './children.ts'

/** What every measured program is in front of: 71 bytes of JSON. */
export const BODY = '{"id":42,"name":"Max","type":"cat","owner":"Jean Coleman","visits":123}'

/** Longer answers, of nothing but x, at paths of one route of the table: a rest. */
export const LARGE = [
  { name: '16 KiB', path: '/area-25/files/16k.json', bytes: 16 * 1024 },
  { name: '1 MiB', path: '/area-25/files/1m.json', bytes: 1024 * 1024 },
] as const

/** A request with this header set to 1 is told, in the three below, what reached the upstream. */
export const ASKS_BACK = 'x-bench-asks-back'
export const SEEN_FORWARDED_FOR = 'x-bench-seen-forwarded-for'
export const SEEN_LENGTH = 'x-bench-seen-length'
export const SEEN_PORT = 'x-bench-seen-port'

/** A request with this header set to 1 is answered with a head like no other. */
export const VARIES = 'x-bench-varies'

export type NginxOptions = { readonly folder: string; readonly signal: AbortSignal; readonly secure?: SecurePort }

/** A second port, with TLS; `pem` holds certificate and key behind one another. */
export type SecurePort = { readonly port: number; readonly cert: string; readonly key: string; readonly pem: string }

/** The upstream: one worker that answers by itself, on every port given. */
export async function startUpstream(ports: readonly number[], options: NginxOptions): Promise<Child> {
  const fileOf = ({ bytes }: { readonly bytes: number }) => join(options.folder, `answer-${bytes}.json`)
  for (const answer of LARGE) await writeFile(fileOf(answer), 'x'.repeat(answer.bytes))
  const http = `
  map $http_${variable(ASKS_BACK)} $seen_forwarded_for { default ''; 1 $http_x_forwarded_for; }
  map $http_${variable(ASKS_BACK)} $seen_port { default ''; 1 $server_port; }
  map $http_${variable(ASKS_BACK)} $seen_length { default ''; 1 $http_content_length; }
  map $http_${variable(VARIES)} $entity_tag { default ''; 1 $request_id; }
  server {
    ${ports.map((port) => `listen 127.0.0.1:${port};`).join(' ')}
    default_type application/json;
    # An empty field is not sent.
    add_header ${SEEN_FORWARDED_FOR} $seen_forwarded_for;
    add_header ${SEEN_PORT} $seen_port;
    add_header ${SEEN_LENGTH} $seen_length;
    add_header etag $entity_tag;
    sendfile on;
    ${LARGE.map((answer) => `location = ${answer.path} { alias ${fileOf(answer)}; }`).join(' ')}
    location / { return 200 '${BODY}'; }
  }`
  return startNginx('upstream', http, ports[0] ?? 0, options)
}

/** nginx as a proxy, as its own documentation sets up keep-alive to an upstream. */
export function startProxy(port: number, upstream: number, options: NginxOptions): Promise<Child> {
  const http = `
  upstream application { server 127.0.0.1:${upstream}; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    ${options.secure === undefined ? '' : secureLines(options.secure)}
    location / {
      proxy_pass http://application;
      proxy_http_version 1.1;
      # A long answer waits for its client in memory: files would cost nginx more.
      proxy_max_temp_file_size 0;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }`
  return startNginx(`proxy-${port}`, http, port, options)
}

function secureLines({ port, cert, key }: SecurePort): string {
  return `listen 127.0.0.1:${port} ssl; ssl_certificate ${cert}; ssl_certificate_key ${key};`
}

/** Starts nginx with these lines in its `http` block; `port` answers HTTP/1.1. The caller disposes of it. */
export async function startNginx(name: string, http: string, port: number, { folder, signal }: NginxOptions) {
  const own = join(folder, `nginx-${name}`)
  await mkdir(own)
  await writeFile(join(own, 'nginx.conf'), configuration(http))
  const child = await startChild('nginx', ['-p', own, '-e', join(own, 'error.log'), '-c', join(own, 'nginx.conf')])
  try {
    await untilAnswered(`http://127.0.0.1:${port}/`, child, { signal })
  } catch (error) {
    await child[Symbol.asyncDispose]()
    throw error
  }
  return child
}

// Connections are never closed for their age: that would measure dialling. Files stay in the folder given by -p.
function configuration(http: string): string {
  return `daemon off;
worker_processes 1;
pid nginx.pid;
error_log error.log;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
${http}
}
`
}

function variable(header: string): string {
  return header.replaceAll('-', '_')
}
