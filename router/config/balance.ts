import { z } from 'zod'
import type { Balance } from '../model/spec.ts'
import { map, Refused, textKind, word } from './values.ts'

const EXPECTED = 'least-requests, round-robin, random, or { hash: { header: NAME } }'

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

function token(expectation: string) {
  return textKind(expectation, (text) => {
    if (!TOKEN.test(text)) throw new Refused()
    return text
  })
}

const hashSchema = map({
  header: token('the name of a header field').optional().describe('Requests with the same value of this header field'),
  cookie: token('the name of a cookie').optional().describe('Requests with the same value of this cookie'),
  ip: z
    .literal(true, { error: 'true' })
    .optional()
    .describe("Requests from the same address: the client's, as trusted proxies tell it"),
}).refine((written) => Object.values(written).filter((value) => value !== undefined).length === 1, {
  error: 'a map with one of header, cookie, ip',
})

/** `balance` of an upstream. */
export const balanceSchema = z
  .union(
    [
      word(['least-requests', 'round-robin', 'random'], EXPECTED),
      map({ hash: hashSchema.describe('Requests that agree in this go to the same endpoint') }),
    ],
    {
      error: EXPECTED,
    },
  )
  .optional()
  .describe('How requests are spread over its addresses')
  .meta({ default: 'least-requests', examples: ['round-robin'] })

/** What was written, decoded. */
export function toBalance(written: NonNullable<z.output<typeof balanceSchema>>): Balance {
  if (typeof written === 'string') return { kind: written }
  const { header, cookie } = written.hash
  if (header !== undefined) return { kind: 'hash', by: { kind: 'header', name: header.toLowerCase() } }
  if (cookie !== undefined) return { kind: 'hash', by: { kind: 'cookie', name: cookie } }
  return { kind: 'hash', by: { kind: 'ip' } }
}
