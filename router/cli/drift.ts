import type { Difference } from '../catalogue/compare.ts'
import type { Drift, DriftedOperation, Uncompared } from '../catalogue/drift.ts'
import { printable } from '../discovery/words.ts'
import { ask } from './ask.ts'
import { ADMIN_OPTIONS, ADMIN_USAGE } from './client.ts'
import { textOption, UsageError, type Verb } from './verb.ts'

/** Contract drift: what a client of today's implementation would notice of another one. */
export const drift: Verb = {
  name: 'drift',
  summary: 'says where two implementers of one operation promise different things',
  usage: 'drift [--operation "METHOD PATH"] [--exit-code] [--json]',
  example: 'banyan drift --exit-code',
  help: `  --operation "GET /vets"  only this operation
  --exit-code        exit with 1 where something breaks a client
${ADMIN_USAGE}
  JSON: { "operations": [{ method, path, incumbent, candidate, differences }], "compared", "uncompared" }

Compared is what both describe in OpenAPI: from who answers an operation now to each other implementer. It breaks a
client where the candidate needs more, takes less, or no longer answers what the incumbent promises.`,
  positionals: 0,
  options: { ...ADMIN_OPTIONS, operation: { type: 'string' }, 'exit-code': { type: 'boolean' } },
  run(args, io) {
    const operation = textOption(args, 'operation')
    if (operation !== undefined && !/^\S+ \/\S*$/.test(operation)) {
      throw new UsageError(`--operation "${operation}" is not METHOD PATH, such as "GET /vets.html"`)
    }
    return ask(args, io, async (client) => {
      const found = narrowed(await client.get<Drift>('/api/drift'), operation)
      const breaks = found.operations.some(({ differences }) => differences.some((one) => one.breaks))
      return { data: found, text: describe(found), code: args.values['exit-code'] === true && breaks ? 1 : 0 }
    })
  },
}

function narrowed(found: Drift, operation: string | undefined): Drift {
  if (operation === undefined) return found
  const isMeant = ({ method, path }: { readonly method: string; readonly path: string }) =>
    `${method} ${path}` === operation
  const uncompared = found.uncompared.filter(isMeant)
  return { ...found, operations: found.operations.filter(isMeant), uncompared }
}

function describe({ operations, compared, uncompared }: Drift): string {
  const headline =
    compared === 0
      ? 'nothing was compared: no operation has two implementers that both publish a description'
      : `${count(compared, 'pair')} compared, ${operations.length} with differences`
  return [headline, ...operations.map((one) => `\n${describeDrift(one)}`), ...silence(uncompared)].join('\n')
}

/** The differences of one operation, a line each: `  breaks  200 application/json: city is gone; it was string`. */
export function describeDrift({ method, path, incumbent, candidate, differences }: DriftedOperation): string {
  return [`${method} ${path}: ${incumbent} → ${candidate}`, ...differences.map(differenceText)].join('\n')
}

function differenceText(difference: Difference): string {
  // Names of fields and parameters are what somebody's document says.
  return printable(
    `  ${difference.breaks ? 'breaks' : 'notice'}  ${difference.where} ${WORDS[difference.kind](difference)}`,
  )
}

const WORDS: Readonly<Record<Difference['kind'], (difference: Difference) => string>> = {
  'parameter-required': ({ was }) => `must be sent now${was === null ? '; it was unknown' : '; it was optional'}`,
  'parameter-retyped': retyped,
  'parameter-removed': () => 'is ignored now',
  'body-required': ({ was }) => `must be sent now${was === null ? '; none was taken' : '; it was optional'}`,
  'body-media-removed': ({ becomes }) => `is not taken; ${becomes === null ? 'no body is' : `taken: ${becomes}`}`,
  'body-field-required': ({ was }) => `must be sent now${was === null ? '; it was unknown' : '; it was optional'}`,
  'body-field-retyped': retyped,
  'status-removed': ({ becomes }) => `is not answered; answered: ${becomes}`,
  'status-added': () => 'may be answered now',
  'answer-media-removed': ({ becomes }) =>
    `is not answered; ${becomes === null ? 'no body is described' : `answered: ${becomes}`}`,
  'answer-field-removed': ({ was }) => `is gone; it was ${was}`,
  'answer-field-optional': () => 'may be missing; it was always there',
  'answer-field-retyped': retyped,
}

function retyped({ was, becomes }: Difference): string {
  return `is ${becomes} now; it was ${was}`
}

/** Upstreams that keep operations from being compared, each with how many. */
function silence(uncompared: readonly Uncompared[]): readonly string[] {
  const names = new Set(uncompared.flatMap(({ silent }) => silent))
  if (names.size === 0) return []
  const lines = [...names].sort().map((name) => {
    const kept = uncompared.filter(({ silent }) => silent.includes(name)).length
    return `  ${name} publishes no description of ${count(kept, 'operation')} that it shares; set discover.openapi where it has one`
  })
  return ['\nnot compared', ...lines]
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`
}
