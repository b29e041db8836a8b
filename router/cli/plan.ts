import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { PlanChange } from '../compile/diff.ts'
import { formatDiagnostics } from '../config/format.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import { ask, type Finding } from './ask.ts'
import { ADMIN_OPTIONS, ADMIN_USAGE, AdminError } from './client.ts'
import { table } from './table.ts'
import { textOption, type Verb } from './verb.ts'

type Preview = {
  readonly diagnostics: readonly Diagnostic[]
  readonly running: { readonly revision: number; readonly hash: string; readonly file: string } | undefined
  readonly changes: readonly PlanChange[] | undefined
}

/** What a configuration would change against what is running now; changes nothing. */
export const plan: Verb = {
  name: 'plan',
  summary: 'shows what a configuration would change against what is running now',
  usage: 'plan [-c FILE] [--exit-code] [--json]',
  example: 'banyan plan -c banyan.yaml',
  help: `  -c, --config FILE  the configuration (default: banyan.yaml)\n  --exit-code        exit with 1 where something would change\n${ADMIN_USAGE}`,
  positionals: 0,
  options: { ...ADMIN_OPTIONS, 'exit-code': { type: 'boolean' } },
  run: (args, io) =>
    ask(args, io, async (client) => {
      const file = resolve(io.cwd, textOption(args, 'config') ?? 'banyan.yaml')
      const text = await readFile(file, 'utf8').catch((error: Error) => {
        throw new AdminError(`cannot read ${file}: ${error.message}`)
      })
      const preview = await client.post<Preview>('/api/plan', { file, text })
      return describe(preview, { file, exitCode: args.values['exit-code'] === true, folder: io.cwd })
    }),
}

type Asked = { readonly file: string; readonly exitCode: boolean; readonly folder: string }

function describe(preview: Preview, { file, exitCode, folder }: Asked): Finding {
  const { diagnostics, changes, running } = preview
  const said = diagnostics.length > 0 ? `${formatDiagnostics(diagnostics, { folder })}\n` : ''
  if (changes === undefined) return { data: preview, text: `${said}refused: nothing would change`, code: 1 }
  const against = runningText(running, file)
  if (changes.length === 0) return { data: preview, text: `${said}no changes against ${against}` }
  const rows = changes.map(({ change, subject, name, detail }) => [SIGNS[change], subject, name, detail])
  const text = `${said}${table(['', 'WHAT', 'NAME', 'BECOMES'], rows)}\n${changes.length} changes against ${against}`
  return { data: preview, text, code: exitCode ? 1 : 0 }
}

/** Names the file that the router runs where it is another: the changes are then those from one to the other. */
function runningText(running: Preview['running'], file: string): string {
  if (running === undefined) return 'nothing yet'
  const other = running.file === file ? '' : ` of the router that runs ${running.file}`
  return `plan revision ${running.revision} (${running.hash.slice(0, 6)})${other}`
}

const SIGNS = { added: '+', removed: '-', changed: '~' } as const
