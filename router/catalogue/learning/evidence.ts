import { canonicalPath } from '../../kernel/canonical.ts'
import { shapeOfPath } from '../folding/fold.ts'

/** A request and its answer, as far as they say whether somebody implements what was asked for. */
export type Answered = {
  readonly method: string
  readonly path: string
  readonly status: number
  /** Bytes of the answer's body; undefined: not known. */
  readonly length: number | undefined
  /** Where it redirected to, without query; undefined: nowhere, or not known. */
  readonly location: string | undefined
}

/**
 * What a status says about the operation. `for`: somebody implements it, whatever he thought of the request.
 * `redirect`: so it is where redirects do not all lead to one place. `allow`: other methods are implemented.
 * `nothing`: 404, 501, and errors that anything may give.
 */
export function weighStatus(status: number): 'for' | 'redirect' | 'allow' | 'nothing' {
  if ((status >= 200 && status < 300) || status === 304 || SAYS_YES.has(status)) return 'for'
  if (status >= 300 && status < 400) return 'redirect'
  return status === 405 ? 'allow' : 'nothing'
}

const SAYS_YES = new Set([400, 401, 403, 409, 415, 422])

/** The method under which a request is an operation; undefined: it is none. HEAD follows GET. */
export function operationMethod(method: string): string | undefined {
  if (method === 'HEAD') return 'GET'
  return method === 'OPTIONS' || method === 'TRACE' || method === 'CONNECT' ? undefined : method
}

/** The path under which requests are counted; undefined: no request can have it. */
export function countedPath(path: string): string | undefined {
  const canonical = canonicalPath(path)
  return 'error' in canonical ? undefined : canonical.key
}

/** What answers look like over many paths: one that looks as many others do says nothing about its own path. */
export type Looks = {
  add(answered: Answered): void
  /** Whether it is evidence for the operation, as far as the answers added so far show. */
  isEvidence(answered: Answered): boolean
}

/** Paths whose answers have the same length, or lead to the same place, before that is a pattern. */
const SAME = { length: 8, place: 3 } as const
const MOST = 20_000

/** No answers yet; keeps a bounded number of lengths, places and path shapes. */
export function createLooks(): Looks {
  const lengths = new Map<string, Set<string>>()
  const places = new Map<string, Set<string>>()
  const proven = new Set<string>()

  function isUsual({ status, length, location }: Answered): boolean {
    if (location !== undefined) return (places.get(placeOf(location))?.size ?? 0) >= SAME.place
    return length !== undefined && length > 0 && (lengths.get(`${status} ${length}`)?.size ?? 0) >= SAME.length
  }

  return {
    add(answered) {
      const { method, path, status, length, location } = answered
      const shape = shapeOfPath(path)
      const weight = weighStatus(status)
      if (location !== undefined && weight === 'redirect') keep(places, placeOf(location), `${method} ${shape}`)
      else if (length !== undefined && method === 'GET') keep(lengths, `${status} ${length}`, shape)
      if (weight === 'for' && proven.size < MOST) proven.add(shape)
    },
    isEvidence(answered) {
      const weight = weighStatus(answered.status)
      if (weight === 'nothing' || weight === 'allow' || isUsual(answered)) return false
      // A log does not say where a redirect led; where the path answers otherwise too, somebody has it.
      return weight === 'for' || answered.location !== undefined || proven.has(shapeOfPath(answered.path))
    },
  }
}

function placeOf(location: string): string {
  return URL.parse(location, 'http://site.invalid')?.pathname ?? location
}

function keep(sets: Map<string, Set<string>>, key: string, shape: string): void {
  const known = sets.get(key)
  if (known === undefined) {
    if (sets.size < MOST) sets.set(key, new Set([shape]))
  } else if (known.size < SAME.length) known.add(shape)
}
