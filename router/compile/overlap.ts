import { fullRegex } from '../dataplane/matching/conditions.ts'
import { hostMatches } from '../dataplane/matching/precedence.ts'
import { type Segment, segmentKey, type Template, templateCovers, templatesOverlap } from '../kernel/template.ts'
import type { FieldMatch, RouteMatch } from '../model/spec.ts'

/** Whether some request, its path apart, satisfies both matches. */
export function canBothHold(a: RouteMatch, b: RouteMatch): boolean {
  return (
    hostsOverlap(a.host, b.host) &&
    methodsOverlap(a.methods, b.methods) &&
    fieldsCanBothHold(a.headers, b.headers) &&
    fieldsCanBothHold(a.query, b.query)
  )
}

/** Whether every request that satisfies `narrow`, path and method apart, satisfies `wide`. */
export function conditionsImply(narrow: RouteMatch, wide: RouteMatch): boolean {
  return (
    hostCovers(wide.host, narrow.host) &&
    fieldsImply(narrow.headers, wide.headers) &&
    fieldsImply(narrow.query, wide.query)
  )
}

/** Whether a match asks for anything but path and method. */
export function isConditional(match: RouteMatch): boolean {
  return match.host !== undefined || match.headers !== undefined || match.query !== undefined
}

/** Whether no value satisfies all conditions of one match on the same field. */
export function contradicts(fields: readonly FieldMatch[] | undefined): boolean {
  return (fields ?? []).some((field, index) => fields?.slice(0, index).some((other) => areDisjoint(field, other)))
}

/**
 * A template of the paths that both match; undefined where there are none, or where no single template says it
 * (two partial segments of which neither covers the other).
 */
export function intersectTemplates(a: Template, b: Template): string | undefined {
  if (templateCovers(a, b)) return b.text
  if (templateCovers(b, a)) return a.text
  if (!templatesOverlap(a, b)) return undefined
  const segments: Segment[] = []
  for (let index = 0; ; index++) {
    const [left, right] = [a.segments[index], b.segments[index]]
    if (left?.kind === 'rest') return pathOf([...segments, ...b.segments.slice(index)], b.slash)
    if (right?.kind === 'rest') return pathOf([...segments, ...a.segments.slice(index)], a.slash)
    if (left === undefined || right === undefined) return pathOf(segments, a.slash || b.slash)
    const narrower = narrowerSegment(left, right)
    if (narrower === undefined) return undefined
    segments.push(narrower)
  }
}

function narrowerSegment(a: Segment, b: Segment): Segment | undefined {
  if (a.kind === 'literal' || b.kind === 'param') return a
  if (b.kind === 'literal' || a.kind === 'param') return b
  return segmentKey(a) === segmentKey(b) ? a : undefined
}

function pathOf(segments: readonly Segment[], slash: boolean): string {
  return `/${segments.map(segmentKey).join('/')}${slash ? '/' : ''}`
}

function hostsOverlap(a: string | undefined, b: string | undefined): boolean {
  return hostCovers(a, b) || hostCovers(b, a)
}

function hostCovers(wide: string | undefined, narrow: string | undefined): boolean {
  if (wide === undefined || wide === narrow) return true
  if (narrow === undefined) return false
  return hostMatches(wide, narrow.startsWith('*.') ? narrow.slice(1) : narrow)
}

function methodsOverlap(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return a === undefined || b === undefined || a.some((method) => b.includes(method))
}

function fieldsCanBothHold(a: readonly FieldMatch[] = [], b: readonly FieldMatch[] = []): boolean {
  return !a.some((field) => b.some((other) => areDisjoint(field, other)))
}

/** Only what is certain: two regular expressions may share a value. */
function areDisjoint(a: FieldMatch, b: FieldMatch): boolean {
  if (a.name !== b.name) return false
  if (a.kind === 'present' || b.kind === 'present') return mustBeThere(a) !== mustBeThere(b)
  if (a.kind === 'exact') return b.kind === 'exact' ? a.value !== b.value : !fullRegex(b.value)(a.value)
  return b.kind === 'exact' && !fullRegex(a.value)(b.value)
}

function mustBeThere(field: FieldMatch): boolean {
  return field.kind !== 'present' || field.value
}

function fieldsImply(narrow: readonly FieldMatch[] = [], wide: readonly FieldMatch[] = []): boolean {
  return wide.every((field) => narrow.some((other) => sameField(field, other)))
}

function sameField(a: FieldMatch, b: FieldMatch): boolean {
  return a.name === b.name && a.kind === b.kind && a.value === b.value
}
