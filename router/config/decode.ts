import { createHash } from 'node:crypto'
import { type Environment, expandEnvironment } from '../kernel/environment.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Spec, UpstreamSpec } from '../model/spec.ts'
import { readYaml, type YamlNode } from '../yaml/read.ts'
import type { YamlProblem } from '../yaml/syntax.ts'
import { decodeListening } from './listening.ts'
import { Reading, type TlsFilesAt } from './reading.ts'
import { checkReferences } from './references.ts'
import { decodeRoutes } from './route.ts'
import { knownKeys } from './schema.ts'
import { decodeSettings } from './settings.ts'
import { decodeUpstreams } from './upstream.ts'

export type DecodeOptions = {
  /** Absolute path of the file: relative paths in it are relative to its folder. */
  readonly file: string
  readonly env: Environment
  /** Names of the folders below `functions:`, or how to list them; undefined: the folder cannot be read. */
  readonly functionNames?: readonly string[] | ((folder: string) => readonly string[] | undefined)
  /** What `processes: auto` means. */
  readonly cores: number
}

/** What a text says: a `spec` only where no diagnostic is an error. */
export type Decoded = {
  readonly spec?: Spec
  /** Where there are errors and every route could be decoded all the same: for finding ties, never to be served. */
  readonly draft?: Spec
  readonly diagnostics: readonly Diagnostic[]
  /** Files that TLS needs, which nobody has looked at yet; absent: none. */
  readonly tlsFiles?: readonly TlsFilesAt[]
}

/**
 * YAML → Spec. Never throws on any text, touches nothing but what `functionNames` does, and reports everything
 * that is wrong, in the order of the file:
 *
 *   text → nodes with positions, environment filled in → every key by its schema → rules between keys → names
 *
 * Values are decoded key by key and entry by entry, and names are looked up on what is written: so a wrong shape in
 * one place hides nothing in another.
 */
export function decodeSpec(text: string, options: DecodeOptions): Decoded {
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text
  const { root, problems } = readYaml(source, (written) => expandEnvironment(written, options.env))
  if (root?.kind !== 'map') {
    const empty = { kind: 'map', offset: 0, entries: new Map(), value: {} } as const
    const reading = new Reading(options.file, source, empty, knownKeys)
    for (const problem of problems.length > 0 ? problems : [notAMap(root)]) reading.reportText(problem)
    return { diagnostics: reading.diagnostics }
  }
  const reading = new Reading(options.file, source, root, knownKeys)
  for (const problem of problems) reading.reportText(problem)
  const known = new Set(knownKeys([]))
  for (const key of root.entries.keys()) if (!known.has(key)) reading.unknownKey([], key)
  const settings = decodeSettings(reading, options.cores)
  const listening = decodeListening(reading)
  const { upstreams, names } = decodeUpstreams(reading)
  const routes = decodeRoutes(reading)
  checkReferences(reading, names, settings, options.functionNames)
  const diagnostics = inOrder(reading.diagnostics)
  if (reading.full) return { diagnostics: [...diagnostics, MORE] }
  const fileHash = createHash('sha256').update(text).digest('hex')
  const spec: Spec = { file: options.file, fileHash, ...listening, ...settings, upstreams: byName(upstreams), routes }
  if (reading.errors === 0) return { spec: frozen(spec), diagnostics, tlsFiles: reading.tlsFiles }
  // With a route missing the others would be counted wrongly.
  return routes.length === routeCount(reading) ? { draft: spec, diagnostics } : { diagnostics }
}

const MORE: Diagnostic = { severity: 'error', code: 'more-problems', message: 'there is more, not listed' }

function notAMap(root: YamlNode | undefined): YamlProblem {
  const empty = root === undefined || root.value === null
  const got = root?.kind === 'list' ? 'a list' : 'one value'
  const message = empty ? 'the file is empty' : `the file must be a map of keys, got ${got}`
  return { code: 'no-map', offset: 0, message, hint: 'write upstreams: and routes:, as docs/configuration.md shows' }
}

function routeCount(reading: Reading): number {
  const node = reading.nodeAt(['routes'])
  return node?.kind === 'list' ? node.items.length : 0
}

function inOrder(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return diagnostics.toSorted((left, right) => {
    const line = (left.at?.line ?? 0) - (right.at?.line ?? 0)
    return line === 0 ? (left.at?.column ?? 0) - (right.at?.column ?? 0) : line
  })
}

/** Order never matters in the file, so it must not in what is made of it. */
function byName(upstreams: readonly UpstreamSpec[]): readonly UpstreamSpec[] {
  return upstreams.toSorted((left, right) => (left.name < right.name ? -1 : 1))
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const item of Object.values(value)) frozen(item)
  return Object.freeze(value)
}
