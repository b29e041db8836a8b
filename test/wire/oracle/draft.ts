import type { Random } from '../../random.ts'

/** A request in parts that a mutation can get hold of. */
export type Draft = {
  method: string
  target: string
  version: string
  /** Without line ends. */
  fields: string[]
  body: string
}

/** The draft as bytes. */
export function written({ method, target, version, fields, body }: Draft): string {
  return `${[`${method} ${target} ${version}`, ...fields].join('\r\n')}\r\n\r\n${body}`
}

/** A request as clients send it every day. */
export function plainDraft(random: Random): Draft {
  const draft: Draft = {
    method: random.pick(['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH']),
    target: random.pick(['/', '/owners/12', '/vets.html?sort=name', '/a/b;c=d/e', '/a//b/']),
    version: 'HTTP/1.1',
    fields: ['Host: shop.test'],
    body: '',
  }
  for (let left = random.below(4); left > 0; left--) draft.fields.push(random.pick(USUAL_FIELDS))
  if (draft.method !== 'GET' && random.chance(0.7)) random.pick([withLength, withChunks])(draft, random)
  return draft
}

const USUAL_FIELDS = [
  'Accept: */*',
  'User-Agent: test/1.0 (a; b)',
  'Cookie: a=1; b="2"',
  'X-Trace: 1',
  'Authorization: Basic eDp5',
  'If-None-Match: "x"',
  'Content-Type: text/plain; charset=utf-8',
] as const

/** Gives it a body of stated length. */
export function withLength(draft: Draft, random: Random): void {
  draft.body = text(random)
  draft.fields.push(`Content-Length: ${draft.body.length}`)
}

/** Gives it a body in chunks. */
export function withChunks(draft: Draft, random: Random): void {
  draft.fields.push('Transfer-Encoding: chunked')
  const chunks = Array.from({ length: random.below(4) }, () => text(random) || 'x')
  draft.body = `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`
}

/** A body; some look like what frames one. */
export function text(random: Random): string {
  const body = random.pick([
    '',
    'hello',
    '0\r\n\r\n',
    'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n',
    '\0\xff\r\n',
    'long',
  ])
  return body === 'long' ? 'x'.repeat(random.below(3000)) : body
}
