import type { Observation } from '../../../router/model/catalogue.ts'

/** An observation that answered with operations written as `GET /path`. */
export function observed(
  upstream: string,
  operations: readonly string[],
  part: Partial<Observation> = {},
): Observation {
  return {
    upstream,
    detector: 'openapi',
    state: operations.length > 0 ? 'answered' : 'none',
    operations: operations.map((operation) => {
      const [method = '', template = ''] = operation.split(' ')
      return { method, template }
    }),
    confidence: 'described',
    source: 'GET /openapi.json',
    attempts: [],
    at: 1_000,
    nextAt: undefined,
    ...part,
  }
}
