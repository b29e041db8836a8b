import type { Reloaded } from '../admin/control.ts'
import { formatDiagnostics } from '../config/format.ts'
import { ask } from './ask.ts'
import { ADMIN_OPTIONS, ADMIN_USAGE } from './client.ts'
import type { Verb } from './verb.ts'

/** Reads the configuration again now, without waiting for the file to be seen as changed. */
export const reload: Verb = {
  name: 'reload',
  summary: 'reads the configuration again; --processes replaces the data-plane processes too',
  usage: 'reload [--processes] [--json]',
  example: 'banyan reload',
  help: `  --processes        replace every data-plane process, new before old, losing nothing\n${ADMIN_USAGE}`,
  positionals: 0,
  options: { ...ADMIN_OPTIONS, processes: { type: 'boolean' } },
  run: (args, io) =>
    ask(args, io, async (client) => {
      const body = { processes: args.values.processes === true }
      const result = await client.post<Reloaded>('/api/reload', body)
      const plan = `plan revision ${result.revision} (${result.hash.slice(0, 6)})`
      const outcome = result.accepted ? `accepted; ${plan} serves` : `refused; ${plan} serves on`
      const text = [formatDiagnostics(result.diagnostics, { folder: io.cwd }), outcome]
        .filter((part) => part !== '')
        .join('\n')
      return { data: result, text, code: result.accepted ? 0 : 1 }
    }),
}
