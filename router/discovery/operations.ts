import { neverMatches, operationKey, parseTemplate } from '../kernel/template.ts'
import type { ObservedOperation } from '../model/catalogue.ts'
import { isPlain, printable } from './words.ts'

/** An operation as a detector read it, its path already one of our templates. */
export type WrittenOperation = ObservedOperation

/**
 * What stands for "any method" in a route table (a Spring mapping without methods, `app.all`): each of these. HEAD
 * and OPTIONS follow GET by themselves. A single entry would hide that another upstream implements only some.
 */
export const ANY_METHOD: readonly string[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/**
 * One entry an operation: spellings that differ in parameter names or a trailing slash are merged (named parameters
 * kept for display), HEAD and OPTIONS dropped where the path has GET, TRACE and CONNECT dropped. `skipped` counts
 * what is no template that could match, or that could not be shown as it is.
 */
export function collectOperations(written: Iterable<WrittenOperation>): {
  readonly operations: readonly WrittenOperation[]
  readonly skipped: number
} {
  const found = new Map<string, WrittenOperation>()
  let skipped = 0
  for (const entry of written) {
    const method = entry.method.toUpperCase()
    if (UNROUTED.has(method)) continue
    const template = withoutSlash(entry.template)
    if (!isPlain(template) || !isUsable(template) || !/^[A-Z][A-Z0-9!#$%&'*+.^_`|~-]*$/.test(method)) {
      skipped += 1
      continue
    }
    const key = operationKey(method, template)
    const known = found.get(key)
    if (known === undefined || isBetterText(template, known.template)) {
      const detail = known?.detail ?? entry.detail
      found.set(key, { ...entry, ...known, method, template, ...(detail && { detail: printable(detail) }) })
    }
  }
  const operations = [...found.values()].filter(
    ({ method, template }) => !FOLLOWS_GET.has(method) || !found.has(operationKey('GET', template)),
  )
  return { operations, skipped }
}

const UNROUTED = new Set(['TRACE', 'CONNECT'])
const FOLLOWS_GET = new Set(['HEAD', 'OPTIONS'])

function withoutSlash(text: string): string {
  return text.length > 1 && text.endsWith('/') ? text.slice(0, -1) : text
}

function isUsable(text: string): boolean {
  const template = parseTemplate(text)
  return !('error' in template) && neverMatches(template) === undefined
}

/** `{ownerId}` says more than `*` does. */
function isBetterText(text: string, than: string): boolean {
  return than.split('/').includes('*') && !text.split('/').includes('*')
}
