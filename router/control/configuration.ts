import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Compiled, compile } from '../compile/compile.ts'
import { problemsOfRefused } from '../compile/refused.ts'
import { formatDiagnostics } from '../config/format.ts'
import { loadSpec, readText, UnreadableFile } from '../config/load.ts'
import { expandEnvironment } from '../kernel/environment.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Spec } from '../model/spec.ts'

/** A configuration that serves, and what the file says now where that is something else. */
export type Configuration = {
  readonly spec: Spec
  /** The text `spec` was decoded from. */
  readonly text: string
  /** False: the file is broken, and `spec` is the last good one. */
  readonly current: boolean
  /** What is wrong with the file, or worth knowing. */
  readonly diagnostics: readonly Diagnostic[]
  /** When `spec` was first accepted. */
  readonly loadedAt: number
}

/** With what the file itself says, broken or not; undefined: it could not be read. */
export type FirstConfiguration = Configuration & { readonly fileText: string | undefined }

export type ReadOptions = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cores: number
  readonly now: () => number
}

/**
 * What a text says: a spec only where nothing refuses the whole file, ties between routes included. Those need no
 * knowledge of the world, so without one they are found before anything is opened or asked.
 */
export async function readConfiguration(
  file: string,
  text: string,
  options: ReadOptions,
  compiled: (spec: Spec) => Compiled = (spec) => compile(spec, NOWHERE, []),
): Promise<{ readonly spec: Spec | undefined; readonly diagnostics: readonly Diagnostic[] }> {
  const decoded = await loadSpec(file, { env: options.env, cores: options.cores, text })
  if (decoded.spec === undefined) return { spec: undefined, diagnostics: problemsOfRefused(decoded) }
  const ties = compiled(decoded.spec).diagnostics.filter(({ severity }) => severity === 'error')
  return {
    spec: ties.length === 0 ? decoded.spec : undefined,
    diagnostics: [...decoded.diagnostics, ...ties],
  }
}

const NOWHERE = { catalogue: { operations: [], unclaimed: [], pending: [] }, sources: [] } as const

/**
 * The first configuration of a process: the file, or the last good one where the file is broken. With neither, the
 * problems alone.
 */
export async function firstConfiguration(
  file: string,
  options: ReadOptions,
): Promise<FirstConfiguration | { readonly problems: readonly Diagnostic[] }> {
  const text = await readText(file).catch((error: unknown) => {
    if (error instanceof UnreadableFile) return error
    throw error
  })
  const read =
    text instanceof UnreadableFile
      ? { spec: undefined, diagnostics: [unreadable(file, text)] }
      : await readConfiguration(file, text, options)
  const fileText = typeof text === 'string' ? text : undefined
  const { spec, diagnostics } = read
  if (spec !== undefined && fileText !== undefined) {
    return { spec, text: fileText, fileText, current: true, diagnostics, loadedAt: options.now() }
  }
  const kept = readLastGood(stateFolderNamed(fileText ?? '', file, options.env))
  if (kept === undefined) return { problems: diagnostics }
  const last = await readConfiguration(file, kept.text, options)
  if (last.spec === undefined) return { problems: diagnostics }
  return { spec: last.spec, text: kept.text, fileText, current: false, diagnostics, loadedAt: kept.savedAt }
}

/** Keeps the text of a configuration that serves, for a start with a broken file. Throws where it cannot be written. */
export function saveLastGood(folder: string, text: string): void {
  const file = join(folder, LAST_GOOD)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // It may hold a secret that somebody wrote in plain text: for its owner alone, as the original should be.
  // On disk before it takes the old one's place: half a YAML is often valid.
  writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true })
  renameSync(`${file}.new`, file)
}

/** `banyan.yaml:14:11 …`, counted, for the log and the terminal; places are shown relative to the file's folder. */
export function problemText(file: string, diagnostics: readonly Diagnostic[], outcome?: string): string {
  const folder = dirname(resolve(file))
  return formatDiagnostics(diagnostics, { folder, ...(outcome === undefined ? {} : { outcome }) })
}

const LAST_GOOD = 'last-good.yaml'

function readLastGood(folder: string): { readonly text: string; readonly savedAt: number } | undefined {
  const file = join(folder, LAST_GOOD)
  try {
    return { text: readFileSync(file, 'utf8'), savedAt: statSync(file).mtimeMs }
  } catch {
    return undefined
  }
}

/** Where the state folder is according to a text that may be broken: the line that names it can still be read. */
function stateFolderNamed(text: string, file: string, env: ReadOptions['env']): string {
  const named = /^state:[ \t]*["']?sqlite:([^\s"'#]+)/m.exec(text)?.[1]
  if (named === undefined) return join(dirname(file), '.banyan')
  return dirname(resolve(dirname(file), expandEnvironment(named, env).value))
}

function unreadable(file: string, error: UnreadableFile): Diagnostic {
  return { severity: 'error', code: 'unreadable-file', message: error.message, at: { file, line: 1, column: 1 } }
}
