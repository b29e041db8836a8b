import { z } from 'zod'
import type { PolicySchema } from '../schemas.ts'

const SIZE = /^(\d{1,12})(B|KB|MB|GB|KiB|MiB|GiB)?$/
const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}
const EXPECTED = 'a size such as 1MiB, 500KB or 4096 (bytes)'

/** `maxBody` of a route. */
export const maxBodySchema: PolicySchema = {
  kind: 'maxBody',
  schema: z
    .union([z.number(), z.string()], { error: EXPECTED })
    .transform((written, context) => {
      const [, digits, unit = 'B'] = SIZE.exec(String(written)) ?? []
      const bytes = Number(digits) * (UNITS[unit] ?? Number.NaN)
      if (Number.isSafeInteger(bytes)) return { bytes }
      context.addIssue({ code: 'custom', message: EXPECTED })
      return z.NEVER
    })
    .meta({ examples: ['1MiB', '500KB'] })
    .describe('Longest body that is taken; longer ones are answered with 413'),
}
