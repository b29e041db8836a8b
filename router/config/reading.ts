import type { z } from 'zod'
import type { CertificateFiles } from '../kernel/tls/credentials.ts'
import type { Diagnostic, Position } from '../model/diagnostic.ts'
import { lineOf, lineStarts } from '../yaml/lines.ts'
import type { YamlMap, YamlNode } from '../yaml/read.ts'
import type { YamlProblem } from '../yaml/syntax.ts'
import { laterRemedy } from './later.ts'
import { nearest, suggest } from './suggest.ts'
import type { Refusal } from './values.ts'

/** A place in the document: `['routes', 2, 'to']`. */
export type Path = readonly (string | number)[]

/** Something wrong at a place in the document. */
export type Problem = {
  readonly severity?: Diagnostic['severity']
  readonly code: string
  readonly path: Path
  readonly message: string
  readonly hint?: string | undefined
  /** Points at the key instead of its value. */
  readonly atKey?: boolean
}

/** Files that TLS needs. What is wrong with them is the world's, so whoever decodes does not look at them. */
export type TlsFiles =
  | { readonly kind: 'pair'; readonly files: CertificateFiles }
  | { readonly kind: 'authorities'; readonly file: string }

/** With where the document names them. */
export type TlsFilesAt = TlsFiles & { readonly at: Position; readonly path: string }

const MAX_LISTED = 1_000

/**
 * One document being decoded: knows where everything stands, collects what is wrong with it, and keeps values
 * that came from the environment out of the messages.
 */
export class Reading {
  readonly diagnostics: Diagnostic[] = []
  readonly tlsFiles: TlsFilesAt[] = []
  readonly file: string
  readonly root: YamlMap
  readonly #lines: readonly number[]
  #broken: ReadonlyMap<number, Path> | undefined
  #errors = 0
  #warnings = 0
  readonly #knownKeys: (path: Path) => readonly string[]

  constructor(file: string, text: string, root: YamlMap, knownKeys: (path: Path) => readonly string[]) {
    this.file = file
    this.root = root
    this.#lines = lineStarts(text)
    this.#knownKeys = knownKeys
  }

  /** Errors so far; any refuses the file. */
  get errors(): number {
    return this.#errors
  }

  /** Nothing more need be looked at: a file with so many errors is the wrong file, and must not hold the router up. */
  get full(): boolean {
    return this.#errors >= MAX_LISTED
  }

  position(offset: number): Position {
    const line = lineOf(this.#lines, offset)
    return { file: this.file, line: line + 1, column: offset - (this.#lines[line] ?? 0) + 1 }
  }

  nodeAt(path: Path): YamlNode | undefined {
    let node: YamlNode | undefined = this.root
    for (const part of path) {
      if (node?.kind === 'map' && typeof part === 'string') node = node.entries.get(part)?.node
      else if (node?.kind === 'list' && typeof part === 'number') node = node.items[part]
      else return undefined
    }
    return node
  }

  /** Where a place is shown: a single value itself, the key of a list or map, the parent of what is missing. */
  positionAt(path: Path, atKey = false): Position {
    const node = this.nodeAt(path)
    if (node === undefined) return path.length === 0 ? this.position(0) : this.positionAt(path.slice(0, -1))
    if (node.kind === 'scalar' && !atKey) return this.position(node.offset)
    const parent = this.nodeAt(path.slice(0, -1))
    const key = path.at(-1)
    const entry = parent?.kind === 'map' && typeof key === 'string' ? parent.entries.get(key) : undefined
    return this.position(entry?.keyOffset ?? node.offset)
  }

  /** The value as a message may show it: as written, so that nothing from the environment leaks. */
  shown(path: Path): string {
    const node = this.nodeAt(path)
    if (node === undefined) return 'nothing'
    if (node.kind !== 'scalar') return node.kind === 'list' ? 'a list' : 'a map'
    if (node.value === null) return 'nothing'
    return typeof node.value === 'string' ? `"${shortened(node.written)}"` : node.written
  }

  /** Whether anything at or below a place came from the environment: then its values must not be shown. */
  hides(path: Path): boolean {
    const node = this.nodeAt(path)
    return node !== undefined && holdsEnvironment(node)
  }

  /** The text at a place where it can be read as such: what references are checked on. */
  textAt(path: Path): string | undefined {
    const node = this.nodeAt(path)
    return node?.kind === 'scalar' && !node.broken && typeof node.value === 'string' ? node.value : undefined
  }

  /** Reports what is wrong with the text itself, with its path where it stands in a value. */
  reportText({ code, offset, message, hint }: YamlProblem): void {
    this.#broken ??= new Map(brokenPlaces(this.root, []))
    this.#add('error', { code, message, hint, path: this.#broken.get(offset) ?? [] }, () => this.position(offset))
  }

  report(problem: Problem): void {
    const node = this.nodeAt(problem.path)
    if (node?.kind === 'scalar' && node.broken) return
    this.#add(problem.severity ?? 'error', problem, () => this.positionAt(problem.path, problem.atKey))
  }

  #add(severity: Diagnostic['severity'], { code, path, message, hint }: Problem, at: () => Position): void {
    if (severity === 'error' ? this.full : ++this.#warnings > MAX_LISTED) return
    if (severity === 'error') this.#errors++
    this.diagnostics.push({
      severity,
      code,
      message,
      ...(hint === undefined ? {} : { hint }),
      at: at(),
      ...(path.length === 0 ? {} : { path: pathText(path) }),
    })
  }

  /** Notes files that the document names at a place. */
  needsFiles(files: TlsFiles, path: Path): void {
    this.tlsFiles.push({ ...files, at: this.positionAt(path), path: pathText(path) })
  }

  /** The decoded value at a place; where it is wrong, everything wrong with it is reported. */
  decode<S extends z.ZodType>(schema: S, path: Path): z.output<S> | undefined {
    const value = this.nodeAt(path)?.value
    const result = schema.safeParse(value)
    if (result.success) return result.data
    for (const issue of result.error.issues) this.#issue(issue, path)
    return undefined
  }

  /** Says that a key is not known here, or not yet. */
  unknownKey(path: Path, key: string): void {
    const remedy = laterRemedy(path, key)
    if (remedy !== undefined) {
      const message = `"${key}" is not in this version`
      this.report({ code: 'not-in-this-version', path: [...path, key], message, hint: remedy, atKey: true })
      return
    }
    const message = `unknown key "${shortened(key)}"`
    const hint = this.full ? undefined : suggest(key, this.#knownKeys(path))
    this.report({ code: 'unknown-key', path: [...path, key], message, hint, atKey: true })
  }

  #issue(issue: z.core.$ZodIssue, base: Path): void {
    const path = [...base, ...issue.path.filter((part) => typeof part !== 'symbol')]
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) this.unknownKey(path, key)
      return
    }
    if (issue.code === 'invalid_union') {
      const branch = meantBranch(issue.errors)
      if (branch !== undefined) {
        for (const inner of branch) this.#issue(inner, path)
        return
      }
    }
    if (this.nodeAt(path) === undefined) {
      this.report({ code: 'missing-key', path, message: `is missing; must be ${issue.message}` })
      return
    }
    const refusal: Refusal = issue.code === 'custom' ? (issue.params ?? {}) : {}
    const detail = refusal.detail === undefined || this.hides(path) ? '' : `: ${refusal.detail}`
    const message = refusal.message ?? `must be ${issue.message}, got ${this.shown(path)}`
    const hint = refusal.hint ?? this.#nearWord(issue, path)
    const code = refusal.code ?? 'wrong-value'
    this.report({ code, path, message: message + detail, hint, atKey: refusal.atKey ?? false })
  }

  #nearWord(issue: z.core.$ZodIssue, path: Path): string | undefined {
    const word = this.textAt(path)
    if (issue.code !== 'invalid_value' || word === undefined || this.hides(path)) return undefined
    const near = nearest(word, issue.values.map(String))
    return near === undefined ? undefined : `did you mean "${near}"?`
  }
}

/** `routes[2].to`; names that would be unclear are quoted: `upstreams["a.b"].url`. */
function pathText(path: Path): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else if (/^[\w-]+$/.test(part)) text += text === '' ? part : `.${part}`
    else text += `[${JSON.stringify(shortened(part))}]`
  }
  return text
}

/** Of a union's branches the one whose kind of value was written, if it is clear which that is. */
function meantBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  // A branch that has nothing to say but of what is inside the value is meant before one that refuses all of it.
  const inside = branches.filter((issues) => issues.every(isInside))
  if (inside.length === 1) return inside[0]
  const fitting = branches.filter(
    (issues) => !issues.some((issue) => issue.path.length === 0 && issue.code === 'invalid_type'),
  )
  return fitting.length === 1 ? fitting[0] : undefined
}

function isInside(issue: z.core.$ZodIssue): boolean {
  return issue.path.length > 0 || issue.code === 'unrecognized_keys'
}

function holdsEnvironment(node: YamlNode): boolean {
  if (node.kind === 'scalar') return node.substituted
  if (node.kind === 'list') return node.items.some(holdsEnvironment)
  return node.entries.values().some((entry) => holdsEnvironment(entry.node))
}

/** Paths of the values that could not be read, by offset. */
function* brokenPlaces(node: YamlNode, path: Path): Generator<readonly [offset: number, path: Path]> {
  if (node.kind === 'scalar') {
    if (node.broken) yield [node.offset, path]
  } else if (node.kind === 'list') {
    for (const [index, item] of node.items.entries()) yield* brokenPlaces(item, [...path, index])
  } else {
    for (const [key, entry] of node.entries) yield* brokenPlaces(entry.node, [...path, key])
  }
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length <= 80 ? line : `${line.slice(0, 79)}…`
}
