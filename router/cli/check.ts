import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { joinCatalogue } from '../catalogue/join.ts'
import { decideOwnership } from '../catalogue/ownership.ts'
import { compile, type World } from '../compile/compile.ts'
import { problemsOfRefused } from '../compile/refused.ts'
import { formatDiagnostics, mergeDiagnostics } from '../config/format.ts'
import { functionFolders, loadSpec, readText, UnreadableFile } from '../config/load.ts'
import { loadObservations, loadSources, observationsFile } from '../control/observations.ts'
import { mergeObservations } from '../discovery/sources/merge.ts'
import { foreseen, writtenSources } from '../discovery/sources/open.ts'
import type { SourceObservation } from '../model/catalogue.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Spec } from '../model/spec.ts'
import { ADMIN_OPTIONS, ADMIN_USAGE, AdminError, adminClient } from './client.ts'
import { type CommandIo, textOption, UsageError, type Verb, type VerbArgs } from './verb.ts'

/** Whether a file would be accepted, and what it would do that may surprise. */
export const check: Verb = {
  name: 'check',
  summary: 'validates a configuration; changes nothing',
  usage: 'check [-c FILE] [--strict] [--probe] [--admin URL] [--json]',
  example: 'banyan check -c banyan.yaml',
  help: `  -c, --config FILE  the configuration (default: banyan.yaml)
  --strict           exit with 1 on warnings too
  --probe            asks the upstreams now instead of a router, and looks for links and assets on the default
                     upstream's pages that nobody serves: GET only, at most 100 requests and 15 s
${ADMIN_USAGE}
                     { "check": [{ severity, code, message, hint, at, path }], "captures": "…" }

Which operations a route would leave to others is judged by what the running router knows; where none answers, by
what it last knew, as the state folder has it; without that it is not checked. The last line says which.
Exit code: 0 nothing wrong, 1 errors, 2 used wrongly or no such file.`,
  positionals: 0,
  options: { ...ADMIN_OPTIONS, strict: { type: 'boolean' }, probe: { type: 'boolean' } },
  async run(args, io) {
    const file = resolve(io.cwd, textOption(args, 'config') ?? 'banyan.yaml')
    const { diagnostics, captures } = await examine(file, args, io)
    if (args.values.json === true) io.out(`${JSON.stringify({ check: diagnostics, captures }, null, 2)}\n`)
    else io.out(`${formatDiagnostics(diagnostics, { folder: io.cwd, outcome: captures })}\n`)
    const wrong = args.values.strict === true ? diagnostics : diagnostics.filter(({ severity }) => severity === 'error')
    return wrong.length > 0 ? 1 : 0
  },
}

/** `captures` says in words by whose knowledge captures were judged. */
type Examined = { readonly diagnostics: readonly Diagnostic[]; readonly captures: string }

async function examine(file: string, args: VerbArgs, io: CommandIo): Promise<Examined> {
  const text = await readText(file).catch((error: unknown) => {
    if (error instanceof UnreadableFile) throw new UsageError(`${file}: ${error.message}`)
    throw error
  })
  const decoded = await loadSpec(file, { env: io.env, cores: availableParallelism(), text })
  const { spec, diagnostics } = decoded
  if (spec === undefined) {
    return { diagnostics: problemsOfRefused(decoded), captures: 'captures were not checked: the file is refused' }
  }
  if (args.values.probe === true) {
    const { probeUpstreams } = await import('./probe.ts')
    const probed = await probeUpstreams(spec)
    return { diagnostics: mergeDiagnostics(diagnostics, probed.diagnostics), captures: probed.by }
  }
  const client = adminClient({ admin: textOption(args, 'admin'), config: file }, io.env)
  try {
    const answer = await client.post<Answer>('/api/check', { file, text })
    // Another router's operations and upstreams say little about this file, the example's on the usual port least.
    const other = answer.file === file ? '' : `, which runs ${answer.file}`
    const captures = `captures checked against the ${answer.operations} operations known at ${client.url}${other}`
    return { diagnostics: mergeDiagnostics(diagnostics, answer.diagnostics), captures }
  } catch (error) {
    if (!(error instanceof AdminError)) throw error
    const { world, by } = lastKnown(spec)
    return {
      diagnostics: mergeDiagnostics(diagnostics, compile(spec, world, []).diagnostics),
      captures: `${by}${error.message}`,
    }
  }
}

type Answer = {
  readonly diagnostics: readonly Diagnostic[]
  readonly operations: number
  /** What that router runs. */
  readonly file: string
}

/** What can be known without a running router: the folders of functions, and what it left in the state folder. */
function lastKnown(spec: Spec): { readonly world: World; readonly by: string } {
  const names = spec.functions === undefined ? [] : (functionFolders(spec.functions) ?? [])
  const upstreams = names.map((name) => ({ name: `functions/${name}`, tier: 'function', endpoints: [] }) as const)
  const words: readonly SourceObservation[] = [
    { source: 'functions', at: 0, upstreams },
    ...loadSources(spec.state.folder),
  ]
  const sources = mergeObservations(foreseen(words, spec, spec), writtenSources(spec)).observations
  const kept = loadObservations(spec.state.folder)
  const exists = new Set(sources.flatMap((word) => word.upstreams.map(({ name }) => name)))
  const observations = kept.filter(({ upstream }) => exists.has(upstream))
  const { ownership, observed } = decideOwnership({ remembered: new Map(), observations, sources, spec })
  const catalogue = joinCatalogue(observations, [], new Map([...observed, ...ownership]))
  const file = observationsFile(spec.state.folder)
  const by = `captures checked against the ${catalogue.operations.length} operations last known (${file}); `
  return { world: { catalogue, sources }, by: kept.length > 0 ? by : 'captures were not checked: ' }
}
