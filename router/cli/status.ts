import type { Status } from '../admin/control.ts'
import { formatDiagnostics } from '../config/format.ts'
import { ask } from './ask.ts'
import { ADMIN_OPTIONS, ADMIN_USAGE } from './client.ts'
import { duration } from './table.ts'
import type { Verb } from './verb.ts'

/** Whether the router is well, what it runs, and what is kept back. Exit code 1 where it is degraded. */
export const status: Verb = {
  name: 'status',
  summary: 'says whether the running router is well, and what is kept back',
  usage: 'status [--json]',
  example: 'banyan status',
  help: `${ADMIN_USAGE}\n  exit code 1 where the router is degraded`,
  positionals: 0,
  options: ADMIN_OPTIONS,
  run: (args, io) =>
    ask(args, io, async (client) => {
      const found = await client.get<Status>('/api/status')
      return { data: found, text: describe(found, io.cwd), code: found.state === 'degraded' ? 1 : 0 }
    }),
}

function describe(found: Status, folder: string): string {
  const { plan, configuration } = found
  const lines = [
    `banyan ${found.version}: ${found.state}, up ${duration(Date.now() - found.startedAt)}`,
    `  configuration  ${configuration.file}${configuration.current ? '' : ' is broken: the last good one serves'}`,
    `  plan           ${plan ? `revision ${plan.revision} (${plan.hash.slice(0, 6)}) of ${clockTime(plan.publishedAt)}` : 'none yet'}`,
    `  listens        ${found.listen.map(({ host, port }) => (host === '::' ? `port ${port}` : `${host}:${port}`)).join(', ')}`,
    `  processes      ${found.processes.map(({ pid, revision }) => `${pid} at revision ${revision}`).join(', ') || 'none'}`,
    `  state          ${found.store}`,
    ...(found.observing ? [OBSERVING] : []),
    ...found.notices.map((notice) => `  ! ${notice}`),
  ]
  if (configuration.diagnostics.length > 0) lines.push('', formatDiagnostics(configuration.diagnostics, { folder }))
  return lines.join('\n')
}

const OBSERVING = '  ! only observes: everything goes to the default upstream, nothing moves; started with --observe'

function clockTime(ms: number): string {
  return new Date(ms).toTimeString().slice(0, 8)
}
