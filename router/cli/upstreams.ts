import type { UpstreamView } from '../admin/views.ts'
import { ask } from './ask.ts'
import { ADMIN_OPTIONS, ADMIN_USAGE } from './client.ts'
import { duration, table } from './table.ts'
import type { Verb } from './verb.ts'

/** Every upstream: where it is, what discovery tried there, and what came back. */
export const upstreams: Verb = {
  name: 'upstreams',
  summary: 'lists every upstream: its endpoints, what discovery tried there and what came back',
  usage: 'upstreams [--json]',
  example: 'banyan upstreams',
  help: `${ADMIN_USAGE}\n  JSON: { "upstreams": [{ name, tier, endpoints, health, failure, operations, detection }] }`,
  positionals: 0,
  options: ADMIN_OPTIONS,
  run: (args, io) =>
    ask(args, io, async (client) => {
      const found = await client.get<{ upstreams: UpstreamView[] }>('/api/upstreams')
      return { data: found, text: describe(found.upstreams) }
    }),
}

function describe(all: readonly UpstreamView[]): string {
  const rows = all.map((one) => [
    one.name,
    one.tier,
    endpointsOf(one),
    String(one.operations),
    one.failure ?? one.detection.map(({ detector, state }) => `${detector}: ${state}`).join(', ') ?? '',
  ])
  const unwell = all.flatMap(({ name, health }) =>
    health
      .filter(({ because }) => because !== null)
      .map(({ address, state, because }) => `  ${name}, ${address}: ${state}; ${because}`),
  )
  const details = all.flatMap((one) =>
    one.detection.map((seen) => {
      const tried = seen.attempts.map(({ what, outcome }) => `      ${what}: ${outcome}`)
      const age = `${duration(Date.now() - seen.at)} ago`
      return [`  ${one.name}, ${seen.detector}: ${seen.state}, ${seen.operations} operations, ${age}`, ...tried].join(
        '\n',
      )
    }),
  )
  return `${table(['UPSTREAM', 'TIER', 'ENDPOINTS', 'OPERATIONS', 'DISCOVERY'], rows)}\n${unwell.length === 0 ? '' : `\nwhat is not healthy\n${unwell.join('\n')}\n`}\nwhat discovery tried\n${details.join('\n')}`
}

/** Where it is, and which of these addresses are not well. */
function endpointsOf({ endpoints, health }: UpstreamView): string {
  const unwell = health.filter(({ state }) => state !== 'healthy').map(({ address, state }) => `${address} ${state}`)
  return `${endpoints.join(', ') || '-'}${unwell.length === 0 ? '' : ` (${unwell.join(', ')})`}`
}
