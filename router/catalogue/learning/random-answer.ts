import { type Answered, weighStatus } from './evidence.ts'

/**
 * How an upstream answers paths that nobody can mean, in one folder of its. `refuses`: as it should, so that any other
 * answer is about what was asked for. `alike`: with what it gives for anything there.
 */
export type RandomAnswer =
  | { readonly kind: 'refuses' }
  | {
      readonly kind: 'alike'
      readonly status: number
      /** Bytes of the body by length of the path, at two lengths; undefined: not to be compared. */
      readonly lengths: readonly [PathLength, PathLength] | undefined
      readonly location: string | undefined
    }

export type PathLength = { readonly path: number; readonly body: number }

/** Whether an answer says that somebody implements what was asked for, beside the answers to random paths there. */
export function isEvidenceBeside(answered: Answered, random: RandomAnswer, behindWall: boolean): boolean {
  const weight = weighStatus(answered.status)
  if (weight === 'nothing' || weight === 'allow') return false
  if (weight === 'redirect' && answered.location === undefined) return false
  if (random.kind === 'refuses') return true
  const { status, lengths, location } = random
  if (weight === 'redirect') return placeOf(answered.location) !== placeOf(location)
  const isPage = status >= 200 && status < 300
  // What a page that is answered to anything was asked again for has not changed either.
  if (answered.status === 304) return !isPage
  if (answered.status === status) return isPage && lengths !== undefined && isOtherLength(answered, lengths)
  // Whoever may not pass is sent away from any path; what lies behind is known by what is refused there.
  return isPage || weighStatus(answered.status) !== 'for' || behindWall
}

function placeOf(location: string | undefined): string | undefined {
  return location === undefined ? undefined : (URL.parse(location, 'http://site.invalid')?.pathname ?? location)
}

/** A page that names the path is longer by so much for each character of it. */
function isOtherLength({ path, length }: Answered, [short, long]: readonly [PathLength, PathLength]): boolean {
  if (length === undefined) return false
  const growth = (long.body - short.body) / Math.max(1, long.path - short.path)
  const expected = short.body + growth * (path.length - short.path)
  return Math.abs(length - expected) > Math.max(16, expected * 0.02)
}
