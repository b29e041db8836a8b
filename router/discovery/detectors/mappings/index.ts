import { moduleFile } from '../../../kernel/modules.ts'
import { findDescription } from '../../description.ts'
import type { DetectorKind } from '../detector.ts'

/** Spring Boot Actuator's `mappings`: the route table that most Java monoliths already publish. */
export const mappings: DetectorKind = {
  kind: 'mappings',
  confidence: 'described',
  polls: true,
  applies: ({ discover }) => discover.mappings !== undefined,
  question: ({ discover, endpoints, tls }) => JSON.stringify([discover.mappings, endpoints, tls]),
  detect: (context) => {
    const path = context.upstream.discover.mappings ?? ''
    const places = [{ kind: 'path', path } as const]
    return findDescription(context, {
      places,
      reader: { file: moduleFile(import.meta.url, './worker'), hints: { path } },
    })
  },
}
