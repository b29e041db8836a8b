import { map, Refused, textKind, wholeNumber } from '../../../config/values.ts'
import type { PolicySchema } from '../schemas.ts'
import type { RedirectOptions } from './index.ts'

const STATUSES: readonly number[] = [301, 302, 303, 307, 308]
const EXPECTED_STATUS = `one of ${STATUSES.join(', ')}`

/** Behind a host only what cannot make it longer may follow. */
const PLACE =
  /^(?:https?:\/\/(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?=$|[/?#]|\{path\}|\{query\})|\/(?!\/))/i

const to = textKind(
  'a path such as /new{query}, or an http: or https: URL such as https://clinic.test{path}',
  (text) => {
    if (!PLACE.test(text) || /[^\x21-\x7e]|["<>\\^`|]/.test(text)) throw new Refused()
    const unknown = /[{}]/.exec(text.replaceAll(/\{(?:path|query)\}/g, ''))
    if (unknown !== null) throw new Refused({ detail: 'only {path} and {query} may stand in braces' })
    return text
  },
).meta({ examples: ['/new', 'https://clinic.test{path}{query}'] })

/** `redirect` of a route. */
export const redirectSchema: PolicySchema = {
  kind: 'redirect',
  needs: 'answers',
  schema: map({
    to: to.describe('Where to: a path or a URL; {path} and {query} stand for those of the request'),
    status: wholeNumber(301, 308, EXPECTED_STATUS)
      .refine((status) => STATUSES.includes(status), { error: EXPECTED_STATUS })
      .meta({ type: 'integer', enum: [...STATUSES], anyOf: undefined })
      .optional()
      .describe('Status of the answer')
      .meta({ default: 302 }),
  })
    .transform(({ to: place, status }): RedirectOptions => ({ to: place, status: status ?? 302 }))
    .describe('Send every request elsewhere; the route has no to'),
}
