import { changesSchema } from '../header-schema.ts'
import type { PolicySchema } from '../schemas.ts'

/** `requestHeaders` of a route. */
export const requestHeadersSchema: PolicySchema = {
  kind: 'requestHeaders',
  needs: 'forwards',
  schema: changesSchema.describe('Header fields of requests that are removed, set or appended on their way upstream'),
}
