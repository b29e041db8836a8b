import { RE2JS } from 're2js'
import { canonicalPath } from '../../../kernel/canonical.ts'
import { neverMatches, parseTemplate } from '../../../kernel/template.ts'
import type { PolicySpec, RouteMatch } from '../../../model/spec.ts'
import type { IngressPath } from './objects.ts'

/** What a path of an Ingress says, in our words. */
export type PathRule =
  | {
      readonly kind: 'rule'
      readonly match: Pick<RouteMatch, 'path' | 'pathRegex'>
      readonly policies: readonly PolicySpec[]
      /** Set where it matches but cannot be served as it is meant: why. */
      readonly failure?: string
    }
  /** Not even what it matches can be said. */
  | { readonly kind: 'not-understood'; readonly why: string }

/**
 * `Exact` and `Prefix` as Kubernetes defines them; `ImplementationSpecific` as a prefix, or as nginx's controller takes
 * it where `use-regex` or a group in `rewrite-target` asks for a regular expression.
 */
export function pathRule(
  { path, pathType }: Pick<IngressPath, 'path' | 'pathType'>,
  nginx: Readonly<Record<string, string>>,
): PathRule {
  const target = nginx['rewrite-target']
  const isRegex = nginx['use-regex'] === 'true' || (target !== undefined && /\$\d/.test(target))
  if (isRegex && pathType !== 'Exact') return regexRule(path, target)
  if (!['Exact', 'Prefix', 'ImplementationSpecific'].includes(pathType)) {
    return { kind: 'not-understood', why: `path type "${pathType}" is not known` }
  }
  const base = path === '/' ? '' : path.replace(/\/$/, '')
  const match = templateMatch(pathType === 'Exact' ? path : `${base}/**`)
  if (typeof match === 'string') return { kind: 'not-understood', why: `path "${path}" ${match}` }
  if (target === undefined) return { kind: 'rule', match, policies: [] }
  if (pathType !== 'Exact') return { kind: 'rule', match, policies: [], failure: WHOLE(target) }
  return { kind: 'rule', match, ...replaced(base, target) }
}

const WHOLE = (target: string) =>
  `rewrite-target "${target}" without a group makes every path that one path, and only a prefix can be replaced here; ` +
  'write the path as /PREFIX(/|$)(.*) and rewrite-target as /$2, or a route in banyan.yaml with rewrite.stripPrefix'

/** What follows the literal beginning of a path, and how a target takes up what it matched. */
const TAILS: readonly { readonly tail: RegExp; readonly rest: RegExp }[] = [
  { tail: /\(\/\|\$\)\(\.\*\)\$?$/, rest: /\/\$2$/ },
  { tail: /\/\?\(\.\*\)\$?$/, rest: /\/\$1$/ },
  { tail: /\/\(\.\*\)\$?$/, rest: /\/\$1$/ },
  { tail: /\(\/\.\*\)\??\$?$/, rest: /\$1$/ },
]

function regexRule(path: string, target: string | undefined): PathRule {
  const stripped = target === undefined ? undefined : prefixRewrite(path, target)
  if (stripped !== undefined) return stripped
  // As nginx takes it: from the beginning of the path, whatever the case, with anything behind.
  const pathRegex = `(?i)${path.replace(/^\^/, '')}${path.endsWith('$') ? '' : '.*'}`
  try {
    RE2JS.compile(pathRegex)
  } catch (error) {
    return { kind: 'not-understood', why: `path "${path}": ${error instanceof Error ? error.message : String(error)}` }
  }
  if (target === undefined) return { kind: 'rule', match: { pathRegex }, policies: [] }
  const failure = /\$\d/.test(target)
    ? `rewrite-target "${target}" of "${path}" is not the replacement of a prefix, which is all that can be said here; write a route in banyan.yaml`
    : WHOLE(target)
  return { kind: 'rule', match: { pathRegex }, policies: [], failure }
}

/** `/vets(/|$)(.*)` with `/v2/$2`, and the like: the prefix `/vets` becomes `/v2`. */
function prefixRewrite(path: string, target: string): PathRule | undefined {
  for (const { tail, rest } of TAILS) {
    const from = path.replace(/^\^/, '').replace(tail, '')
    const to = target.replace(rest, '')
    if (!tail.test(path) || !rest.test(target) || isPattern(from) || /\$\d/.test(to)) continue
    const prefix = from.replace(/\/$/, '')
    const match = templateMatch(`${prefix}/**`)
    if (typeof match === 'string') return undefined
    return { kind: 'rule', match, ...replaced(prefix, to) }
  }
  return undefined
}

function isPattern(text: string): boolean {
  return /[\\^$.*+?()[\]{}|]/.test(text)
}

/** The rewrite policy that makes of this prefix that one. */
function replaced(from: string, to: string): { readonly policies: readonly PolicySpec[]; readonly failure?: string } {
  const source = prefixOf(from)
  const target = prefixOf(to)
  if (source === undefined || target === undefined) {
    return { policies: [], failure: `rewrite-target "${to}" is no plain path` }
  }
  if (source === target) return { policies: [] }
  return { policies: [{ kind: 'rewrite', options: { prefix: { from: source, to: target } } }] }
}

/** As the rewrite policy has its prefixes: canonical, without a slash at the end; undefined: it is no path. */
function prefixOf(path: string): string | undefined {
  const canonical = canonicalPath(path === '' ? '/' : path)
  if ('error' in canonical || /[;?#]|\/\//.test(path)) return undefined
  return canonical.key.replace(/\/$/, '')
}

/** The match of a template, or why there is none. */
function templateMatch(path: string): { readonly path: string } | string {
  if (/[{}*]/.test(path.replace(/\/\*\*$/, ''))) return 'has characters that mean something else in a template'
  const template = parseTemplate(path)
  if ('error' in template) return template.error
  return neverMatches(template) ?? { path }
}
