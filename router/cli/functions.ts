import type { UpstreamView } from '../admin/views.ts'
import { ask, type Finding } from './ask.ts'
import { ADMIN_OPTIONS, ADMIN_USAGE, type AdminClient } from './client.ts'
import { table } from './table.ts'
import { UsageError, type Verb } from './verb.ts'

/** The local functions, or the newest lines of one's log. */
export const functions: Verb = {
  name: 'functions',
  summary: 'lists the functions and their state; functions log NAME shows what one printed',
  usage: 'functions [log NAME] [--json]',
  example: 'banyan functions log contact',
  help: ADMIN_USAGE,
  positionals: 2,
  options: ADMIN_OPTIONS,
  run: (args, io) =>
    ask(args, io, async (client) => {
      const { upstreams } = await client.get<{ upstreams: UpstreamView[] }>('/api/upstreams')
      const found = upstreams.filter((one) => one.tier === 'function')
      const [action, name = ''] = args.positionals
      if (action === 'log') return log(client, name, found)
      if (action !== undefined) throw new UsageError(`functions ${action}: what? log NAME, or nothing for the list`)
      const rows = found.map((one) => [
        one.name,
        (one.revision ?? '-').slice(0, 8),
        String(one.operations),
        stateOf(one),
      ])
      const text =
        found.length === 0 ? 'there are no functions' : table(['FUNCTION', 'REVISION', 'OPERATIONS', 'STATE'], rows)
      return { data: { functions: found }, text }
    }),
}

async function log(client: AdminClient, name: string, known: readonly UpstreamView[]): Promise<Finding> {
  const full = name.startsWith('functions/') ? name : `functions/${name}`
  if (!known.some((one) => one.name === full)) {
    const names = known.map((one) => one.name).join(', ') || 'none'
    throw new UsageError(`unknown function "${name}"; known: ${names}`)
  }
  const { lines } = await client.get<{ lines: string[] }>(`/api/functions/log?name=${encodeURIComponent(full)}`)
  return { data: { lines }, text: lines.join('\n') || `${full} has printed nothing` }
}

function stateOf({ failure, refused }: UpstreamView): string {
  return failure ?? (refused === null ? 'serves' : `serves its version before: ${refused}`)
}
