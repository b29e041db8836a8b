import type { Catalogue } from '../model/catalogue.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import { type Claim, placeOf } from './claims.ts'
import { type Finding, nameOf } from './operations.ts'

/** One warning a claim and kind of finding, with every operation it is about by name. */
export function describeFindings(findings: readonly Finding[], catalogue: Catalogue): readonly Diagnostic[] {
  const groups = Map.groupBy(findings, ({ kind, claim }) => `${claim.rule.id} ${kind}`)
  return [...groups.values()].flatMap((group): readonly Diagnostic[] => {
    const first = group[0]
    if (first === undefined) return []
    const { claim, kind } = first
    // A shift that is not in the YAML was asked for by operation: nobody expects it to take others.
    if (claim.rule.origin === 'shift' && kind === 'kept') return []
    if (kind === 'not-implemented' && !hasAnswered(claim.to, catalogue)) return []
    const place = claim.route === undefined ? {} : placeOf(claim.route.spec, claim.route.index, KEYS[kind])
    return [{ severity: 'warning', ...TEXTS[kind](claim, group), ...place }]
  })
}

const KEYS = { kept: 'path', observed: 'path', captured: 'capture', 'not-implemented': 'to' } as const

type Text = Pick<Diagnostic, 'code' | 'message' | 'hint'>

const TEXTS: Record<Finding['kind'], (claim: Claim, findings: readonly Finding[]) => Text> = {
  kept: (claim, findings) => ({
    code: 'kept-operations',
    message: `${claim.subject} leaves ${count(findings)} to others, because ${claim.to} is not known to implement ${them(findings)}: ${byOwner(findings)}`,
    hint:
      claim.route === undefined
        ? 'nothing to do if that is right; to move one, write a route that names it with its methods'
        : 'nothing to do if that is right; to move one, name it with its methods; to take all, write capture: true',
  }),
  observed: (claim, findings) => ({
    code: 'observed-operations',
    message: `${claim.subject} takes ${count(findings)} that others were seen to answer: ${byOwner(findings)}`,
    hint: `if ${claim.to} does not implement ${them(findings)}, write a route for ${them(findings)}`,
  }),
  captured: (claim, findings) => ({
    code: 'captured-operations',
    ...capturedText(claim, findings),
  }),
  'not-implemented': (claim, findings) => ({
    code: 'target-does-not-implement',
    message: `${claim.subject} sends ${names(findings)} to ${claim.to}, which is not known to implement ${them(findings)}`,
    hint: `known: ${implementers(findings)}; check to:, or what ${claim.to} publishes about itself`,
  }),
}

function capturedText(claim: Claim, findings: readonly Finding[]): Pick<Text, 'message' | 'hint'> {
  const operations = `${count(findings)} that`
  if (claim.to === '') {
    const message = `${claim.subject} answers ${operations} others implement: ${byOwner(findings)}`
    return { message, hint: 'write a route for one that should stay where it is' }
  }
  const message = `${claim.subject} captures ${operations} ${claim.to} is not known to implement: ${byOwner(findings)}`
  return { message, hint: 'remove capture: true to leave them where they are' }
}

/** Whether detection has said anything of an upstream; before that, "not known" means nothing. */
function hasAnswered(upstream: string, catalogue: Catalogue): boolean {
  if (catalogue.pending.includes(upstream)) return false
  return catalogue.operations.some(({ implementations }) =>
    implementations.some((each) => each.upstream === upstream && each.evidence.length > 0),
  )
}

function count(findings: readonly Finding[]): string {
  return findings.length === 1 ? '1 operation' : `${findings.length} operations`
}

function them(findings: readonly Finding[]): string {
  return findings.length === 1 ? 'it' : 'them'
}

function byOwner(findings: readonly Finding[]): string {
  const owners = Map.groupBy(findings, ({ owner }) => owner)
  return [...owners].map(([owner, each]) => `${names(each)} (${owner})`).join('; ')
}

function names(findings: readonly Finding[]): string {
  return findings.map(({ operation }) => nameOf(operation)).join(', ')
}

function implementers(findings: readonly Finding[]): string {
  const upstreams = findings.flatMap(({ operation }) => operation.implementations.map(({ upstream }) => upstream))
  return [...new Set(upstreams)].join(', ') || 'nobody'
}
