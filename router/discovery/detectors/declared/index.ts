import { collectOperations } from '../../operations.ts'
import type { DetectContext, DetectorKind, Finding } from '../detector.ts'
import { operationsOfRoute } from './templates.ts'

/** What an upstream says of itself through its source: a function's own route table. */
export const declared: DetectorKind = {
  kind: 'declared',
  confidence: 'declared',
  polls: false,
  applies: ({ declares }) => declares !== undefined,
  question: ({ declares, failure }) => JSON.stringify([declares, failure]),
  detect: async (context) => read(context),
}

function read({ upstream: { name, declares = [], failure }, clock }: DetectContext): Finding {
  const at = clock.now()
  const what = `routes of ${name}`
  if (failure !== undefined && declares.length === 0) {
    return { kind: 'failed', attempts: [{ what, outcome: failure, at }] }
  }
  const written = declares.map((route) => ({ route, operations: operationsOfRoute(route) }))
  const { operations, skipped } = collectOperations(written.flatMap((one) => one.operations ?? []))
  const strange = written.filter((one) => one.operations === undefined).map(({ route }) => `"${route}"`)
  const outcome = [
    `${operations.length} operation${operations.length === 1 ? '' : 's'}`,
    ...(strange.length === 0 ? [] : [`${strange.join(', ')} not understood: expected METHOD /path`]),
    ...(skipped === 0 ? [] : [`${skipped} left out: no path can match them`]),
  ].join('; ')
  return { kind: 'read', operations, source: name, attempts: [{ what, outcome, at }] }
}
