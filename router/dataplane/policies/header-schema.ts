import { z } from 'zod'
import { list, map, Refused, textKind } from '../../config/values.ts'
import { FIELD, type FieldKind, fieldKind } from '../http1/field-kind.ts'
import type { FieldChanges } from './field-edits.ts'

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const VALUE = 'text of printable ASCII characters'

/**
 * Kinds of fields that may be changed. All others frame a message, belong to one connection or are the router's own
 * account of a request; so is every kind that the codec learns, until it is named here.
 */
const OPEN: ReadonlySet<FieldKind> = new Set<FieldKind>([
  FIELD.plain,
  FIELD.cacheControl,
  FIELD.cookie,
  FIELD.link,
  FIELD.location,
  FIELD.refresh,
  FIELD.setCookie,
  FIELD.strictTransport,
  FIELD.validator,
])

/** Why a field cannot be named in a policy; undefined: it can. */
function nameFault(name: string): string | undefined {
  if (!TOKEN.test(name)) return 'is not the name of a header field'
  const kind = fieldKind(name)
  if (OPEN.has(kind)) return undefined
  const instead = kind === FIELD.host ? '; for Host write rewrite: { host: NAME }' : ''
  return `belongs to the router and cannot be changed${instead}`
}

const value = z
  .union([z.string(), z.number(), z.boolean()], { error: VALUE })
  .transform(String)
  .refine((text) => /^(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?$/.test(text), { error: VALUE })

/** Header fields by name. */
export const fieldValues = z.record(z.string(), value, { error: 'a map of names' }).superRefine((written, context) => {
  const seen = new Set<string>()
  for (const name of Object.keys(written)) {
    const twice = seen.has(name.toLowerCase()) ? 'is written twice, in upper and lower case' : undefined
    const wrong = nameFault(name) ?? twice
    if (wrong !== undefined) {
      context.addIssue({ code: 'custom', message: wrong, path: [name], params: { message: wrong, atKey: true } })
    }
    seen.add(name.toLowerCase())
  }
})

const removed = list(
  textKind('the name of a header field', (name) => {
    const wrong = nameFault(name)
    if (wrong !== undefined) throw new Refused({ message: wrong })
    return name
  }),
  'names of header fields',
)

/** `set`, `append` and `remove`, at least one of them. */
export const changesSchema = map({
  set: fieldValues.optional().describe('The field has this value and no other'),
  append: fieldValues.optional().describe('One more field with this value'),
  remove: removed.optional().describe('No field of this name is left'),
})
  .refine((written) => Object.values(written).some((part) => part !== undefined), {
    error: 'a map with at least one of set, append, remove',
  })
  .transform(
    ({ set, append, remove }): FieldChanges => ({
      ...(set === undefined ? {} : { set }),
      ...(append === undefined ? {} : { append }),
      ...(remove === undefined ? {} : { remove }),
    }),
  )
