import { STATUS_CODES } from 'node:http'
import type { FieldEdits } from './policies/field-edits.ts'
import type { LocalAnswer } from './policies/policy.ts'
import { ALLOWED, httpDate } from './respond-error.ts'
import { addedFields, type Relaying } from './response-fields.ts'

/** The answer to `OPTIONS *`: what the router itself takes. */
export const OPTIONS_ANSWER: LocalAnswer = { status: 204, fields: [['Allow', ALLOWED]], body: '' }

/** An answer of a policy, whole, as the route's policies for answers change it. `framing`: the Connection line or nothing. */
export function writeLocalAnswer(
  { status, fields, body }: LocalAnswer,
  request: Relaying & { readonly method: string },
  now: number,
  framing: string,
): string {
  const edits = request.responseEdits?.(status)
  const start = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${ownFields(fields, edits, now)}`
  const bodiless = status === 204 || status === 304
  const length = bodiless ? '' : `Content-Length: ${body.length}\r\n`
  const head = `${start}${length}${addedFields(request, edits)}${framing}\r\n`
  return bodiless || request.method === 'HEAD' ? head : head + body
}

function ownFields(fields: LocalAnswer['fields'], edits: FieldEdits | undefined, now: number): string {
  let out = ''
  for (const [name, value] of [['Date', httpDate(now)] as const, ...fields]) {
    if (edits?.drops(name) !== true) out += `${name}: ${value}\r\n`
  }
  return edits === undefined ? out : out + edits.lines
}
