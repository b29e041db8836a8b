import { existsSync, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import type { Learned, Learning } from '../admin/control.ts'
import type { OperationView } from '../admin/operations.ts'
import { createLearner, type Learnt } from '../catalogue/learning/learn.ts'
import { RECORDINGS } from '../discovery/recordings/index.ts'
import { beginningOf, linesOf } from '../discovery/recordings/lines.ts'
import type { Recorded, RecordingKind } from '../discovery/recordings/recording.ts'
import { systemClock } from '../kernel/clock.ts'
import { operationKey } from '../kernel/template.ts'
import type { Operation } from '../model/catalogue.ts'
import { ADMIN_OPTIONS, ADMIN_USAGE, type AdminClient, AdminError, adminClient } from './client.ts'
import { table } from './table.ts'
import { type CommandIo, textOption, UsageError, type Verb, type VerbArgs } from './verb.ts'

/** Operations out of recorded traffic. */
export const learn: Verb = {
  name: 'learn',
  summary: 'reads operations out of access logs and HAR files, and tells the running router',
  usage: 'learn FILE… [--upstream NAME] [--dry-run] [--json]',
  example: 'banyan learn access.log --dry-run',
  help: `  --upstream NAME    who answered these requests (default: the default upstream)
  --dry-run          tells the router nothing; without one, operations are found all the same
${ADMIN_USAGE}
                     { "files": [{ file, kind, requests, malformed, first }], "operations": [{ method, template, seen }],
                       "evidence", "nothing", "rare", "crowded", "told" }

Access logs: common, combined, JSON lines; HAR files; compressed with gzip or not. Identifiers are folded. Files are
read twice and stay where they are; the router is told operations and their counts, never a path or a client.`,
  options: { ...ADMIN_OPTIONS, upstream: { type: 'string' }, 'dry-run': { type: 'boolean' } },
  async run(args, io) {
    const files = await filesOf(args, io)
    const client = adminClient({ admin: textOption(args, 'admin'), config: textOption(args, 'config') }, io.env)
    try {
      const found = await read(files, await knownTo(client, args), io)
      const told = args.values['dry-run'] === true ? undefined : await tell(client, files, found.learnt, args)
      io.out(args.values.json === true ? json(found, told) : report(found, told, client.url))
      return found.learnt.operations.length === 0 ? 1 : 0
    } catch (error) {
      if (!(error instanceof AdminError || error instanceof UnreadableRecording)) throw error
      io.err(`${error.message}\n`)
      return 1
    }
  },
}

class UnreadableRecording extends Error {}

type File = { readonly path: string; readonly shown: string; readonly bytes: number; readonly kind: RecordingKind }

async function filesOf(args: VerbArgs, io: CommandIo): Promise<readonly File[]> {
  if (args.positionals.length === 0) throw new UsageError('which files? Give access logs or HAR files')
  return Promise.all(
    args.positionals.map(async (shown) => {
      const path = resolve(io.cwd, shown)
      if (!existsSync(path) || !statSync(path).isFile()) throw new UsageError(`${shown}: no such file`)
      const beginning = await beginningOf(path)
      const kind = RECORDINGS.find((one) => one.recognises(beginning))
      if (kind === undefined) throw new UsageError(`${shown}: neither an access log nor a HAR file`)
      return { path, shown, bytes: statSync(path).size, kind }
    }),
  )
}

/** What the running router knows: requests for that are no news. Offline, nothing is known. */
async function knownTo(client: AdminClient, args: VerbArgs): Promise<readonly Operation[]> {
  try {
    const { operations } = await client.get<{ operations: OperationView[] }>('/api/operations')
    return operations
      .filter(({ implementers }) => implementers.length > 0)
      .map(({ method, path }) => ({ key: operationKey(method, path), method, template: path }))
  } catch (error) {
    if (error instanceof AdminError && args.values['dry-run'] === true) return []
    throw error
  }
}

type FileReport = {
  readonly file: string
  readonly kind: string
  readonly requests: number
  readonly malformed: number
  /** The first of them, each with its line. */
  readonly first: readonly string[]
}

type Found = { readonly files: readonly FileReport[]; readonly learnt: Learnt }

const SHOWN_MALFORMED = 3

async function read(files: readonly File[], known: readonly Operation[], io: CommandIo): Promise<Found> {
  const least = Math.min(...files.map(({ kind }) => kind.leastRequests))
  const learner = createLearner({ known, now: systemClock.now(), least })
  const progress = progressOn(io, 2 * files.reduce((sum, { bytes }) => sum + bytes, 0))
  const reports: FileReport[] = []
  for (const file of files) {
    let requests = 0
    let malformed = 0
    const first: string[] = []
    for await (const one of recorded(file, progress)) {
      if (one.kind === 'request') {
        requests++
        learner.look(one.request)
      } else if (++malformed <= SHOWN_MALFORMED) first.push(`${one.line}: ${one.text}`)
    }
    reports.push({ file: file.shown, kind: file.kind.kind, requests, malformed, first })
  }
  for (const file of files) {
    for await (const one of recorded(file, progress)) if (one.kind === 'request') learner.take(one.request)
  }
  progress(0, true)
  return { files: reports, learnt: learner.result() }
}

async function* recorded(file: File, progress: (bytes: number) => void): AsyncIterable<Recorded> {
  try {
    yield* file.kind.read(linesOf(file.path, file.kind.longestLine, progress))
  } catch (error) {
    throw new UnreadableRecording(`${file.shown} ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** On a terminal only; `done` clears the line. */
function progressOn(io: CommandIo, total: number): (bytes: number, done?: boolean) => void {
  let bytes = 0
  let shown = -1
  return (more, done = false) => {
    bytes += more
    const percent = Math.floor((bytes / Math.max(1, total)) * 100)
    if (!io.terminal || (percent === shown && !done)) return
    shown = percent
    io.err(done ? '\r\u001b[K' : `\rreading: ${percent} %`)
  }
}

async function tell(
  client: AdminClient,
  files: readonly File[],
  { operations }: Learnt,
  args: VerbArgs,
): Promise<Learned | undefined> {
  if (operations.length === 0) return undefined
  const upstream = textOption(args, 'upstream')
  const detector = files.every(({ kind }) => kind.kind === 'har') ? 'har' : 'log'
  const source = files
    .map(({ shown }) => basename(shown))
    .join(', ')
    .slice(0, 1_000)
  const learning: Learning = { detector, source, operations, ...(upstream === undefined ? {} : { upstream }) }
  return client.post<Learned>('/api/learn', learning)
}

function json({ files, learnt }: Found, told: Learned | undefined): string {
  return `${JSON.stringify({ files, ...learnt, told: told ?? null }, null, 2)}\n`
}

function report({ files, learnt }: Found, told: Learned | undefined, url: string): string {
  const { operations, evidence, nothing, rare, crowded } = learnt
  const rows = operations.map(({ method, template, seen }) => [
    method,
    template,
    String(seen.count),
    Object.entries(seen.statuses)
      .map(([status, count]) => `${status}: ${count}`)
      .join(', '),
  ])
  const lines = [
    ...files.flatMap(({ file, kind, requests, malformed, first }) => [
      `${file}: ${kind}, ${requests} requests${malformed === 0 ? '' : `, ${malformed} lines not understood`}`,
      ...first.map((line) => `  line ${line}`),
    ]),
    `${operations.length} operations in ${evidence} requests; ${nothing} say nothing (not found, or answered as anything is)`,
    ...(rare === 0 ? [] : [`${rare} more were asked for too rarely to tell a name from a value`]),
    ...(crowded === 0 ? [] : [`${crowded} requests were left out: too many different paths`]),
    ...(told?.kind === 'learned'
      ? [`told the router at ${url}: observed on ${told.upstream}`]
      : ['the router was told nothing']),
  ]
  return `${rows.length === 0 ? '' : `${table(['METHOD', 'PATH', 'REQUESTS', 'ANSWERS'], rows)}\n\n`}${lines.join('\n')}\n`
}
