import type { z } from 'zod'
import type { RouteMatch } from '../../model/spec.ts'
import { maxBodySchema } from './max-body/schema.ts'
import { redirectSchema } from './redirect/schema.ts'
import { requestHeadersSchema } from './request-headers/schema.ts'
import { respondSchema } from './respond/schema.ts'
import { responseHeadersSchema } from './response-headers/schema.ts'
import { rewriteSchema } from './rewrite/schema.ts'

/**
 * What a policy may be written as. Schemas stand beside their policies but belong to `config`, which alone loads them:
 * the data plane loads no schema library.
 */
export type PolicySchema = {
  /** The policy's kind: its key in a route. */
  readonly kind: string
  /** Makes the policy's options, plain JSON. */
  readonly schema: z.ZodType
  /** `answers`: its route needs no upstream. `forwards`: it means nothing where there is none. */
  readonly needs?: 'answers' | 'forwards'
  /** Why these options make no sense for this match, as a sentence without its subject. */
  problem?(options: unknown, match: RouteMatch): string | undefined
}

/** The whole list, one for each of `POLICIES`. Add yours here, alphabetically. */
export const POLICY_SCHEMAS: readonly PolicySchema[] = [
  maxBodySchema,
  redirectSchema,
  requestHeadersSchema,
  respondSchema,
  responseHeadersSchema,
  rewriteSchema,
]
