import { z } from 'zod'
import { POLICY_SCHEMAS } from '../dataplane/policies/schemas.ts'
import type { Position } from '../model/diagnostic.ts'
import type { PolicySpec, RouteMatch, RouteSpec } from '../model/spec.ts'
import { matchKeys, matchText, toMatch } from './match.ts'
import type { Path, Reading } from './reading.ts'
import { retrySchema } from './retry.ts'
import { shiftSchema, toShift } from './shift.ts'
import { decodeTimeouts, timeoutSchema } from './timeouts.ts'
import { flag, map, Refused, textKind } from './values.ts'

const upstreamName = textKind('the name of an upstream', (text) => {
  if (text === '') throw new Refused()
  return text
})

const ownKeys = {
  id: textKind('text of at most 200 printable characters', (text) => {
    if (
      text.length > 200 ||
      !/^[\x21-\x7E\u00A0-\uFFFF](?:[\x20-\x7E\u00A0-\uFFFF]*[\x21-\x7E\u00A0-\uFFFF])?$/.test(text)
    ) {
      throw new Refused()
    }
    return text
  })
    .optional()
    .describe('Its identity, in commands and records; default: derived from the match, such as GET /vets.html'),
  ...matchKeys,
  to: upstreamName.optional().describe('The upstream that serves it; with from and shift, the candidate'),
  from: upstreamName.optional().describe('With shift: the incumbent, which serves it until the shift has started'),
  shift: shiftSchema,
  capture: flag
    .optional()
    .describe('Take all operations that match, even those only another upstream implements')
    .meta({ default: false }),
  timeout: timeoutSchema,
  retry: retrySchema,
}

const routeKeys: typeof ownKeys = {
  ...ownKeys,
  ...Object.fromEntries(POLICY_SCHEMAS.map(({ kind, schema }) => [kind, schema.optional()])),
}

const ANSWERING: readonly string[] = POLICY_SCHEMAS.flatMap(({ kind, needs }) => (needs === 'answers' ? [kind] : []))

/** One entry of `routes`. */
export const routeSchema = map(routeKeys).meta({
  anyOf: ['to', ...ANSWERING].map((key) => ({ required: [key] })),
  oneOf: [{ required: ['path'] }, { required: ['pathRegex'] }],
  dependentRequired: { from: ['shift'], shift: ['from'] },
})

export const routesSchema = z
  .array(routeSchema, { error: 'a list of routes' })
  .optional()
  .describe('Rules: which upstream serves which requests; their order never matters')

/** Every route that can be decoded. */
export function decodeRoutes(reading: Reading): readonly RouteSpec[] {
  const node = reading.nodeAt(['routes'])
  const routes: RouteSpec[] = []
  if (node?.kind !== 'list') {
    reading.decode(routesSchema, ['routes'])
    return routes
  }
  const taken = new Map<string, number>()
  for (const index of node.items.keys()) {
    if (reading.full) break
    const route = decodeRoute(reading, ['routes', index])
    if (route === undefined) continue
    const first = taken.get(route.id)
    if (first === undefined) taken.set(route.id, index)
    else reportDuplicate(reading, route.id, first, index)
    routes.push(route)
  }
  return routes
}

function decodeRoute(reading: Reading, path: Path): RouteSpec | undefined {
  checkKeys(reading, path)
  const written = reading.decode(routeSchema, path)
  if (written === undefined) return undefined
  const match = toMatch(written)
  const policies = decodePolicies(reading, path, written, match)
  const shift = toShift(written.shift)
  return {
    id: written.id ?? matchText(match),
    at: reading.positionAt(path),
    match,
    to: written.to ?? '',
    from: shift === undefined ? undefined : written.from,
    shift,
    capture: written.capture ?? false,
    timeouts: decodeTimeouts(written.timeout),
    ...(written.retry === undefined ? {} : { retry: written.retry }),
    ...(policies.length === 0 ? {} : { policies }),
    positions: positionsOf(reading, path),
  }
}

/** Rules between the keys of one route, judged on what is written even where a value is broken. */
function checkKeys(reading: Reading, path: Path): void {
  const node = reading.nodeAt(path)
  if (node?.kind !== 'map') return
  const has = (key: string): boolean => node.entries.has(key)
  const missing = (key: string, message: string, hint: string): void =>
    reading.report({ code: 'missing-key', path: [...path, key], message, hint })
  const answering = ANSWERING.find(has)
  if (answering !== undefined) checkAnswering(reading, path, answering, has)
  else if (!has('to'))
    missing('to', 'is missing; a route needs an upstream', `write to: NAME, or ${ANSWERING.join(' or ')}`)
  if (!has('path') && !has('pathRegex')) {
    missing('path', 'is missing; a route needs path or pathRegex', 'write path: /** for every path')
  }
  if (has('path') && has('pathRegex')) {
    const message = 'path and pathRegex exclude each other'
    reading.report({ code: 'two-paths', path: [...path, 'pathRegex'], message, hint: 'remove one' })
  }
  if (has('from') && !has('shift')) {
    const hint = 'add shift: canary to move it step by step, or remove from: to serves it at once'
    reading.report({ code: 'from-without-shift', path: [...path, 'from'], message: 'from needs shift', hint })
  }
  if (has('shift') && !has('from')) {
    const message = 'shift needs from'
    const hint = 'add from: NAME, the upstream that serves it today'
    reading.report({ code: 'shift-without-from', path: [...path, 'shift'], message, hint })
  }
  const from = reading.textAt([...path, 'from'])
  if (from !== undefined && from === reading.textAt([...path, 'to'])) {
    const message = `from and to are both ${reading.shown([...path, 'from'])}`
    const hint = 'a shift moves a route from one upstream to another'
    reading.report({ code: 'same-upstream', path: [...path, 'to'], message, hint })
  }
}

/** A route that answers by itself has no upstream, nor anything that is about one. */
function checkAnswering(reading: Reading, path: Path, answering: string, has: (key: string) => boolean): void {
  const needing = POLICY_SCHEMAS.flatMap(({ kind, needs }) => (needs === undefined ? [] : [kind]))
  for (const key of ['to', 'from', 'shift', 'capture', 'timeout', 'retry', ...needing]) {
    if (key === answering || !has(key)) continue
    const message = `${answering} and ${key} exclude each other: the route is answered here`
    reading.report({ code: 'answers-itself', path: [...path, key], message, hint: 'remove one', atKey: true })
  }
}

/** The policies that were written, each held against the match. */
function decodePolicies(
  reading: Reading,
  path: Path,
  written: Readonly<Record<string, unknown>>,
  match: RouteMatch,
): readonly PolicySpec[] {
  return POLICY_SCHEMAS.flatMap(({ kind, problem }): readonly PolicySpec[] => {
    const options = written[kind]
    if (options === undefined) return []
    const message = problem?.(options, match)
    if (message !== undefined) reading.report({ code: 'policy-without-effect', path: [...path, kind], message })
    return [{ kind, options }]
  })
}

function reportDuplicate(reading: Reading, id: string, first: number, index: number): void {
  const path: Path = ['routes', index]
  const given = reading.nodeAt([...path, 'id']) !== undefined
  const { line } = reading.positionAt(['routes', first])
  const named = reading.hides(path) ? '' : ` "${id}"`
  reading.report({
    code: 'duplicate-route',
    path: given ? [...path, 'id'] : path,
    message: `route id${named} is taken by routes[${first}] on line ${line}`,
    hint: given ? 'ids must differ' : 'both match the same requests: remove one, or make their matches differ',
  })
}

function positionsOf(reading: Reading, path: Path): Readonly<Record<string, Position>> {
  const positions: Record<string, Position> = {}
  const node = reading.nodeAt(path)
  if (node?.kind !== 'map') return positions
  for (const [key, entry] of node.entries) {
    positions[key] = reading.position(entry.node.kind === 'scalar' ? entry.node.offset : entry.keyOffset)
  }
  return positions
}
