import { FETCH_LIMITS } from '../../fetch.ts'
import type { DetectContext } from '../detector.ts'
import { callGrpc, type GrpcAddress, type GrpcCall, GrpcFailure } from './call.ts'
import { decodeAnswer, encodeQuestion, type ReflectionAnswer, type ReflectionQuestion } from './messages.ts'

/** Versions of the reflection service, in the order in which they are asked. */
export const VERSIONS = ['v1', 'v1alpha'] as const
export type Version = (typeof VERSIONS)[number]

/** What reflection says of a server: its services, and the files that declare them, each once. */
export type Reflected = { readonly services: readonly string[]; readonly files: readonly Uint8Array[] }

const MAX_SERVICES = 1_000
// Part of the machinery, of every server or of none.
const INFRASTRUCTURE = /^grpc\.(?:reflection|health|channelz|binarylog)\./

/** Asks one address what it serves. Rejects with a `GrpcFailure`. */
export async function reflect(
  address: GrpcAddress & { readonly prefix: string },
  version: Version,
  context: DetectContext,
): Promise<Reflected> {
  const late = new AbortController()
  const cancel = context.clock.after(FETCH_LIMITS.timeoutMs, () =>
    late.abort(new Error(`no answer within ${FETCH_LIMITS.timeoutMs / 1000} s`)),
  )
  const signal = AbortSignal.any([context.signal, late.signal])
  const method = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`
  const call = callGrpc(address, `${address.prefix}${method}`, signal)
  try {
    return await interview(call)
  } finally {
    cancel()
    call.close()
  }
}

async function interview(call: GrpcCall): Promise<Reflected> {
  const listed = await ask(call, { kind: 'services' })
  if (listed.kind !== 'services') throw new GrpcFailure('refused', `lists no services: ${said(listed)}`)
  const services = listed.names.filter((name) => !INFRASTRUCTURE.test(name)).sort()
  if (services.length > MAX_SERVICES) {
    throw new GrpcFailure('refused', `lists ${services.length} services; at most ${MAX_SERVICES} are taken`)
  }
  // A server that sends a file's dependencies with it sends the common ones for every service.
  const files = new Map<string, Uint8Array>()
  for (const symbol of services) {
    const answer = await ask(call, { kind: 'file', symbol })
    if (answer.kind !== 'files') throw new GrpcFailure('refused', `does not describe ${symbol}: ${said(answer)}`)
    for (const file of answer.files) files.set(Buffer.from(file).toString('latin1'), file)
  }
  return { services, files: [...files.values()] }
}

async function ask(call: GrpcCall, question: ReflectionQuestion): Promise<ReflectionAnswer> {
  call.send(encodeQuestion(question))
  const message = await call.next()
  if (message === undefined) throw new GrpcFailure('refused', 'ends the answer before it said anything')
  try {
    return decodeAnswer(message)
  } catch (error) {
    throw new GrpcFailure('refused', `answers no reflection message: ${error instanceof Error ? error.message : error}`)
  }
}

function said(answer: ReflectionAnswer): string {
  return answer.kind === 'error' ? answer.message : 'an answer to another question'
}
