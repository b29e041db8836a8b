import { own } from '../kernel/own.ts'
import type { ByMedia, Contract, Shape } from '../model/contract.ts'

/** One difference between two contracts, as a client of the incumbent meets it. */
export type Difference = {
  readonly kind:
    | 'parameter-required'
    | 'parameter-retyped'
    | 'parameter-removed'
    | 'body-required'
    | 'body-media-removed'
    | 'body-field-required'
    | 'body-field-retyped'
    | 'status-removed'
    | 'status-added'
    | 'answer-media-removed'
    | 'answer-field-removed'
    | 'answer-field-optional'
    | 'answer-field-retyped'
  /** `query page`, `body application/json: owner.name`, `200 application/json: [].city`. */
  readonly where: string
  /** What the incumbent says; null: nothing. */
  readonly was: string | null
  /** What the candidate says; null: nothing. */
  readonly becomes: string | null
  /** Whether a client that the incumbent serves well may fail. */
  readonly breaks: boolean
}

/**
 * What a client of the incumbent would notice of the candidate, those first that break it. It has a direction: what
 * a client sends must still be taken, so the candidate may take more; what it gets must still be what it knows, so
 * the candidate may promise more. What either does not say is not compared. Pure.
 */
export function compareContracts(incumbent: Contract, candidate: Contract): readonly Difference[] {
  const found = [
    ...compareParameters(incumbent, candidate),
    ...compareBodies(incumbent, candidate),
    ...compareResponses(incumbent, candidate),
  ]
  return [...found.filter(({ breaks }) => breaks), ...found.filter(({ breaks }) => !breaks)]
}

function compareParameters(incumbent: Contract, candidate: Contract): readonly Difference[] {
  const changed = Object.entries(candidate.parameters).flatMap(([where, now]): Difference[] => {
    const before = own(incumbent.parameters, where)
    const found: Difference[] = []
    if (now.required && before?.required !== true) {
      const was = before === undefined ? null : 'optional'
      found.push({ kind: 'parameter-required', where, was, becomes: 'required', breaks: true })
    }
    if (before !== undefined && !allows(now.type, before.type)) {
      found.push({ kind: 'parameter-retyped', where, was: before.type, becomes: now.type, breaks: true })
    }
    return found
  })
  // The candidate answers all the same, though perhaps something else.
  const removed = Object.entries(incumbent.parameters)
    .filter(([where]) => own(candidate.parameters, where) === undefined)
    .map(([where, { type }]): Difference => {
      return { kind: 'parameter-removed', where, was: type, becomes: null, breaks: false }
    })
  return [...changed, ...removed]
}

function compareBodies(incumbent: Contract, candidate: Contract): readonly Difference[] {
  const { body: before } = incumbent
  const { body: now } = candidate
  if (now === undefined) return []
  const found: Difference[] = []
  if (now.required && before?.required !== true) {
    const was = before === undefined ? null : 'optional'
    found.push({ kind: 'body-required', where: 'body', was, becomes: 'required', breaks: true })
  }
  for (const [media, shape] of Object.entries(before?.media ?? {})) {
    const other = mediaOf(now.media, media)
    const where = `body ${media}`
    if (other !== undefined) found.push(...compareSent(where, shape, other))
    else found.push({ kind: 'body-media-removed', where, was: media, becomes: namesOf(now.media), breaks: true })
  }
  return found
}

/** What a client sends: the candidate must need no more of it, and take what there is. */
function compareSent(place: string, before: Shape, now: Shape): readonly Difference[] {
  return Object.entries(now).flatMap(([path, written]): Difference[] => {
    const { type, optional } = fieldOf(written)
    const known = own(before, path)
    const where = `${place}: ${nameOf(path)}`
    if (known === undefined) {
      // Below what the incumbent does not open, nothing is known to be missing.
      if (optional || path.endsWith('[]') || path.endsWith('{}') || !isOpen(before, path)) return []
      return [{ kind: 'body-field-required', where, was: null, becomes: type, breaks: true }]
    }
    const was = fieldOf(known)
    const found: Difference[] = []
    if (!optional && was.optional) {
      found.push({ kind: 'body-field-required', where, was: 'optional', becomes: 'required', breaks: true })
    }
    if (!allows(type, was.type)) {
      found.push({ kind: 'body-field-retyped', where, was: was.type, becomes: type, breaks: true })
    }
    return found
  })
}

function compareResponses(incumbent: Contract, candidate: Contract): readonly Difference[] {
  const found: Difference[] = []
  for (const [status, media] of Object.entries(incumbent.responses)) {
    const other = responseOf(candidate, status)
    if (other !== undefined) found.push(...compareAnswers(status, media, other))
    // An error that never comes does no harm.
    else if (/^[23]/.test(status)) {
      const becomes = statusesOf(candidate)
      found.push({ kind: 'status-removed', where: status, was: status, becomes, breaks: true })
    }
  }
  for (const status of Object.keys(candidate.responses)) {
    if (status === 'default' || responseOf(incumbent, status) !== undefined) continue
    found.push({ kind: 'status-added', where: status, was: statusesOf(incumbent), becomes: status, breaks: false })
  }
  return Object.keys(candidate.responses).length === 0 || Object.keys(incumbent.responses).length === 0 ? [] : found
}

/** What is said of a status: by itself, by its class, or by `default`. */
function responseOf({ responses }: Contract, status: string): ByMedia | undefined {
  const exact = own(responses, status) ?? own(responses, `${status.charAt(0)}XX`)
  if (exact !== undefined) return exact
  if (/^\dXX$/.test(status)) {
    const one = Object.keys(responses).find((known) => known.charAt(0) === status.charAt(0))
    if (one !== undefined) return own(responses, one)
  }
  return own(responses, 'default')
}

function compareAnswers(status: string, before: ByMedia, now: ByMedia): readonly Difference[] {
  return Object.entries(before).flatMap(([media, shape]): readonly Difference[] => {
    const where = `${status} ${media}`
    const other = mediaOf(now, media)
    if (other !== undefined) return compareGot(where, shape, other)
    return [{ kind: 'answer-media-removed', where, was: media, becomes: namesOf(now), breaks: true }]
  })
}

/** What a client gets: all that it knows must be there, and nothing that it does not know. */
function compareGot(place: string, before: Shape, now: Shape): readonly Difference[] {
  return Object.entries(before).flatMap(([path, written]): Difference[] => {
    const was = fieldOf(written)
    const known = own(now, path)
    const where = `${place}: ${nameOf(path)}`
    if (known === undefined) {
      if (!isOpen(now, path)) return []
      return [{ kind: 'answer-field-removed', where, was: was.type, becomes: null, breaks: true }]
    }
    const { type, optional } = fieldOf(known)
    if (!allows(was.type, type)) {
      return [{ kind: 'answer-field-retyped', where, was: was.type, becomes: type, breaks: true }]
    }
    if (!optional || was.optional) return []
    return [{ kind: 'answer-field-optional', where, was: 'always there', becomes: 'optional', breaks: true }]
  })
}

function fieldOf(written: string): { readonly type: string; readonly optional: boolean } {
  const optional = written.endsWith('?')
  return { type: optional ? written.slice(0, -1) : written, optional }
}

/** Whether every value of the types `inner` is one of the types `outer`. */
function allows(outer: string, inner: string): boolean {
  if (outer === 'any' || inner === 'any') return true
  const types = outer.split('|')
  return inner.split('|').every((type) => types.includes(type) || (type === 'integer' && types.includes('number')))
}

/**
 * Whether a shape says which fields stand beside this path: what it stands in is there, is not `any`, and has fields
 * of its own. A bare `object` says nothing of what it holds.
 */
function isOpen(shape: Shape, path: string): boolean {
  const parent = parentOf(path)
  const written = own(shape, parent)
  if (written === undefined || fieldOf(written).type === 'any') return false
  return Object.keys(shape).some((other) => other !== '' && parentOf(other) === parent)
}

/** `owner.pets[].name` → `owner.pets[]` → `owner.pets` → `owner` → ``. */
function parentOf(path: string): string {
  const cut = Math.max(path.lastIndexOf('.'), path.endsWith('[]') || path.endsWith('{}') ? path.length - 2 : -1)
  return path.slice(0, Math.max(cut, 0))
}

/** The shape that answers for a media type: its own, or that of any. */
function mediaOf(media: ByMedia, type: string): Shape | undefined {
  const fallback = own(media, 'any') ?? own(media, `${type.replace(/\/.*$/, '')}/*`)
  if (type === 'any') return fallback ?? Object.values(media)[0]
  return own(media, type) ?? fallback
}

function namesOf(media: ByMedia): string | null {
  return Object.keys(media).join(', ') || null
}

function statusesOf({ responses }: Contract): string {
  return Object.keys(responses).join(', ')
}

function nameOf(path: string): string {
  return path === '' ? 'the body' : path
}
