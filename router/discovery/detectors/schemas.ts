import type { z } from 'zod'
import { grpcSchema } from './grpc/schema.ts'
import { mappingsSchema } from './mappings/schema.ts'
import { openapiSchema } from './openapi/schema.ts'
import { wsdlSchema } from './wsdl/schema.ts'

/**
 * What `discover` may ask of a detector. Schemas stand beside their detectors but belong to `config`, which alone
 * loads them.
 */
export type DetectorSchema = {
  /** The detector's kind: its key in `discover`. */
  readonly kind: string
  /** Makes text, or a flag; `off` and `false` do not ask. `file:PATH` is made absolute. */
  readonly schema: z.ZodType<string | boolean | undefined>
}

/** The whole list, one for each of `DETECTORS` that is asked for. Add yours here, alphabetically. */
export const DETECTOR_SCHEMAS: readonly DetectorSchema[] = [grpcSchema, mappingsSchema, openapiSchema, wsdlSchema]
