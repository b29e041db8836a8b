import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { untilAnswered } from './ask.ts'
import { type Child, startChild } from './children.ts'
import { programOf } from './machine.ts'
import type { NginxOptions } from './nginx.ts'

/** Envoy with one worker thread, its HTTP connection manager and router filter, and nothing else. */
export async function startEnvoy(port: number, upstream: number, { folder, signal }: NginxOptions): Promise<Child> {
  const own = join(folder, 'envoy')
  const file = join(own, 'envoy.yaml')
  await mkdir(own)
  await writeFile(file, configuration(port, upstream))
  const args = ['-c', file, '--concurrency', '1', '--disable-hot-restart', '--log-level', 'error']
  const child = await startChild(programOf('envoy'), args)
  try {
    await untilAnswered(`http://127.0.0.1:${port}/`, child, { signal })
  } catch (error) {
    await child[Symbol.asyncDispose]()
    throw error
  }
  return child
}

// With use_remote_address it would name the machine's own address for a client on loopback. Connections to the upstream
// stay open by default.
function configuration(port: number, upstream: number): string {
  return `static_resources:
  listeners:
    - address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: proxy
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config: { '@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
                route_config:
                  virtual_hosts:
                    - name: all
                      domains: ['*']
                      routes: [{ match: { prefix: / }, route: { cluster: application } }]
                      request_headers_to_add:
                        - { header: { key: X-Forwarded-For, value: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%' } }
  clusters:
    - name: application
      type: STATIC
      load_assignment:
        cluster_name: application
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${upstream} } } }
`
}
