import type { Decoded } from '../config/decode.ts'
import { mergeDiagnostics } from '../config/format.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import { compile } from './compile.ts'

/**
 * Everything wrong with a text that is refused: what its decoding found, and ties between its routes, which would
 * otherwise be found only after all the rest was mended.
 */
export function problemsOfRefused({ draft, diagnostics }: Decoded): readonly Diagnostic[] {
  if (draft === undefined) return diagnostics
  const taken = diagnostics.flatMap(({ code, path }) => (code === 'duplicate-route' && path ? [routeIn(path)] : []))
  const ties = compile(draft, NOWHERE, []).diagnostics.filter(
    // Routes with one id match the same requests as a rule, and that was said already.
    ({ code, path = '' }) => TIES.has(code) && !taken.includes(routeIn(path)),
  )
  return mergeDiagnostics(diagnostics, ties)
}

const TIES: ReadonlySet<string> = new Set(['duplicate-route', 'tied-routes'])
const NOWHERE = { catalogue: { operations: [], unclaimed: [], pending: [] }, sources: [] } as const

/** `routes[3].path` → `routes[3]` */
function routeIn(path: string): string {
  return path.replace(/\].*/, ']')
}
