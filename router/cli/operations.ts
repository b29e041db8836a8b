import type { OperationView } from '../admin/operations.ts'
import { ask } from './ask.ts'
import { ADMIN_OPTIONS, ADMIN_USAGE } from './client.ts'
import { table } from './table.ts'
import { textOption, UsageError, type Verb } from './verb.ts'

/** The catalogue: every operation, who serves it, who else could, and how that is known. */
export const operations: Verb = {
  name: 'operations',
  summary: 'lists every operation: who serves it, who else implements it, how that is known',
  usage: 'operations [--tier legacy|service|function] [--json]',
  example: 'banyan operations --tier legacy',
  help: `  --tier TIER        only what this tier serves now\n${ADMIN_USAGE}
  JSON: { "operations": [{ method, path, owner, served_by, tier, rule, implementers, shift, requests, note }] }`,
  positionals: 0,
  options: { ...ADMIN_OPTIONS, tier: { type: 'string' } },
  run(args, io) {
    const tier = textOption(args, 'tier')
    if (tier !== undefined && !['legacy', 'service', 'function'].includes(tier)) {
      throw new UsageError(`--tier "${tier}" is none of legacy, service, function`)
    }
    return ask(args, io, async (client) => {
      const answer = await client.get<{ operations: OperationView[] }>('/api/operations')
      const shown = answer.operations.filter((operation) => tier === undefined || operation.tier === tier)
      return { data: { operations: shown }, text: operationsTable(shown) }
    })
  },
}

function operationsTable(shown: readonly OperationView[]): string {
  if (shown.length === 0) return 'no operation is known; banyan upstreams says what discovery tried'
  const rows = shown.map((operation) => [
    operation.method,
    operation.path,
    operation.served_by ?? 'nobody',
    others(operation),
    evidence(operation),
    operation.shift ? `${operation.shift.stage} to ${operation.shift.candidate}` : (operation.note ?? ''),
  ])
  return table(['METHOD', 'PATH', 'SERVED BY', 'ALSO IN', 'EVIDENCE', 'NOW'], rows)
}

function others({ implementers, served_by }: OperationView): string {
  return (
    implementers
      .map(({ upstream }) => upstream)
      .filter((upstream) => upstream !== served_by)
      .join(', ') || '-'
  )
}

function evidence({ implementers }: OperationView): string {
  return implementers.map(({ evidence: known }) => known.map(named).join('+')).join(', ') || '-'
}

const LONGEST_DETAIL = 40

/** `openapi`, or `wsdl (SOAP GetVets, AddVet)`; a long detail is cut, `--json` has all of it. */
function named({ detector, detail }: OperationView['implementers'][number]['evidence'][number]): string {
  if (detail === null) return detector
  return `${detector} (${detail.length > LONGEST_DETAIL ? `${detail.slice(0, LONGEST_DETAIL)}…` : detail})`
}
