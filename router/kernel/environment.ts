/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What became of a text with references; `problem` never shows a value. */
export type Expanded = {
  readonly value: string
  /** Something in it came from the environment, so that it must not be shown. */
  readonly substituted: boolean
  readonly problem?: { readonly code: string; readonly message: string; readonly hint: string }
}

/**
 * Fills `${NAME}` and `${NAME:-default}` into a text; `$${` stands for `${`. The default is taken where the variable
 * is unset or empty, as in a shell.
 */
export function expandEnvironment(written: string, environment: Environment): Expanded {
  let substituted = false
  let problem: Expanded['problem']
  const value = written.replace(REFERENCE, (reference: string, inner: string | undefined) => {
    if (inner === undefined) return '${'
    const match = reference.endsWith('}') ? INNER.exec(inner) : null
    const name = match?.[1]
    if (name === undefined) {
      problem ??= {
        code: 'bad-environment-reference',
        message: `${reference} is not an environment reference`,
        hint: `write \${NAME} or \${NAME:-default}; $\${ stands for \${ itself`,
      }
      return reference
    }
    substituted = true
    const fallback = match?.[2]
    const found = Object.hasOwn(environment, name) ? environment[name] : undefined
    if (found !== undefined && (found !== '' || fallback === undefined)) return found
    if (fallback !== undefined) return fallback
    problem ??= {
      code: 'unset-variable',
      message: `environment variable ${name} is not set`,
      hint: `set it, or give a default: \${${name}:-…}`,
    }
    return ''
  })
  return problem === undefined ? { value, substituted } : { value, substituted, problem }
}

const REFERENCE = /\$\$\{|\$\{([^}]*)\}?/g
const INNER = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s
