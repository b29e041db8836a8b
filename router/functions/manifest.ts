import { routesProblem } from './routes.ts'

/** What function.yaml says, with the environment filled in. Values of `env` may be secrets: never log them. */
export type Manifest = {
  readonly env: Readonly<Record<string, string>>
  readonly routes: readonly string[] | undefined
}

/** Environment variables of the router by name. */
export type Environment = Readonly<Record<string, string | undefined>>

export type DecodedManifest =
  | { readonly kind: 'manifest'; readonly manifest: Manifest }
  /** Every problem, each `file:line:column message`; never with a value from the environment. */
  | { readonly kind: 'broken'; readonly problems: readonly string[] }

export const EMPTY_MANIFEST: Manifest = { env: {}, routes: undefined }

/**
 * Reads function.yaml strictly: `env` (names to strings; `${NAME}` and `${NAME:-default}` are filled in from the
 * router's environment, `$${` stands for `${`) and `routes`. `file` is its name in messages.
 */
export async function decodeManifest(text: string, file: string, environment: Environment): Promise<DecodedManifest> {
  const { value, problems, report } = await readYaml(text, file)
  if (problems.length > 0) return { kind: 'broken', problems }
  if (value === null || value === undefined) return { kind: 'manifest', manifest: EMPTY_MANIFEST }
  if (!isRecord(value)) {
    report([], 'expected a map with the keys env and routes')
    return { kind: 'broken', problems }
  }
  for (const key of Object.keys(value)) if (key !== 'env' && key !== 'routes') report([key], unknownKey(key))
  const env = decodeEnv(value.env, environment, report)
  const routes = decodeRoutes(value.routes, report)
  return problems.length > 0 ? { kind: 'broken', problems } : { kind: 'manifest', manifest: { env, routes } }
}

type Report = (path: readonly string[], message: string) => void

// Loaded when used: a start without functions needs no second YAML parser.
async function readYaml(text: string, file: string): Promise<{ value: unknown; problems: string[]; report: Report }> {
  const { isMap, isScalar, LineCounter, parseDocument } = await import('yaml')
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, logLevel: 'silent' })
  const problems: string[] = []
  const add = (offset: number, message: string): void => {
    const { line, col } = lines.linePos(offset)
    problems.push(`${file}:${line}:${col} ${message}`)
  }
  // Where the last key of the path stands.
  const report: Report = (path, message) => {
    const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents
    const pairs = isMap(parent) ? parent.items : []
    const key = pairs.map((pair) => pair.key).find((one) => isScalar(one) && String(one.value) === path.at(-1))
    add((isScalar(key) ? key.range?.[0] : undefined) ?? document.contents?.range?.[0] ?? 0, message)
  }
  for (const error of document.errors) add(error.pos[0], error.message.replace(/ at line \d[\s\S]*$/, ''))
  try {
    return { value: problems.length > 0 ? undefined : document.toJS({ maxAliasCount: 20 }), problems, report }
  } catch (error) {
    add(0, error instanceof Error ? error.message : String(error))
    return { value: undefined, problems, report }
  }
}

function decodeEnv(value: unknown, environment: Environment, report: Report): Record<string, string> {
  const env: Record<string, string> = {}
  if (value === undefined || value === null) return env
  if (!isRecord(value)) report(['env'], 'env: expected a map of names to strings')
  else {
    for (const [name, written] of Object.entries(value)) {
      const problem = nameProblem(name) ?? valueProblem(written)
      if (problem !== undefined || typeof written !== 'string') {
        report(['env', name], `env.${name}: ${problem}`)
        continue
      }
      const expanded = expand(written, environment)
      if (expanded.problem === undefined) env[name] = expanded.value
      else report(['env', name], `env.${name}: ${expanded.problem}`)
    }
  }
  return env
}

function decodeRoutes(value: unknown, report: Report): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined
  const problem = routesProblem(value)
  if (problem !== undefined) report(['routes'], problem)
  return Array.isArray(value) ? value.map(String) : undefined
}

const LATER_KEYS = ['memory', 'network', 'secrets', 'target', 'targets', 'timeout']

function unknownKey(key: string): string {
  const reason = LATER_KEYS.includes(key) ? 'is not in this version' : 'is unknown'
  return `${key}: this key ${reason}; remove it (known: env, routes)`
}

function nameProblem(name: string): string | undefined {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? undefined : 'expected a name of letters, digits and _'
}

// A number or boolean is not turned into text silently: `012` and `yes` would arrive as something else.
function valueProblem(written: unknown): string | undefined {
  if (typeof written !== 'string') return 'expected a string; put the value in quotes'
  if (written.startsWith('file:')) {
    return 'file: references are not in this version; put the value in an environment variable and refer to that'
  }
  return undefined
}

const REFERENCE = /\$\$\{|\$\{([^}]*)\}?/g
const INNER = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s

// As in banyan.yaml: the default is taken where the variable is unset or empty, as in a shell.
function expand(written: string, environment: Environment): { value: string; problem?: string } {
  let problem: string | undefined
  const value = written.replace(REFERENCE, (reference: string, inner: string | undefined) => {
    if (inner === undefined) return '${'
    const match = reference.endsWith('}') ? INNER.exec(inner) : null
    const name = match?.[1]
    if (name === undefined) {
      problem ??= `${reference} is not an environment reference; write \${NAME} or \${NAME:-default}`
      return ''
    }
    const fallback = match?.[2]
    const found = Object.hasOwn(environment, name) ? environment[name] : undefined
    if (found !== undefined && (found !== '' || fallback === undefined)) return found
    if (fallback === undefined) {
      problem ??= `environment variable ${name} is not set; set it, or give a default: \${${name}:-…}`
    }
    return fallback ?? ''
  })
  return problem === undefined ? { value } : { value, problem }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
