import type { Delivered } from './expected.ts'
import type { Field, Message } from './grammar.ts'

/** What differs between a request that the upstream got and what it must be; undefined: nothing. */
export function difference(got: Message, wanted: Delivered): string | undefined {
  for (const part of ['method', 'target', 'body'] as const) {
    if (got[part] !== wanted[part]) return `${part} ${quoted(got[part])} instead of ${quoted(wanted[part])}`
  }
  const fields = withoutOurs(got.fields)
  if (typeof fields === 'string') return fields
  if (quoted(fields) !== quoted(wanted.fields)) return `fields ${quoted(fields)} instead of ${quoted(wanted.fields)}`
  const invented = got.trailers.find((trailer) => !wanted.trailers.some((sent) => quoted(sent) === quoted(trailer)))
  return invented === undefined ? undefined : `the trailer ${quoted(invented)}, which nobody sent`
}

const ADDED = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-request-id', 'via']
/** Whether these pass is for other rows; what they may say when they do, the grammar knows. */
const OPEN = ['transfer-encoding', 'trailer', 'upgrade', 'connection']

/** The fields that the client sent: each of those that the router adds must be there, once. */
function withoutOurs(fields: readonly Field[]): readonly Field[] | string {
  let left = fields.filter(([name]) => !OPEN.includes(name.toLowerCase()))
  for (const added of ADDED) {
    const at = left.findLastIndex(([name]) => name.toLowerCase() === added)
    if (at < 0 && added !== 'x-forwarded-host') return `no ${added}`
    if (at >= 0) left = left.toSpliced(at, 1)
  }
  return left
}

function quoted(value: unknown): string {
  return JSON.stringify(value)
}
