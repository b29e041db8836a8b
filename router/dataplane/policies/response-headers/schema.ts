import { changesSchema } from '../header-schema.ts'
import type { PolicySchema } from '../schemas.ts'

/** `responseHeaders` of a route. */
export const responseHeadersSchema: PolicySchema = {
  kind: 'responseHeaders',
  schema: changesSchema.describe('Header fields of answers that are removed, set or appended'),
}
