import { type ClientHttp2Session, connect } from 'node:http2'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts, ROOT } from '../estate.ts'
import { type Child, startChild } from './children.ts'

/** What the server of `callee.ts` answers to every call. */
export const MESSAGE = 'hello'

/** Starts it, and waits until it answers. The caller disposes of it. */
export async function startCallee(signal: AbortSignal): Promise<Child & { readonly port: number }> {
  const [port = 0] = await freePorts(1)
  const child = await startChild(process.execPath, [join(ROOT, 'test/bench/callee.ts'), String(port)])
  for (let turn = 0; turn < 100; turn++) {
    const called = await callOnce(`http://127.0.0.1:${port}/`, signal).catch(() => undefined)
    if (called?.grpcStatus === '0') return Object.assign(child, { port })
    await sleep(50, undefined, { signal })
  }
  await child[Symbol.asyncDispose]()
  throw new Error(`the callee on port ${port} never answered`)
}

/** What a call was answered. */
export type Called = { readonly status: number; readonly body: string; readonly grpcStatus: string | undefined }

/** Calls once, by HTTP/2 on a connection of its own. */
export async function callOnce(url: string, signal: AbortSignal): Promise<Called> {
  const session = connect(new URL(url).origin)
  // The call hears of it too; without anybody to hear it here, it would end the process.
  session.on('error', () => {})
  try {
    return await call(session, new URL(url).pathname, signal)
  } finally {
    session.destroy()
  }
}

/** Calls on a connection that stands. */
export function call(session: ClientHttp2Session, path: string, signal: AbortSignal): Promise<Called> {
  return new Promise((resolve, reject) => {
    const fields = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' }
    const stream = session.request(fields, { signal })
    const called = { status: 0, body: '', grpcStatus: undefined as string | undefined }
    stream.setEncoding('latin1')
    stream.on('response', ({ ':status': status = 0, 'grpc-status': early }) => {
      called.status = status
      called.grpcStatus = early as string | undefined
    })
    stream.on('trailers', (trailers) => {
      called.grpcStatus = trailers['grpc-status'] as string | undefined
    })
    stream.on('data', (text: string) => {
      called.body += text
    })
    stream.on('error', reject)
    stream.on('close', () => resolve(called))
    stream.end(Buffer.from([0, 0, 0, 0, 0]))
  })
}
