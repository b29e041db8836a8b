import { z } from 'zod'
import type { OutlierSpec } from '../model/spec.ts'
import { duration, flag, map, share, wholeNumber, word } from './values.ts'

const EXPECTED = 'off, or a map with consecutive, baseEjection, maxEjected, gatewayErrors'

/** `outlier` of an upstream. */
export const outlierSchema = z
  .union(
    [
      word(['off'], EXPECTED),
      map({
        consecutive: wholeNumber(1, 1_000, 'a number from 1 to 1000')
          .optional()
          .describe('Failures in a row after which an address is left alone')
          .meta({ default: 5 }),
        baseEjection: duration
          .optional()
          .describe('For how long, the first time; each time soon after is twice as long, up to 5m')
          .meta({ default: '10s' }),
        maxEjected: share
          .optional()
          .describe('Most of the addresses that are left alone at once')
          .meta({ default: '50%' }),
        gatewayErrors: flag
          .optional()
          .describe('Whether answers 502, 503 and 504 count as failures')
          .meta({ default: false }),
      }),
    ],
    { error: EXPECTED },
  )
  .optional()
  .describe('When an address that fails is left alone for a while')

/** What was written with its defaults; false: off. */
export function toOutlier(written: NonNullable<z.output<typeof outlierSchema>>): OutlierSpec | false {
  if (written === 'off') return false
  return {
    consecutive: written.consecutive ?? 5,
    baseEjectionMs: written.baseEjection ?? 10_000,
    maxEjected: written.maxEjected ?? 0.5,
    gatewayErrors: written.gatewayErrors ?? false,
  }
}
