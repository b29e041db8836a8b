import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../../estate.ts'
import { pathOf, startRouter } from '../banyan.ts'
import { callOnce, MESSAGE, startCallee } from '../call.ts'
import { driveStreams } from '../h2load.ts'
import { hasProgram } from '../machine.ts'
import { startHttp2Proxy } from '../nginx-http2.ts'
import { comparison } from '../report.ts'
import { measure, type Subject } from '../rounds.ts'
import type { Row } from '../row.ts'

const ROUTE = 102

/** A unary gRPC call, beside nginx's `grpc_pass`. */
export const grpc: Row = {
  name: 'grpc',
  summary: "a unary gRPC call beside nginx's grpc_pass",
  async run(bench) {
    if (!hasProgram('h2load')) return 'h2load is not installed here, so nothing was measured.'
    await using ended = new AsyncDisposableStack()
    const [plain = 0, port = 0] = await freePorts(2)
    const { port: callee } = ended.use(await startCallee(bench.signal))
    const message = join(bench.folder, 'message')
    await writeFile(message, Buffer.concat([Buffer.from([0, 0, 0, 0, 5]), Buffer.from('world')]))
    const subject = (name: string, pid: number, origin: string): Subject => {
      const url = origin + pathOf(ROUTE)
      return {
        name,
        pid,
        url,
        driver: {
          drive: (seconds, signal) => driveStreams({ url, seconds, message, signal }),
          verify: (signal) => verifyCall(name, url, signal),
        },
      }
    }
    const proxy = ended.use(await startHttp2Proxy({ plain, port, upstream: callee, grpc: true }, bench))
    const routes = { count: 200, upstreams: [callee, callee] as const, posted: ROUTE, h2c: true }
    const router = ended.use(await startRouter({ ...bench, routes, name: 'grpc' }))
    const { dataplane } = await router.roles()
    const subjects = [
      subject('nginx', proxy.pid, `http://127.0.0.1:${port}`),
      { ...subject('Banyan', router.pid, router.url), dataplane },
    ]
    return comparison(await measure(subjects, bench), ['nginx'])
  },
}

async function verifyCall(name: string, url: string, signal: AbortSignal): Promise<void> {
  const { status, body, grpcStatus } = await callOnce(url, signal)
  if (status === 200 && body === MESSAGE && grpcStatus === '0') return
  const got = `${status} ${JSON.stringify(body)}, grpc-status ${grpcStatus ?? 'nothing'}`
  throw new Error(`${name} does not do what is measured: ${url} answered ${got}; expected 200 "${MESSAGE}", 0`)
}
