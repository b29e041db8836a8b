import { isIP } from 'node:net'
import { RE2JS, RE2JSException } from 're2js'
import { z } from 'zod'
import { parseTemplate } from '../kernel/template.ts'
import type { FieldMatch, RouteMatch } from '../model/spec.ts'
import { flag, list, map, Refused, textKind } from './values.ts'

/** What a route matches: host, path, methods, header fields, query parameters. */

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const HOST_NAME = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.?$/

const host = textKind('a host name such as api.clinic.test, or *.clinic.test, without a port', (text) => {
  const lower = text.toLowerCase()
  const address = /^\[(.*)\]$/.exec(lower)?.[1]
  if (address !== undefined ? isIP(address) !== 6 : !HOST_NAME.test(lower)) throw new Refused()
  return lower.replace(/\.$/, '')
}).meta({ examples: ['api.clinic.test', '*.clinic.test'] })

const template = textKind('a path such as /owners/{ownerId} or /owners/**', (text) => {
  const parsed = parseTemplate(text)
  if ('error' in parsed) throw new Refused({ detail: parsed.error })
  return text
}).meta({ pattern: '^/', examples: ['/vets.html', '/owners/{ownerId}', '/owners/**'] })

const regex = textKind('a regular expression in RE2 syntax', (text) => {
  try {
    RE2JS.compile(text)
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    throw new Refused({ detail: error.message.replace(/^error parsing regexp: /, '') })
  }
  return text
})

const method = textKind('a method such as GET', (text) => {
  if (!TOKEN.test(text)) throw new Refused()
  return text.toUpperCase()
}).meta({ examples: ['GET', 'POST'] })

const FIELD = 'a value, { regex: … } or { present: true }'

const fieldMatch = z.union(
  [
    // Numbers and words print as they were written, so nothing is lost by taking them as text.
    z.string(),
    z.number(),
    z.boolean(),
    map({
      regex: regex.optional().describe('A regular expression (RE2) that matches the whole value'),
      present: flag.optional().describe('true: it must be there; false: it must not'),
    })
      .superRefine((written, context) => {
        const wrong = context.issues.length === 0 && Object.values(written).length !== 1
        if (wrong) context.addIssue({ code: 'custom', message: FIELD })
      })
      .meta({ minProperties: 1, maxProperties: 1 }),
  ],
  { error: FIELD },
)

const fields = z.record(z.string(), fieldMatch, { error: 'a map of names' })

/** Field names are compared without case, so two that differ in case only are one. */
const headerFields = fields.superRefine((written, context) => {
  const seen = new Set<string>()
  for (const name of Object.keys(written)) {
    const wrong = !TOKEN.test(name) ? 'is not the name of a header field' : 'is written twice, in upper and lower case'
    if (!TOKEN.test(name) || seen.has(name.toLowerCase())) {
      context.addIssue({ code: 'custom', message: wrong, path: [name], params: { message: wrong, atKey: true } })
    }
    seen.add(name.toLowerCase())
  }
})

const methods = list(method, 'methods').superRefine((written, context) => {
  for (const [index, name] of written.entries()) {
    if (written.indexOf(name) === index) continue
    const message = 'the method is listed twice'
    context.addIssue({ code: 'custom', message, path: [index], params: { message } })
  }
})

/** The keys of a route that make its match. */
export const matchKeys = {
  host: host.optional().describe('Host of the request, exact or *.suffix; default: any'),
  path: template
    .optional()
    .describe('Path template: literals, {name}, *, partial segments such as /vets.{format}, and /** at the end'),
  pathRegex: regex.optional().describe('Instead of path: a regular expression (RE2) that matches the whole path'),
  methods: methods.optional().describe('Methods of the request; default: all'),
  headers: headerFields
    .optional()
    .describe('Header fields it must have: name: value, name: { regex } or name: { present: true }'),
  query: fields.optional().describe('Query parameters it must have, written as for headers'),
}

type Written = z.output<ReturnType<typeof map<typeof matchKeys>>>

/** The match of one route in its normal form: sorted, header names in lower case. */
export function toMatch(written: Written): RouteMatch {
  return {
    ...(written.host === undefined ? {} : { host: written.host }),
    ...(written.path === undefined ? {} : { path: written.path }),
    ...(written.pathRegex === undefined ? {} : { pathRegex: written.pathRegex }),
    ...(written.methods === undefined ? {} : { methods: [...written.methods].sort() }),
    ...(written.headers === undefined ? {} : { headers: toFields(written.headers, (name) => name.toLowerCase()) }),
    ...(written.query === undefined ? {} : { query: toFields(written.query, (name) => name) }),
  }
}

type Fields = Readonly<Record<string, z.output<typeof fieldMatch>>>

function toFields(written: Fields, normal: (name: string) => string): readonly FieldMatch[] {
  const matches = Object.entries(written).map(([key, value]): FieldMatch => {
    const name = normal(key)
    if (typeof value !== 'object') return { name, kind: 'exact', value: String(value) }
    if (value.regex !== undefined) return { name, kind: 'regex', value: value.regex }
    return { name, kind: 'present', value: value.present ?? true }
  })
  return matches.sort((left, right) => (left.name < right.name ? -1 : 1))
}

/**
 * A match as people read it, which is a route's identity where none is written: `GET /vets.html`,
 * `api.clinic.test/v2/**`, `GET ~^/a+$`, `GET /vets [x-beta=1, ?format~j.*]`.
 */
export function matchText(match: RouteMatch): string {
  const methods = match.methods === undefined ? '' : `${match.methods.join(',')} `
  const path = match.path ?? `${match.host === undefined ? '' : ' '}~${match.pathRegex ?? ''}`
  const fields = [
    ...(match.headers ?? []).map((field) => fieldText('', field)),
    ...(match.query ?? []).map((field) => fieldText('?', field)),
  ]
  return `${methods}${match.host ?? ''}${path}${fields.length === 0 ? '' : ` [${fields.join(', ')}]`}`
}

function fieldText(mark: string, field: FieldMatch): string {
  if (field.kind === 'present') return `${field.value ? '' : '!'}${mark}${field.name}`
  return `${mark}${field.name}${field.kind === 'exact' ? '=' : '~'}${field.value}`
}
