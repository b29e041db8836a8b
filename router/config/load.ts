import { readdirSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Environment } from '../kernel/environment.ts'
import { type Decoded, decodeSpec } from './decode.ts'
import { tlsProblems } from './tls-files.ts'

/** Larger files are refused: reading one must not hold the router for longer than a second. */
const MAX_FILE_BYTES = 8 * 1024 * 1024

/** A file could not be read as text; the message says why and what to do. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile'
}

export type LoadOptions = {
  readonly env: Environment
  readonly cores: number
  /** The file's text where it has been read already, by `watchSpec`; otherwise it is read now. */
  readonly text?: string
}

/** Reads and decodes a file, with the folders below its `functions:`. What cannot be read is a diagnostic too. */
export async function loadSpec(file: string, options: LoadOptions): Promise<Decoded> {
  const path = resolve(file)
  try {
    const text = options.text ?? (await readText(path))
    const { env, cores } = options
    const decoded = decodeSpec(text, { file: path, env, cores, functionNames: functionFolders })
    const problems = await tlsProblems(decoded.tlsFiles ?? [], Date.now())
    return problems.length === 0 ? decoded : { ...decoded, diagnostics: [...decoded.diagnostics, ...problems] }
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error
    const at = { file: path, line: 1, column: 1 }
    return { diagnostics: [{ severity: 'error', code: 'unreadable-file', message: error.message, at }] }
  }
}

/** The text of a file; throws `UnreadableFile`. */
export async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file)
    if (size > MAX_FILE_BYTES) throw new UnreadableFile(`the file has ${size} bytes, at most 8 MiB are read`)
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(file))
  } catch (error) {
    if (error instanceof UnreadableFile) throw error
    throw new UnreadableFile(reason(error), { cause: error })
  }
}

/** Names of the folders that hold a function each; undefined where the folder cannot be read. */
export function functionFolders(folder: string): readonly string[] | undefined {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    const folders = entries.filter((entry) => entry.isDirectory() && /^[A-Za-z0-9]/.test(entry.name))
    return folders.map((entry) => entry.name).filter((name) => name !== 'node_modules')
  } catch {
    return undefined
  }
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return 'the file does not exist; write one, or name another with -c FILE'
  if (code === 'EISDIR') return 'is a folder; name a file with -c FILE'
  if (code === 'EACCES') return 'the file may not be read; check its permissions'
  if (error instanceof TypeError) return 'the file is not UTF-8 text'
  return `the file cannot be read: ${error instanceof Error ? error.message : String(error)}`
}
