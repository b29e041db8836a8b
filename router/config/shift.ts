import { z } from 'zod'
import type { ShiftSpec } from '../model/spec.ts'
import { LATER_STRATEGIES } from './later.ts'
import { list, map, Refused, share, textKind } from './values.ts'

const strategy = textKind('canary', (text) => {
  if (text === 'canary') return text
  if (!LATER_STRATEGIES.includes(text)) throw new Refused()
  throw new Refused({
    code: 'not-in-this-version',
    message: `strategy ${text} is not in this version`,
    hint: 'use canary',
  })
}).meta({ enum: ['canary'] })

const start = textKind('manual', (text) => {
  if (text === 'manual') return text
  if (text !== 'auto') throw new Refused()
  throw new Refused({
    code: 'not-in-this-version',
    message: 'start: auto is not in this version',
    hint: 'use start: manual and banyan shift start',
  })
}).meta({ enum: ['manual'] })

const steps = list(share, 'percentages').superRefine((written, context) => {
  const index = written.findIndex((step, at) => at > 0 && step <= (written[at - 1] ?? 0))
  if (index < 0) return
  const detail = `${percent(written[index])} comes after ${percent(written[index - 1])}`
  const message = 'weights must rise'
  context.addIssue({ code: 'custom', message, params: { code: 'falling-steps', message, detail } })
})

function percent(share: number | undefined): string {
  return `${Number(((share ?? 0) * 100).toFixed(6))}%`
}

/** `shift` of a route: a strategy, or a block. */
export const shiftSchema = z
  .union(
    [
      strategy,
      map({
        strategy: strategy.optional().describe('How traffic is moved: in steps').meta({ default: 'canary' }),
        start: start.optional().describe('manual: it waits for banyan shift start').meta({ default: 'manual' }),
        steps: steps
          .optional()
          .describe('Shares of users that the candidate serves, one after the other; they rise')
          .meta({ default: ['5%', '25%', '50%'] }),
      }),
    ],
    { error: 'canary, or a map with strategy, start, steps' },
  )
  .optional()
  .describe('Moves the route from `from` to `to`, step by step')

/** The shift of one route with its defaults. */
export function toShift(written: z.output<typeof shiftSchema>): ShiftSpec | undefined {
  if (written === undefined) return undefined
  const steps = typeof written === 'string' ? undefined : written.steps
  return { strategy: 'canary', steps: steps ?? [0.05, 0.25, 0.5] }
}
