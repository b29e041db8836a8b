import { type Environment, expandEnvironment } from '../kernel/environment.ts'
import { lineOf, lineStarts } from '../yaml/lines.ts'
import { readYaml, type YamlEntry } from '../yaml/read.ts'
import { routesProblem } from './routes.ts'

/** What function.yaml says, with the environment filled in. Values of `env` may be secrets: never log them. */
export type Manifest = {
  readonly env: Readonly<Record<string, string>>
  readonly routes: readonly string[] | undefined
}

export type DecodedManifest =
  | { readonly kind: 'manifest'; readonly manifest: Manifest }
  /** Every problem, each `file:line:column message`; never with a value from the environment. */
  | { readonly kind: 'broken'; readonly problems: readonly string[] }

export const EMPTY_MANIFEST: Manifest = { env: {}, routes: undefined }

/**
 * Reads function.yaml strictly: `env` (names to strings; `${NAME}` and `${NAME:-default}` are filled in from the
 * router's environment, `$${` stands for `${`) and `routes`. `file` is its name in messages.
 */
export function decodeManifest(text: string, file: string, environment: Environment): DecodedManifest {
  const lines = lineStarts(text)
  const problems: string[] = []
  const report: Report = (offset, message) => {
    const line = lineOf(lines, offset)
    problems.push(`${file}:${line + 1}:${offset - (lines[line] ?? 0) + 1} ${message}`)
  }
  // References are filled in below, where messages can name the variable they are for.
  const { root, problems: wrong } = readYaml(text, (value) => ({ value, substituted: false }))
  for (const { offset, message, hint } of wrong) report(offset, hint === undefined ? message : `${message}; ${hint}`)
  if (problems.length > 0) return { kind: 'broken', problems }
  if (root === undefined || root.value === null) return { kind: 'manifest', manifest: EMPTY_MANIFEST }
  if (root.kind !== 'map') {
    report(root.offset, 'expected a map with the keys env and routes')
    return { kind: 'broken', problems }
  }
  for (const [key, { keyOffset }] of root.entries) if (!KEYS.includes(key)) report(keyOffset, unknownKey(key))
  const env = decodeEnv(root.entries.get('env'), environment, report)
  const routes = decodeRoutes(root.entries.get('routes'), report)
  return problems.length > 0 ? { kind: 'broken', problems } : { kind: 'manifest', manifest: { env, routes } }
}

type Report = (offset: number, message: string) => void

function decodeEnv(entry: YamlEntry | undefined, environment: Environment, report: Report): Record<string, string> {
  const env: Record<string, string> = {}
  if (entry === undefined || entry.node.value === null) return env
  if (entry.node.kind !== 'map') {
    report(entry.keyOffset, 'env: expected a map of names to strings')
    return env
  }
  for (const [name, { keyOffset, node }] of entry.node.entries) {
    const problem = nameProblem(name) ?? valueProblem(node.value)
    const expanded = typeof node.value === 'string' ? expandEnvironment(node.value, environment) : undefined
    const wrong = problem ?? (expanded?.problem && `${expanded.problem.message}; ${expanded.problem.hint}`)
    if (wrong !== undefined) report(keyOffset, `env.${name}: ${wrong}`)
    else if (expanded !== undefined) env[name] = expanded.value
  }
  return env
}

function decodeRoutes(entry: YamlEntry | undefined, report: Report): readonly string[] | undefined {
  const value: unknown = entry?.node.value
  if (entry === undefined || value === null) return undefined
  const problem = routesProblem(value)
  if (problem !== undefined) report(entry.keyOffset, problem)
  return Array.isArray(value) ? value.map(String) : undefined
}

const KEYS = ['env', 'routes']
const LATER_KEYS = ['memory', 'network', 'secrets', 'target', 'targets', 'timeout']

function unknownKey(key: string): string {
  const reason = LATER_KEYS.includes(key) ? 'is not in this version' : 'is unknown'
  return `${key}: this key ${reason}; remove it (known: env, routes)`
}

function nameProblem(name: string): string | undefined {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? undefined : 'expected a name of letters, digits and _'
}

// A number or boolean is not turned into text silently: whoever reads it would not know which it was.
function valueProblem(written: unknown): string | undefined {
  if (typeof written !== 'string') return 'expected a string; put the value in quotes'
  if (written.startsWith('file:')) {
    return 'file: references are not in this version; put the value in an environment variable and refer to that'
  }
  return undefined
}
