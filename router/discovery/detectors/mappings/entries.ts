import { arrayOf, isObject, objectOf, textOf } from '../../json.ts'
import { alternativesOf, type Conditions } from './predicates.ts'

/** One line of Spring's route table, whatever the version of Boot that wrote it. */
export type MappingEntry = {
  /** Empty: any method. */
  readonly methods: readonly string[]
  readonly patterns: readonly string[]
  /** All that is said about who handles it: bean, class, method, or a description. */
  readonly handler: string
}

/** The lines of a mappings document of Boot 1, 2 or 3; undefined: it is none. */
export function entriesOf(document: unknown): readonly MappingEntry[] | undefined {
  if (!isObject(document)) return undefined
  if (isObject(document.contexts)) return Object.values(document.contexts).flatMap(entriesOfContext)
  const lines = Object.entries(document)
  const looksRight = lines.every(([key, value]) => /^[{/]/.test(key) && isObject(value))
  return looksRight ? lines.flatMap(([key, value]) => boot1Entry(key, objectOf(value))) : undefined
}

/** Boot 1: `"{[/owners/{ownerId}],methods=[GET]}": { "bean": …, "method": … }`. */
function boot1Entry(key: string, { bean, method }: Readonly<Record<string, unknown>>): readonly MappingEntry[] {
  const handler = `${textOf(bean)} ${textOf(method)}`.trim()
  return conditionsOf(key).map((conditions) => ({ ...conditions, handler }))
}

function entriesOfContext(context: unknown): MappingEntry[] {
  const { dispatcherServlets, dispatcherHandlers, servlets } = objectOf(objectOf(context).mappings)
  const ofServlets = Object.entries(objectOf(dispatcherServlets)).flatMap(([servlet, lines]) => {
    const prefix = servletPrefix(servlet, arrayOf(servlets))
    return arrayOf(lines).flatMap((line) => boot2Entry(objectOf(line)).map((entry) => withPrefix(prefix, entry)))
  })
  const ofHandlers = Object.values(objectOf(dispatcherHandlers)).flatMap((lines) =>
    arrayOf(lines).flatMap((line) => boot2Entry(objectOf(line))),
  )
  return [...ofServlets, ...ofHandlers]
}

/** Boot 2 and 3: details where the handler is a method, otherwise only the predicate's text. */
function boot2Entry({ handler, predicate, details }: Readonly<Record<string, unknown>>): readonly MappingEntry[] {
  const { handlerMethod, handlerFunction, requestMappingConditions: conditions } = objectOf(details)
  const names = [handler, objectOf(handlerMethod).className, objectOf(handlerFunction).className]
  const said = { handler: names.map(textOf).join(' ').trim() }
  if (!isObject(conditions)) return conditionsOf(textOf(predicate)).map((one) => ({ ...one, ...said }))
  const { methods, patterns } = conditions
  return [{ methods: arrayOf(methods).map(textOf), patterns: arrayOf(patterns).map(textOf), ...said }]
}

/** A servlet mapped to `/api/*` sees paths without `/api`. */
function servletPrefix(name: string, servlets: readonly unknown[]): string {
  const servlet = servlets.map(objectOf).find((candidate) => candidate.name === name)
  const prefixes = arrayOf(servlet?.mappings)
    .map(textOf)
    .filter((mapping) => mapping.endsWith('/*'))
  return prefixes.length === 1 ? (prefixes[0] ?? '').slice(0, -2) : ''
}

function withPrefix(prefix: string, entry: MappingEntry): MappingEntry {
  if (prefix === '') return entry
  return { ...entry, patterns: entry.patterns.map((pattern) => `${prefix}/${pattern.replace(/^\//, '')}`) }
}

/**
 * Methods and patterns of a condition's text, in the forms that Spring has printed over the years:
 *
 *   {[/owners/{id:[0-9]+} || /o],methods=[GET || POST],produces=[text/html]}     4.x, 5.0, 5.1
 *   {GET [/owners/{id}], produces [text/html]}   { [/error]}   {[GET, POST] [/a || /b]}   {GET /x}     5.2 and later
 *   ((GET && /owners/{id}) && Accept: application/json)     router functions
 *   /webjars/**     a handler mapped by path alone
 */
function conditionsOf(text: string): readonly Conditions[] {
  if (text.startsWith('/')) return [{ methods: [], patterns: [text] }]
  if (!text.startsWith('{')) return alternativesOf(text)
  const body = text.replace(/^\{/, '').replace(/\}$/, '')
  const old = body.startsWith('[/') || body.startsWith('[]') || /\],[a-z]+=\[/.test(body)
  return [old ? oldConditions(body) : newConditions(body)]
}

function oldConditions(body: string): Conditions {
  // A pattern may itself hold brackets, so the list ends only where the next condition begins.
  const [patterns = ''] = body.split(/,(?:methods|params|headers|consumes|produces|custom)=\[/)
  const [, methods = ''] = /\],methods=\[([^\]]*)\]/.exec(body) ?? []
  return { methods: alternatives(methods), patterns: bracketed(patterns) }
}

function newConditions(body: string): Conditions {
  const [, several = '', one = '', rest = ''] = /^(?:\[([A-Z, ]+)\]|([A-Z]*(?: \|\| [A-Z]+)*)) (.*)$/s.exec(body) ?? []
  const [patterns = ''] = rest.split(/, (?:params|headers|consumes|produces|custom) \[/)
  return { methods: alternatives(several || one), patterns: bracketed(patterns) }
}

/** `[/a || /b]`, `[/a, /b]` or `/a`; an empty list is the root of what the handler is mapped to. */
function bracketed(text: string): string[] {
  const inside = text.startsWith('[') ? text.replace(/^\[/, '').replace(/\]$/, '') : text
  return inside.split(/ \|\| |, (?=\/)/)
}

function alternatives(text: string): string[] {
  return text.split(/ \|\| |, /).filter((method) => method !== '')
}
