import { z } from 'zod'
import type { HealthSpec } from '../model/spec.ts'
import type { Path, Reading } from './reading.ts'
import { duration, flag, map, Refused, someText, textKind, wholeNumber } from './values.ts'

/** `health` of an upstream. */
export const healthSchema = map({
  path: textKind('a path such as /manage/health', (text) => {
    // As a request line may hold it: anything else is written with %XX.
    if (!/^\/[\x21\x22\x24-\x7E]*$/.test(text)) throw new Refused()
    return text
  })
    .optional()
    .describe('What is asked with GET; an answer from 200 to 399 is well'),
  grpc: z
    .union(
      [
        flag,
        map({
          service: someText('the name of a gRPC service such as shop.Vets').describe('Its name, with its package'),
        }),
      ],
      {
        error: 'true, or { service: NAME }',
      },
    )
    .optional()
    .describe('Asks grpc.health.v1 instead of a path: how the whole server is (true), or one service of it'),
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

type Written = NonNullable<z.output<typeof healthSchema>>

/** What was written at `path`, with its defaults. */
export function toHealth(reading: Reading, written: Written, path: Path): HealthSpec {
  const grpc = written.grpc === false ? undefined : written.grpc
  if (grpc !== undefined && written.path !== undefined) {
    const message = 'path and grpc exclude each other'
    reading.report({ code: 'two-checks', path: [...path, 'grpc'], message })
  } else if (grpc === undefined && written.path === undefined) {
    const hint = 'write path: /health, or grpc: true'
    reading.report({
      code: 'missing-key',
      path: [...path, 'path'],
      message: 'is missing; a check asks something',
      hint,
    })
  }
  return {
    path: grpc === undefined ? (written.path ?? '/') : GRPC_CHECK,
    ...(grpc !== undefined && { grpc: { service: grpc === true ? '' : grpc.service } }),
    intervalMs: written.interval ?? 5_000,
    timeoutMs: written.timeout ?? 2_000,
    healthyAfter: written.healthyAfter ?? 2,
    unhealthyAfter: written.unhealthyAfter ?? 3,
  }
}

/** The call that a check by gRPC is. */
const GRPC_CHECK = '/grpc.health.v1.Health/Check'
