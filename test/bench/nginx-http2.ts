import type { Child } from './children.ts'
import { type NginxOptions, startNginx } from './nginx.ts'

/** nginx as a proxy for clients by HTTP/2 at `port`; `plain` is for HTTP/1.1. `grpc`: its upstream speaks gRPC. */
export function startHttp2Proxy(
  ports: { readonly plain: number; readonly port: number; readonly upstream: number; readonly grpc: boolean },
  options: NginxOptions,
): Promise<Child> {
  const { plain, port, upstream, grpc } = ports
  const pass = `
      proxy_pass http://application;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;`
  const call = `
      grpc_pass grpc://application;
      grpc_set_header X-Forwarded-For $proxy_add_x_forwarded_for;`
  const http = `
  upstream application { server 127.0.0.1:${upstream}; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${plain};
    listen 127.0.0.1:${port} http2;
    http2_max_concurrent_streams 128;
    location / { ${grpc ? call : pass}
    }
  }`
  return startNginx(`http2-${port}`, http, plain, options)
}
