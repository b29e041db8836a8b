import { createHash } from 'node:crypto'
import { moduleFile } from '../../../kernel/modules.ts'
import { UnusableCredentials } from '../../../kernel/tls/credentials.ts'
import { secureOptions } from '../../../kernel/tls/identity.ts'
import type { Attempt } from '../../../model/catalogue.ts'
import { readAside } from '../../aside.ts'
import { endpointsToAsk } from '../../round.ts'
import { plural } from '../../words.ts'
import type { DetectContext, DetectorKind, Finding } from '../detector.ts'
import type { Reflected, Version } from './reflection.ts'

/** Services and methods of a gRPC server, as its own reflection tells them. */
export const grpc: DetectorKind = {
  kind: 'grpc',
  confidence: 'described',
  polls: true,
  applies: ({ discover }) => discover.grpc !== undefined,
  question: ({ endpoints, tls }) => JSON.stringify([endpoints, tls]),
  detect,
}

const HINT =
  'it has no server reflection; register it (grpc.reflection.v1), or say what it implements: discover.openapi, or an operations label'

async function detect(context: DetectContext): Promise<Finding> {
  const attempts: Attempt[] = []
  const note = (what: string, outcome: string) => attempts.push({ what, outcome, at: context.clock.now() })
  // Loaded only where gRPC is spoken: most routers have none of it.
  const { VERSIONS } = await import('./reflection.ts')
  const known = VERSIONS.filter((version) => nameOf(version) === context.memory?.what)
  for (const version of [...known, ...VERSIONS.filter((other) => !known.includes(other))]) {
    const asked = await askEndpoints(version, context)
    if (asked.kind === 'reflected') return read(version, asked.reflected, { context, attempts })
    note(nameOf(version), asked.outcome)
    if (asked.kind !== 'absent') return { kind: asked.kind, attempts }
  }
  note('tried both versions', HINT)
  return { kind: 'absent', attempts }
}

function nameOf(version: Version): string {
  return `gRPC reflection ${version}`
}

type Asked =
  | { readonly kind: 'reflected'; readonly reflected: Reflected }
  | { readonly kind: 'absent' | 'failed' | 'unreachable'; readonly outcome: string }

const UNIMPLEMENTED = 12
const UNAVAILABLE = 14

/** Asks some endpoints in turn until one answers. */
async function askEndpoints(version: Version, context: DetectContext): Promise<Asked> {
  const [{ reflect }, { GrpcFailure }] = await Promise.all([import('./reflection.ts'), import('./call.ts')])
  let last: Asked = { kind: 'unreachable', outcome: 'no endpoint is known' }
  const { tls } = context.upstream
  for (const endpoint of endpointsToAsk(context)) {
    const { host, port, path, authority } = endpoint
    try {
      const name = authority?.replace(/:\d*$/, '')
      const secure = tls && (await secureOptions(host, name === undefined ? tls : { serverName: name, ...tls }))
      const address = { host, port, prefix: path, ...(secure && { secure }) }
      return { kind: 'reflected', reflected: await reflect(address, version, context) }
    } catch (error) {
      if (error instanceof UnusableCredentials) return { kind: 'failed', outcome: error.message }
      if (!(error instanceof GrpcFailure)) throw error
      const outcome = `${error.message} (${host}:${port})`
      if (error.status === UNIMPLEMENTED) return { kind: 'absent', outcome }
      const early = error.kind === 'unreachable' || error.status === UNAVAILABLE
      last = { kind: early ? 'unreachable' : 'failed', outcome }
      if (!early) return last
      context.silent?.add(endpoint)
    }
  }
  return last
}

async function read(
  version: Version,
  { services, files }: Reflected,
  { context, attempts }: { context: DetectContext; attempts: Attempt[] },
): Promise<Finding> {
  const what = nameOf(version)
  const note = (outcome: string) => attempts.push({ what, outcome, at: context.clock.now() })
  const bytes = joined(files)
  const digest = createHash('sha256').update(JSON.stringify(services)).update(bytes).digest('hex')
  if (digest === context.memory?.digest) {
    note(`${plural(services.length, 'service', 'services')}, unchanged`)
    return { kind: 'unchanged', attempts }
  }
  const file = moduleFile(import.meta.url, './worker')
  const reading = await readAside(bytes, { file, hints: { services } }, context)
  if (reading.kind !== 'read') {
    note(reading.kind === 'unreadable' ? `the answer ${reading.why}` : 'the answer is no description')
    return { kind: 'failed', attempts }
  }
  const { operations, skipped } = reading
  const leftOut = skipped === 0 ? '' : `; ${plural(skipped, 'HTTP annotation', 'HTTP annotations')} not understood`
  note(
    `${plural(services.length, 'service', 'services')}, ${plural(operations.length, 'operation', 'operations')}${leftOut}`,
  )
  const memory = { what, etag: undefined, modified: undefined, digest }
  return { kind: 'read', operations, source: what, memory, attempts }
}

/** All files as one text of bytes: each behind its length. */
function joined(files: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(files.reduce((size, file) => size + 4 + file.length, 0))
  const view = new DataView(all.buffer)
  let at = 0
  for (const file of files) {
    view.setUint32(at, file.length)
    all.set(file, at + 4)
    at += 4 + file.length
  }
  return all
}
