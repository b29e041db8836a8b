import type { Left } from '../catalogue/left.ts'
import { ask } from './ask.ts'
import { ADMIN_OPTIONS, ADMIN_USAGE } from './client.ts'
import { duration, share, table } from './table.ts'
import type { Verb } from './verb.ts'

/** What is left in the monolith: operations, their share of traffic, and who could take each. */
export const left: Verb = {
  name: 'left',
  summary: 'says what is left in the legacy application, and which of it could move',
  usage: 'left [--json]',
  example: 'banyan left',
  help: `${ADMIN_USAGE}
  JSON: { "since", "operations": [{ key, method, template, upstream, requests, share, candidates }], "tiers" }`,
  positionals: 0,
  options: ADMIN_OPTIONS,
  run: (args, io) =>
    ask(args, io, async (client) => {
      const found = await client.get<Left>('/api/left')
      return { data: found, text: describe(found) }
    }),
}

function describe({ since, operations, tiers }: Left): string {
  const total = tiers.reduce((sum, tier) => sum + tier.operations, 0)
  const tierRows = tiers.map((one) => [one.tier, String(one.operations), String(one.requests), share(one.share)])
  const rows = operations.map((one) => [
    one.method,
    one.template,
    one.upstream,
    String(one.requests),
    share(one.share),
    one.candidates.map(({ upstream }) => upstream).join(', ') || '-',
  ])
  const headline = `${operations.length} of ${total} operations are left in legacy; requests counted for ${duration(Date.now() - since)}`
  return [
    headline,
    '',
    table(['TIER', 'OPERATIONS', 'REQUESTS', 'SHARE'], tierRows),
    '',
    table(['METHOD', 'PATH', 'SERVED BY', 'REQUESTS', 'SHARE', 'COULD MOVE TO'], rows),
  ].join('\n')
}
