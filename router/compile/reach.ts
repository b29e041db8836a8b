import { compareMatches } from '../dataplane/matching/precedence.ts'
import { neverMatches } from '../kernel/template.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import { type Claim, placeOf } from './claims.ts'
import { conditionsImply, contradicts } from './overlap.ts'

/** Warnings for routes that provably no request can reach. */
export function findUnreachable(claims: readonly Claim[]): readonly Diagnostic[] {
  const whole = claims.filter(({ template }) => template?.key === '/**')
  return claims.flatMap((claim): readonly Diagnostic[] => {
    const found = ownFault(claim) ?? shadow(claim, whole)
    if (found === undefined || claim.route === undefined) return []
    const { spec, index } = claim.route
    const message = `${claim.subject} can never match: ${found.because}`
    return [
      { severity: 'warning', code: 'unreachable-route', message, hint: found.hint, ...placeOf(spec, index, found.key) },
    ]
  })
}

type Fault = { readonly key: string; readonly because: string; readonly hint: string }

function ownFault({ template, rule: { match } }: Claim): Fault | undefined {
  const reason = template === undefined ? undefined : neverMatches(template)
  if (reason !== undefined) {
    return { key: 'path', because: `its path ${reason} before matching`, hint: 'write the path as it is after that' }
  }
  if (match.methods?.length === 0) {
    return { key: 'methods', because: 'its methods are none', hint: 'remove methods, or name some' }
  }
  const key = contradicts(match.headers) ? 'headers' : contradicts(match.query) ? 'query' : undefined
  return (
    key && {
      key,
      because: `its conditions on ${key} contradict each other`,
      hint: 'one value of a field cannot be two',
    }
  )
}

/** Templates never shadow each other: what covers another is less specific. But they all come before expressions. */
function shadow(claim: Claim, whole: readonly Claim[]): Fault | undefined {
  if (claim.template !== undefined) return undefined
  const { match } = claim.rule
  const other = whole.find(
    (candidate) =>
      compareMatches(candidate.ranked, claim.ranked) < 0 &&
      conditionsImply(match, candidate.rule.match) &&
      methodsCover(candidate.rule.match.methods, match.methods),
  )
  if (other === undefined) return undefined
  return {
    key: 'pathRegex',
    because: `${other.subject} takes every path, and templates come before regular expressions`,
    hint: other.to === '' ? 'remove one of the two' : `use default: ${other.to} instead of that route`,
  }
}

function methodsCover(wide: readonly string[] | undefined, narrow: readonly string[] | undefined): boolean {
  return wide === undefined || (narrow?.every((method) => wide.includes(method)) ?? false)
}
