import type { z } from 'zod'
import type { HealthSpec } from '../model/spec.ts'
import { duration, map, Refused, textKind, wholeNumber } from './values.ts'

/** `health` of an upstream. */
export const healthSchema = map({
  path: textKind('a path such as /manage/health', (text) => {
    // As a request line may hold it: anything else is written with %XX.
    if (!/^\/[\x21\x22\x24-\x7E]*$/.test(text)) throw new Refused()
    return text
  }).describe('What is asked with GET; an answer from 200 to 399 is well'),
  interval: duration.optional().describe('Between two checks of one address').meta({ default: '5s' }),
  timeout: duration.optional().describe('How long an answer may take').meta({ default: '2s' }),
  healthyAfter: wholeNumber(1, 100, 'a number from 1 to 100')
    .optional()
    .describe('Good answers in a row after which an address is asked again')
    .meta({ default: 2 }),
  unhealthyAfter: wholeNumber(1, 100, 'a number from 1 to 100')
    .optional()
    .describe('Failed checks in a row after which an address is left alone')
    .meta({ default: 3 }),
})
  .optional()
  .describe('Asks every address regularly whether it is well; default: not asked')

/** What was written with its defaults. */
export function toHealth(written: NonNullable<z.output<typeof healthSchema>>): HealthSpec {
  return {
    path: written.path,
    intervalMs: written.interval ?? 5_000,
    timeoutMs: written.timeout ?? 2_000,
    healthyAfter: written.healthyAfter ?? 2,
    unhealthyAfter: written.unhealthyAfter ?? 3,
  }
}
