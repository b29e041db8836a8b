/**
 * The architecture of `router/` as a function: which folder may import which, and what a file may be called.
 *
 * Sources are read with a real parser, so that a type import, a dynamic import, a re-export or a worker counts
 * and a string or comment that looks like one does not.
 */
import { posix } from 'node:path'
import { parseAst } from 'vitest/node'

/** Everything the architecture forbids in these files (path from the repository's root → text), one sentence each. */
export function violations(files: ReadonlyMap<string, string>): string[] {
  const imports = new Map([...files].map(([file, text]) => [file, importsOf(text)]))
  const paths = new Set(files.keys())
  return [
    ...[...files.keys()].flatMap(nameViolations),
    ...[...imports].flatMap(([file, found]) => found.flatMap((one) => importViolations(file, one, paths))),
    ...cycles(imports),
  ]
}

const FOUNDATION = ['kernel', 'model']
const READING = [...FOUNDATION, 'yaml']
const PARTS = ['config', 'discovery', 'dataplane', 'state', 'functions']
const CATALOGUE = [...FOUNDATION, ...PARTS, 'catalogue']
const COMPILE = [...CATALOGUE, 'compile']
const SHIFT = [...COMPILE, 'shift']
const BESIDE = ['publish', 'telemetry']
const ADMIN = [...SHIFT, ...BESIDE, 'admin']
const CONTROL = [...ADMIN, 'control']

/** Folder or root file of `router/` → the other ones it may import. A new folder is added here on purpose. */
export const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  model: ['kernel'],
  yaml: ['kernel'],
  config: [...READING, 'schema'],
  // What policies and sources may be written as: it stands beside each of them but is config's, so that those who serve
  // stay without it.
  schema: [...FOUNDATION, 'config', 'dataplane', 'discovery'],
  discovery: FOUNDATION,
  dataplane: FOUNDATION,
  state: FOUNDATION,
  functions: READING,
  publish: FOUNDATION,
  telemetry: ['kernel'],
  catalogue: CATALOGUE,
  compile: COMPILE,
  shift: SHIFT,
  admin: ADMIN,
  control: ADMIN,
  console: CONTROL,
  // `up` becomes the supervisor.
  cli: [...CONTROL, 'supervisor'],
  main: [...CONTROL, 'console', 'cli'],
  supervisor: [...FOUNDATION, 'telemetry'],
}

/** Areas that load these packages and no others: what is on every request's path, or in every process, stays light. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  model: [],
  dataplane: ['re2js'],
  supervisor: [],
}

/** Words that say nothing about what a file does, as whole words of its name. */
const EMPTY_WORDS = ['manager', 'helper', 'util', 'utils', 'helpers', 'managers']

type Import = {
  /** undefined where it is computed. */
  readonly specifier: string | undefined
  readonly line: number
  /** False for types alone, which are gone at run time. */
  readonly loads: boolean
}

function nameViolations(file: string): string[] {
  const words = posix.basename(file).split(/[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])/)
  return words
    .filter((word) => EMPTY_WORDS.includes(word.toLowerCase()))
    .map((word) => `${file}: "${word}" says nothing; name the file after what it does`)
}

function importViolations(file: string, { specifier, line }: Import, paths: ReadonlySet<string>): string[] {
  const place = `${file}:${line}`
  if (specifier === undefined) return [`${place}: import() of a computed name cannot be checked; write the name out`]
  const area = areaOf(file)
  const allowed = ALLOWED[area]
  if (allowed === undefined) return [`${place}: "${area}" is not in the import table; add it to test/architecture.ts`]
  if (!specifier.startsWith('.')) return packageViolations(place, area, specifier)

  const written = posix.join(posix.dirname(file), specifier)
  const imported = paths.has(`${written}.ts`) ? `${written}.ts` : written
  if (!paths.has(imported)) return [`${place}: "${specifier}" is no source file of router/`]
  const other = areaOf(imported)
  if (other === area || allowed.includes(other)) return []
  return [`${place}: ${area} imports ${other} ("${specifier}"); it may import ${list(allowed)}`]
}

function packageViolations(place: string, area: string, specifier: string): string[] {
  const packages = PACKAGES[area]
  if (packages === undefined || specifier.startsWith('node:')) return []
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  if (packages.includes(name)) return []
  return [`${place}: ${area} loads the package "${name}"; it may load ${list(packages)}`]
}

/** `router/config/load.ts` → config; `router/main.ts` → main; the schema of a plug-in is an area of its own. */
function areaOf(file: string): string {
  if (PLUG_IN_SCHEMA.test(file)) return 'schema'
  return (file.split('/')[1] ?? '').replace(/\.ts$/, '')
}

const PLUG_IN_SCHEMA = /^router\/(?:dataplane\/policies|discovery\/(?:detectors|sources))\/(?:.+[/-])?schemas?\.ts$/

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ')
}

/** Each cycle of files once. A type import loads nothing and closes no cycle: a registry and its kinds name each other. */
function cycles(imports: ReadonlyMap<string, readonly Import[]>): string[] {
  const finished = new Set<string>()
  const found: string[] = []
  const visit = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file)
    if (start >= 0) found.push(`${[...trail.slice(start), file].join(' → ')}: files import each other in a cycle`)
    if (start >= 0 || finished.has(file)) return
    for (const { specifier, loads } of imports.get(file) ?? []) {
      if (loads && specifier?.startsWith('.')) visit(posix.join(posix.dirname(file), specifier), [...trail, file])
    }
    finished.add(file)
  }
  for (const file of imports.keys()) visit(file, [])
  return found
}

/** Every module a source text names: static, type-only, re-exported, dynamic, `import('…').Type`, and workers. */
export function importsOf(text: string): Import[] {
  const found: Import[] = []
  visitNodes(parseAst(text, { lang: 'ts' }), (node) => {
    const source = sourceOf(node)
    if (source === undefined) return
    const line = text.slice(0, typeof node.start === 'number' ? node.start : 0).split('\n').length
    found.push({ specifier: literal(source), line, loads: !isTypeOnly(node) })
  })
  return found
}

type Node = { readonly type: string; readonly [key: string]: unknown }

function visitNodes(value: unknown, see: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const one of value) visitNodes(one, see)
  } else if (typeof value === 'object' && value !== null) {
    if (isNode(value)) see(value)
    for (const one of Object.values(value)) visitNodes(one, see)
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** The expression that names the module, where this node loads one. */
function sourceOf(node: Node): unknown {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return node.source ?? undefined
    case 'TSExternalModuleReference':
      return node.expression
    case 'CallExpression':
      return isNamed(node.callee, 'require') ? argument(node) : undefined
    case 'NewExpression':
      return isNamed(node.callee, 'Worker') ? workerSource(argument(node)) : undefined
    default:
      return undefined
  }
}

function isTypeOnly({ type, importKind, exportKind }: Node): boolean {
  return type === 'TSImportType' || importKind === 'type' || exportKind === 'type'
}

/** A thread's module: `new Worker(moduleFile(import.meta.url, './x'))` or `new Worker(new URL('./x.ts', import.meta.url))`. */
function workerSource(value: unknown): unknown {
  if (!isNode(value)) return undefined
  if (value.type === 'CallExpression' && isNamed(value.callee, 'moduleFile')) return argument(value, 1)
  return value.type === 'NewExpression' && isNamed(value.callee, 'URL') ? argument(value) : undefined
}

function isNamed(value: unknown, name: string): boolean {
  return isNode(value) && value.type === 'Identifier' && value.name === name
}

function argument(node: Node, index = 0): unknown {
  return Array.isArray(node.arguments) ? node.arguments[index] : undefined
}

/** The text of a string, or of a template without parts; undefined for anything computed. */
function literal(value: unknown): string | undefined {
  if (!isNode(value)) return undefined
  if (value.type === 'Literal' && typeof value.value === 'string') return value.value
  const quasis = value.quasis
  if (value.type !== 'TemplateLiteral' || !Array.isArray(quasis) || quasis.length !== 1) return undefined
  const [quasi]: unknown[] = quasis
  const content = isNode(quasi) ? quasi.value : undefined
  return typeof content === 'object' && content !== null && 'cooked' in content && typeof content.cooked === 'string'
    ? content.cooked
    : undefined
}
