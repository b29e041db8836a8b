import { z } from 'zod'
import type { Timeouts } from '../model/spec.ts'
import { duration, map } from './values.ts'

/** `timeout` of an upstream or a route. */
export const timeoutSchema = z
  .union(
    [
      duration,
      map({
        connect: duration.optional().describe('Until the connection stands'),
        firstByte: duration.optional().describe('From the request sent until the first byte of the answer'),
        idle: duration.optional().describe('Between two pieces of a body, either way'),
        total: duration.optional().describe('From the request received until the answer ended; default: none'),
      }),
    ],
    { error: 'a duration such as 5s, or a map with connect, firstByte, idle, total' },
  )
  .optional()
  .describe('How long the upstream may take; a duration alone is the total')

/** A legacy application may take long over a report, so the first byte has a minute. */
export const DEFAULT_TIMEOUTS: Timeouts = { connect: 2_000, firstByte: 60_000, idle: 60_000, total: undefined }

/** Only what was written, in milliseconds. */
export function decodeTimeouts(written: z.output<typeof timeoutSchema>): Partial<Timeouts> {
  if (written === undefined) return {}
  if (typeof written === 'number') return { total: written }
  const timeouts: { -readonly [K in keyof Timeouts]?: Timeouts[K] } = {}
  if (written.connect !== undefined) timeouts.connect = written.connect
  if (written.firstByte !== undefined) timeouts.firstByte = written.firstByte
  if (written.idle !== undefined) timeouts.idle = written.idle
  if (written.total !== undefined) timeouts.total = written.total
  return timeouts
}
