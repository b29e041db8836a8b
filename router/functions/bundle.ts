import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { Message } from 'esbuild'
import type { Environment } from '../kernel/environment.ts'
import { decodeManifest, EMPTY_MANIFEST, type Manifest } from './manifest.ts'

/** One version of a function, ready to run. */
export type Bundle = {
  /** Hash of the code and of function.yaml as written: equal means that nothing has to be started again. */
  readonly revision: string
  readonly code: string
  readonly sourceMap: string
  readonly manifest: Manifest
}

/** `files`: absolute paths of every file that was read, packages left out: a change of one asks for a new bundle. */
export type Bundled =
  | { readonly kind: 'bundle'; readonly bundle: Bundle; readonly files: readonly string[] }
  | { readonly kind: 'broken'; readonly failure: string; readonly files: readonly string[] }

/** A function's folder as it is on disk. */
export type FunctionFolder = {
  /** `functions/contact` */
  readonly name: string
  /** Absolute path of the folder. */
  readonly path: string
  /** Absolute path of its index.ts or index.js. */
  readonly entry: string
}

/**
 * Bundles a function into one ES module with esbuild (35 ms for a Hono app). Places in messages are relative to
 * the folder that holds the functions folder: `functions/contact/index.ts:3:14`.
 */
export async function bundleFunction(folder: FunctionFolder, environment: Environment): Promise<Bundled> {
  const root = dirname(dirname(folder.path))
  const manifestFile = join(folder.path, 'function.yaml')
  const text = await readIfThere(manifestFile)
  const decoded =
    text === undefined
      ? { kind: 'manifest' as const, manifest: EMPTY_MANIFEST }
      : decodeManifest(text, relative(root, manifestFile), environment)
  const built = await build(folder, root)
  if (decoded.kind === 'broken') {
    const failure = several(decoded.problems)
    return { kind: 'broken', failure, files: built.files }
  }
  if (built.kind === 'broken') return built
  // The manifest counts as it is written: a hash of filled-in values would let a short secret be guessed from it.
  const revision = createHash('sha256')
    .update(`${built.code}\0${text ?? ''}`)
    .digest('hex')
    .slice(0, 16)
  const { code, sourceMap, files } = built
  return { kind: 'bundle', bundle: { revision, code, sourceMap, manifest: decoded.manifest }, files }
}

/** The wrapper that runs in front of every function, as JavaScript. */
export async function wrapperCode(): Promise<string> {
  const { transform } = await import('esbuild')
  // A published package holds compiled files only.
  const typed = import.meta.url.endsWith('.ts')
  const file = new URL(typed ? './wrapper.worker.ts' : './wrapper.worker.js', import.meta.url)
  const { code } = await transform(await readFile(file, 'utf8'), { loader: typed ? 'ts' : 'js', format: 'esm' })
  return code
}

/** Ends esbuild's own process; a later bundle starts it again. */
export async function stopBundling(): Promise<void> {
  const { stop } = await import('esbuild')
  await stop()
}

type Built =
  | { readonly kind: 'code'; readonly code: string; readonly sourceMap: string; readonly files: readonly string[] }
  | { readonly kind: 'broken'; readonly failure: string; readonly files: readonly string[] }

async function build(folder: FunctionFolder, root: string): Promise<Built> {
  try {
    return await run(folder, root)
  } catch (error) {
    if (isBuildFailure(error)) return inWords(error.errors, root)
  }
  // Not the function's mistake: esbuild's own process may have been killed. Only stopping it makes it start again.
  try {
    await stopBundling()
    return await run(folder, root)
  } catch (error) {
    if (isBuildFailure(error)) return inWords(error.errors, root)
    return { kind: 'broken', failure: `esbuild: ${error instanceof Error ? error.message : error}`, files: [] }
  }
}

async function run({ entry }: FunctionFolder, root: string): Promise<Built> {
  const { build } = await import('esbuild')
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: join(root, 'function.js'),
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2024',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'browser'],
    external: ['node:*'],
    sourcemap: 'external',
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'silent',
  })
  const textOf = (suffix: string): string => outputFiles.find(({ path }) => path.endsWith(suffix))?.text ?? ''
  const files = ownFiles(Object.keys(metafile.inputs), root)
  return { kind: 'code', code: textOf('function.js'), sourceMap: textOf('function.js.map'), files }
}

function isBuildFailure(error: unknown): error is { readonly errors: readonly Message[] } {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors)
}

function inWords(errors: readonly Message[], root: string): Built {
  const problems = errors.map(({ text, location }) => {
    const missing = /^Could not resolve "([^"./][^"]*)"$/.exec(text)?.[1]
    const words = missing === undefined ? text : `${text}; is the package installed, beside the function or above it?`
    // esbuild counts columns from 0, editors from 1.
    return location === null ? words : `${location.file}:${location.line}:${location.column + 1} ${words}`
  })
  const files = errors.flatMap(({ location }) => (location === null ? [] : [location.file]))
  return { kind: 'broken', failure: several(problems), files: ownFiles(files, root) }
}

function several(problems: readonly string[]): string {
  const [first = 'unknown problem', ...rest] = problems
  return rest.length === 0 ? first : `${first} (and ${rest.length} more)`
}

function ownFiles(files: readonly string[], root: string): string[] {
  return files.filter((file) => !/(^|[\\/])node_modules[\\/]/.test(file)).map((file) => join(root, file))
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return (await stat(file)).isFile() ? await readFile(file, 'utf8') : undefined
  } catch {
    return undefined
  }
}
