import { Refused, textKind } from '../../../config/values.ts'
import type { DetectorSchema } from '../schemas.ts'

/** `discover.mappings`. */
export const mappingsSchema: DetectorSchema = {
  kind: 'mappings',
  schema: textKind('a path such as /manage/mappings', (text) => {
    if (!/^\/\S*$/.test(text)) throw new Refused()
    return text
  })
    .optional()
    .describe("Path of a Spring application's mappings on the upstream"),
}
