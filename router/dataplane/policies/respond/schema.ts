import { z } from 'zod'
import { map, wholeNumber } from '../../../config/values.ts'
import { fieldValues } from '../header-schema.ts'
import type { PolicySchema } from '../schemas.ts'
import type { RespondOptions } from './index.ts'

const BODY = 'text of at most 64 KiB'
const BODILESS: readonly number[] = [204, 205, 304]

/** `respond` of a route. */
export const respondSchema: PolicySchema = {
  kind: 'respond',
  needs: 'answers',
  schema: map({
    status: wholeNumber(200, 599, 'a status from 200 to 599')
      .optional()
      .describe('Status of the answer')
      .meta({ default: 200 }),
    body: z
      .union([z.string(), z.number(), z.boolean()], { error: BODY })
      .transform(String)
      .refine((text) => Buffer.byteLength(text) <= 65_536, { error: BODY })
      .optional()
      .describe('Its body; text/plain where headers does not say otherwise'),
    headers: fieldValues.optional().describe('Its header fields'),
  })
    .superRefine(({ status = 200, body = '' }, context) => {
      if (body === '' || !BODILESS.includes(status)) return
      const message = `an answer with status ${status} has no body`
      context.addIssue({ code: 'custom', message, path: ['body'], params: { message } })
    })
    .transform(
      ({ status, body, headers }): RespondOptions => ({
        status: status ?? 200,
        body: body ?? '',
        headers: headers ?? {},
      }),
    )
    .describe('Answer every request here; the route has no to'),
}
