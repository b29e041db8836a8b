import { ANY_METHOD, collectOperations, type WrittenOperation } from '../../operations.ts'
import type { Reading } from '../../reading.ts'
import { entriesOf, type MappingEntry } from './entries.ts'
import { templateOfPattern } from './templates.ts'

/**
 * Operations of a mappings document. Left out: resource handlers, the error page, actuator endpoints, and what is
 * mapped to everything (`/**`). A mapping without methods takes any, and counts for the five of `ANY_METHOD`.
 * `path` is where the document was read, on the upstream.
 */
export function readMappings(document: unknown, { path }: { readonly path: string }): Reading {
  const entries = entriesOf(document)
  if (entries === undefined) return { kind: 'unreadable', why: 'is no Spring mappings document' }
  let unsaid = 0
  const written: WrittenOperation[] = []
  for (const entry of entries.filter((candidate) => !isInfrastructure(candidate))) {
    for (const pattern of entry.patterns.filter((candidate) => isOperation(candidate, entry, path))) {
      const template = templateOfPattern(pattern)
      if (template === undefined) unsaid += 1
      else written.push(...methodsOf(entry).map((method) => ({ method, template })))
    }
  }
  const { operations, skipped } = collectOperations(written)
  return { kind: 'read', operations, skipped: skipped + unsaid }
}

function methodsOf({ methods, handler }: MappingEntry): readonly string[] {
  if (methods.length > 0) return methods
  // A page mapped to a view alone is only ever shown.
  return VIEWS.test(handler) ? ['GET'] : ANY_METHOD
}

const VIEWS = /ParameterizableViewController|^(?:viewController|welcomePage)HandlerMapping\b/

const RESOURCES = /ResourceHttpRequestHandler|ResourceWebHandler|DefaultServletHttpRequestHandler/
const RESOURCE_BEANS = /^(?:resource|favicon|defaultServlet)HandlerMapping\b/
const ACTUATOR = /^Actuator |\borg\.springframework\.boot\.actuate\.|^\w*[eE]ndpointHandlerMapping\b/
const ERROR_PAGE = /\bBasicErrorController\b/

function isInfrastructure({ handler }: MappingEntry): boolean {
  return [RESOURCES, RESOURCE_BEANS, ACTUATOR, ERROR_PAGE].some((part) => part.test(handler))
}

function isOperation(pattern: string, { handler }: MappingEntry, path: string): boolean {
  if (/^\/?(?:\*\*|\{\*[^}]*\})(?:\/favicon\.ico)?$/.test(pattern) || /^\/webjars\/\*\*$/.test(pattern)) return false
  if (pattern === '/error' && /ErrorController\b/.test(handler)) return false
  if (pattern === path) return false
  // Who handles it is more certain than where it is: an application may have pages of its own below `/manage`.
  return handler !== '' || !isBelow(pattern, path.replace(/\/[^/]*$/, ''))
}

function isBelow(pattern: string, base: string): boolean {
  return base !== '' && (pattern === base || pattern.startsWith(`${base}/`))
}
