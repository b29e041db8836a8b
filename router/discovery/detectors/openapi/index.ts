import { moduleFile } from '../../../kernel/modules.ts'
import { findDescription, ownHostsOf, type Place, placeOf } from '../../description.ts'
import type { DetectContext, DetectorKind, Finding } from '../detector.ts'

/** Where `auto` looks, in this order: what frameworks use by default, and two well-known places. */
export const USUAL_PLACES: readonly string[] = [
  '/openapi.json',
  '/openapi.yaml',
  '/v3/api-docs',
  '/v2/api-docs',
  '/swagger.json',
  '/swagger/v1/swagger.json',
  '/swagger/docs/v1',
  '/api-docs',
  '/docs/openapi.json',
  '/.well-known/openapi',
  '/.well-known/api-catalog',
]

/** Swagger 2.0 and OpenAPI 3.x descriptions, JSON or YAML. */
export const openapi: DetectorKind = {
  kind: 'openapi',
  confidence: 'described',
  polls: true,
  applies: ({ discover }) => discover.openapi !== undefined,
  question: ({ discover, endpoints, ownHosts, tls }) => JSON.stringify([discover.openapi, endpoints, ownHosts, tls]),
  detect,
}

async function detect(context: DetectContext): Promise<Finding> {
  const { discover, endpoints } = context.upstream
  const hints = { hosts: ownHostsOf(context.upstream), prefix: endpoints[0]?.path ?? '' }
  const places = placesOf(discover.openapi ?? '')
  const finding = await findDescription(context, {
    places,
    reader: { file: moduleFile(import.meta.url, './worker'), hints },
  })
  if (finding.kind !== 'absent' || places.length === 1) return finding
  const outcome = 'none has a description; set discover.openapi to its path, a URL or file:PATH, or leave it out'
  const verdict = { what: `tried ${places.length} paths`, outcome, at: context.clock.now() }
  return { ...finding, attempts: [...finding.attempts, verdict] }
}

function placesOf(where: string): readonly Place[] {
  return where === 'auto' ? USUAL_PLACES.map((path) => ({ kind: 'path', path })) : [placeOf(where)]
}
