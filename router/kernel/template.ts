import { canonicalText } from './canonical.ts'

/**
 * Path templates: what routes and operations are written in.
 *
 *   /owners/{ownerId}/pets/**     literal, parameter, literal, rest
 *   /vets.{format}                partial: literal pieces around parameters
 *
 * Templates match the folded key of a canonical path (canonical.ts), segment by segment.
 */
export type Template = {
  /** As written. */
  readonly text: string
  /** Identity: names of parameters do not count. `/owners/{}`. */
  readonly key: string
  readonly segments: readonly Segment[]
  /** Written with a trailing slash: matches only with one. Otherwise one trailing slash is ignored. */
  readonly slash: boolean
}

/** `partial`: at least one character stands between each two neighbours of `pieces`. */
export type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'partial'; readonly pieces: readonly string[] }
  | { readonly kind: 'param' }
  | { readonly kind: 'rest' }

/** Why a text is no template, as a sentence without its subject. */
export type TemplateError = { readonly error: string }

/** Reads a template. Variants of other frameworks (`:id`, `{id:[0-9]+}`) are not understood here. */
export function parseTemplate(text: string): Template | TemplateError {
  if (!text.startsWith('/')) return { error: 'must begin with "/"' }
  if (/[?#\\]/.test(text)) return { error: 'must not contain "?", "#" or "\\": it is a path only' }
  const slash = text.length > 1 && text.endsWith('/')
  const body = text.slice(1, slash ? -1 : undefined)
  const written = body === '' && !slash ? [] : body.split('/')
  const segments: Segment[] = []
  for (const [index, part] of written.entries()) {
    const last = index === written.length - 1
    if (part === '**' && (!last || slash)) return { error: '"**" may only be the last segment' }
    const segment = parseSegment(part)
    if ('error' in segment) return segment
    segments.push(segment)
  }
  return { text, key: keyOf(segments, slash), segments, slash }
}

/** Identity of a template modulo parameter names; a text that is no template is its own key. */
export function templateKey(text: string): string {
  const template = parseTemplate(text)
  return 'error' in template ? text : template.key
}

/** Identity of an operation: `GET /owners/{}`. */
export function operationKey(method: string, template: string): string {
  return `${method.toUpperCase()} ${templateKey(template)}`
}

/** The same template with case folded, for `paths: insensitive`. */
export function foldTemplate(template: Template): Template {
  const segments = template.segments.map((segment): Segment => {
    if (segment.kind === 'literal') return { kind: 'literal', text: segment.text.toLowerCase() }
    if (segment.kind === 'partial') return { kind: 'partial', pieces: segment.pieces.map((it) => it.toLowerCase()) }
    return segment
  })
  return { text: template.text, key: keyOf(segments, template.slash), segments, slash: template.slash }
}

/** Why no canonical path can match, as a sentence without its subject; undefined: some path does. */
export function neverMatches(template: Template): string | undefined {
  for (const segment of template.segments) {
    if (segment.kind === 'literal' && segment.text === '') return 'has an empty segment, and "//" is merged'
    if (segment.kind === 'literal' && (segment.text === '.' || segment.text === '..')) {
      return `has a segment "${segment.text}", and those are resolved`
    }
    const pieces = segment.kind === 'literal' ? [segment.text] : segment.kind === 'partial' ? segment.pieces : []
    if (pieces.some((piece) => piece.includes(';'))) return 'contains ";", and path parameters are stripped'
  }
  return undefined
}

function parseSegment(part: string): Segment | TemplateError {
  if (part === '**') return { kind: 'rest' }
  if (part === '*') return { kind: 'param' }
  if (part.includes('*')) return { error: `segment "${part}": "*" must be a segment of its own; write {name}` }
  const pieces: string[] = []
  let from = 0
  for (;;) {
    const open = part.indexOf('{', from)
    const literal = canonicalText(part.slice(from, open < 0 ? undefined : open))
    if (literal === undefined) return { error: `segment "${part}": "%" must be followed by two hexadecimal digits` }
    if (literal.includes('}')) return { error: `segment "${part}": "}" without "{"` }
    pieces.push(literal)
    if (open < 0) break
    const close = part.indexOf('}', open)
    if (close < 0) return { error: `segment "${part}": "{" without "}"` }
    if (/[{:=]/.test(part.slice(open + 1, close))) {
      return { error: `segment "${part}": braces hold a name only; for a pattern use pathRegex` }
    }
    from = close + 1
  }
  const [first = ''] = pieces
  if (pieces.length === 1) return { kind: 'literal', text: first }
  return pieces.length === 2 && pieces.every((piece) => piece === '') ? { kind: 'param' } : { kind: 'partial', pieces }
}

function keyOf(segments: readonly Segment[], slash: boolean): string {
  return `/${segments.map(segmentKey).join('/')}${slash ? '/' : ''}`
}

/** Identity of one segment, as it stands in a key. */
export function segmentKey(segment: Segment): string {
  if (segment.kind === 'literal') return segment.text
  if (segment.kind === 'partial') return segment.pieces.join('{}')
  return segment.kind === 'param' ? '{}' : '**'
}

/**
 * Precedence, best first, total: segment by segment, a literal before a partial (more literal characters, then
 * more parameters first) before a parameter before the end of the path before a rest; then a trailing slash before
 * none. What is left is decided by the alphabet, so that two different keys never compare equal.
 */
export function compareTemplates(a: Template, b: Template): number {
  const depth = Math.max(a.segments.length, b.segments.length)
  for (let index = 0; index < depth; index++) {
    const order = compareSegments(a.segments[index], b.segments[index])
    if (order !== 0) return order
  }
  return Number(b.slash) - Number(a.slash)
}

/** Whether every path that `b` matches is matched by `a` too. */
export function templateCovers(a: Template, b: Template): boolean {
  for (const [index, segment] of a.segments.entries()) {
    if (segment.kind === 'rest') return true
    const other = b.segments[index]
    if (other === undefined || !segmentCovers(segment, other)) return false
  }
  return a.segments.length === b.segments.length && (!a.slash || b.slash)
}

/** Whether some path is matched by both. */
export function templatesOverlap(a: Template, b: Template): boolean {
  const depth = Math.max(a.segments.length, b.segments.length)
  for (let index = 0; index < depth; index++) {
    const left = a.segments[index]
    const right = b.segments[index]
    if (left?.kind === 'rest' || right?.kind === 'rest') return true
    if (left === undefined || right === undefined || !segmentsOverlap(left, right)) return false
  }
  return true
}

/** Compares one segment of each as `compareTemplates` does; undefined is the end of the path. */
export function compareSegments(a: Segment | undefined, b: Segment | undefined): number {
  const order = segmentRank(a) - segmentRank(b)
  if (order !== 0 || a === undefined || b === undefined) return order
  if (a.kind === 'partial' && b.kind === 'partial') {
    const weight = literalLength(b.pieces) - literalLength(a.pieces) || b.pieces.length - a.pieces.length
    if (weight !== 0) return weight
  }
  const left = segmentKey(a)
  const right = segmentKey(b)
  return left < right ? -1 : left > right ? 1 : 0
}

/** Whether `text` from `start` to `end` is the pieces with at least one character between each two. Allocates nothing. */
export function piecesMatch(pieces: readonly string[], text: string, start: number, end: number): boolean {
  const first = pieces[0] ?? ''
  const final = pieces.length - 1
  const last = pieces[final] ?? ''
  if (!text.startsWith(first, start) || !text.startsWith(last, end - last.length)) return false
  let position = start + first.length
  for (let index = 1; index < final; index++) {
    const piece = pieces[index] ?? ''
    const found = text.indexOf(piece, position + 1)
    if (found < 0) return false
    position = found + piece.length
  }
  return position < end - last.length
}

const RANK = { literal: 0, partial: 1, param: 2, end: 3, rest: 4 } as const

function segmentRank(segment: Segment | undefined): number {
  return RANK[segment?.kind ?? 'end']
}

function literalLength(pieces: readonly string[]): number {
  let length = 0
  for (const piece of pieces) length += piece.length
  return length
}

function segmentCovers(a: Segment, b: Segment): boolean {
  if (b.kind === 'rest' || a.kind === 'rest') return a.kind === 'rest'
  if (a.kind === 'param') return true
  if (a.kind === 'literal') return b.kind === 'literal' && a.text === b.text
  // A character that no piece contains stands for whatever b's parameters may hold.
  const sample = b.kind === 'literal' ? b.text : b.kind === 'param' ? '\0' : b.pieces.join('\0')
  return piecesMatch(a.pieces, sample, 0, sample.length)
}

function segmentsOverlap(a: Segment, b: Segment): boolean {
  if (a.kind !== 'partial' || b.kind !== 'partial') return segmentCovers(a, b) || segmentCovers(b, a)
  // Between the outer pieces each side may hold whatever the other needs, so only the ends can disagree.
  const [left, right] = [a.pieces[0] ?? '', b.pieces[0] ?? '']
  const [leftEnd, rightEnd] = [a.pieces.at(-1) ?? '', b.pieces.at(-1) ?? '']
  const starts = left.startsWith(right) || right.startsWith(left)
  return starts && (leftEnd.endsWith(rightEnd) || rightEnd.endsWith(leftEnd))
}
