import { map, Refused, textKind } from '../../../config/values.ts'
import { canonicalPath } from '../../../kernel/canonical.ts'
import { parseTemplate } from '../../../kernel/template.ts'
import type { RouteMatch } from '../../../model/spec.ts'
import type { PolicySchema } from '../schemas.ts'
import type { RewriteOptions } from './index.ts'

const prefix = textKind('a path of whole segments such as /v2, without wildcards', (text) => {
  const canonical = canonicalPath(text)
  if ('error' in canonical || /[{}*;]|\/\//.test(text)) throw new Refused()
  return canonical.key.replace(/\/$/, '')
}).meta({ pattern: '^/', examples: ['/v2'] })

const host = textKind('a host name, with a port where it needs one', (text) => {
  if (!/^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/.test(text))
    throw new Refused()
  return text
}).meta({ examples: ['vets.internal'] })

/** `rewrite` of a route. */
export const rewriteSchema: PolicySchema = {
  kind: 'rewrite',
  needs: 'forwards',
  schema: map({
    stripPrefix: prefix.optional().describe('Segments at the beginning of the path that do not go upstream'),
    replacePrefix: map({
      from: prefix.describe('Segments at the beginning of the path; / is none'),
      to: prefix.describe('What stands there instead; / is nothing'),
    })
      .optional()
      .describe('Segments at the beginning of the path that are replaced'),
    host: host.optional().describe("Host for the upstream, before the upstream's own hostHeader"),
  })
    .superRefine(({ stripPrefix, replacePrefix, host: name }, context) => {
      if (stripPrefix !== undefined && replacePrefix !== undefined) {
        const message = 'stripPrefix and replacePrefix exclude each other'
        context.addIssue({ code: 'custom', message, path: ['replacePrefix'], params: { message } })
      } else if (stripPrefix === undefined && replacePrefix === undefined && name === undefined) {
        context.addIssue({ code: 'custom', message: 'a map with at least one of stripPrefix, replacePrefix, host' })
      }
    })
    .transform(({ stripPrefix, replacePrefix, host: name }): RewriteOptions => {
      const replaced = stripPrefix === undefined ? replacePrefix : { from: stripPrefix, to: '' }
      return { ...(replaced === undefined ? {} : { prefix: replaced }), ...(name === undefined ? {} : { host: name }) }
    })
    .describe('Change the path and Host that go upstream'),
  problem: (options, match) => prefixProblem((options as RewriteOptions).prefix?.from, match),
}

/** A prefix that no path of the route begins with is a mistake: nothing would be rewritten, and nobody would say so. */
function prefixProblem(from: string | undefined, { path }: RouteMatch): string | undefined {
  const template = path === undefined ? undefined : parseTemplate(path)
  if (from === undefined || from === '' || template === undefined || 'error' in template) return undefined
  for (const [index, wanted] of from.slice(1).split('/').entries()) {
    const segment = template.segments[index]
    if (segment?.kind === 'rest') return undefined
    const differs = segment?.kind === 'literal' && segment.text.toLowerCase() !== wanted.toLowerCase()
    if (segment === undefined || differs) return `no path that matches ${path} begins with ${from}`
  }
  return undefined
}
