import type { UpstreamSpec } from '../model/spec.ts'
import type { Path, Reading } from './reading.ts'
import { oneOf } from './values.ts'

/** `protocol` of an upstream. */
export const protocolSchema = oneOf(['http1', 'h2c', 'h2'])
  .optional()
  .describe('What it is spoken to in: HTTP/1.1, HTTP/2 in plain (h2c, by prior knowledge), or HTTP/2 with TLS (h2)')
  .meta({ default: 'http1' })

/** What was written, where it fits the upstream's addresses; undefined: HTTP/1.1. */
export function decodeProtocol(
  reading: Reading,
  written: 'http1' | 'h2c' | 'h2' | undefined,
  secure: boolean,
  path: Path,
): UpstreamSpec['protocol'] {
  if (written === undefined || written === 'http1') return undefined
  if (secure !== (written === 'h2')) {
    const message = secure
      ? 'is HTTP/2 in plain, and this upstream has TLS'
      : 'is HTTP/2 with TLS, and this upstream has none'
    const hint = secure ? 'write protocol: h2' : 'write https: in its address, or protocol: h2c'
    reading.report({ code: 'wrong-protocol', path: [...path, 'protocol'], message, hint })
  }
  return written
}
