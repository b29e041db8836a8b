/** Methods and patterns that one alternative of a predicate asks for; no methods: any. */
export type Conditions = { readonly methods: readonly string[]; readonly patterns: readonly string[] }

/**
 * The alternatives of a router function's predicate, in the text that Spring prints:
 *
 *   ((GET && /owners/{id}) && Accept: application/json)     (/a || (POST && /b))     ([GET, PUT] && !?draft)
 *
 * What is negated, and conditions on anything but method and path, narrow nothing here.
 */
export function alternativesOf(predicate: string): readonly Conditions[] {
  return either({ tokens: tokensOf(predicate), at: 0 }, 0).filter(({ patterns }) => patterns.length > 0)
}

/** Parentheses, `!`, `&&`, `||`, and the conditions between them as they stand. */
function tokensOf(predicate: string): readonly string[] {
  const tokens: string[] = []
  let condition = ''
  // A pattern may hold any of these signs within its braces: `/{id:(?:a||b)}`.
  let braces = 0
  const end = (...more: readonly string[]) => {
    if (condition.trim() !== '') tokens.push(condition.trim())
    condition = ''
    tokens.push(...more)
  }
  for (let index = 0; index < predicate.length; index++) {
    const sign = predicate.charAt(index)
    const pair = predicate.slice(index, index + 2)
    if (sign === '{') braces += 1
    if (sign === '}') braces -= 1
    if (braces > 0) condition += sign
    else if (pair === '&&' || pair === '||') {
      end(pair)
      index += 1
    } else if (sign === '(' || sign === ')' || (sign === '!' && condition.trim() === '')) end(sign)
    else condition += sign
  }
  end()
  return tokens
}

type Reader = { readonly tokens: readonly string[]; at: number }

const MAX_DEPTH = 50
const MAX_ALTERNATIVES = 500
const ALWAYS: Conditions = { methods: [], patterns: [] }

function either(reader: Reader, depth: number): readonly Conditions[] {
  let found = both(reader, depth)
  while (reader.tokens[reader.at] === '||') {
    reader.at += 1
    found = [...found, ...both(reader, depth)].slice(0, MAX_ALTERNATIVES)
  }
  return found
}

function both(reader: Reader, depth: number): readonly Conditions[] {
  let found = one(reader, depth)
  while (reader.tokens[reader.at] === '&&') {
    reader.at += 1
    const others = one(reader, depth)
    found = found.flatMap((left) => others.map((right) => joined(left, right))).slice(0, MAX_ALTERNATIVES)
  }
  return found
}

function one(reader: Reader, depth: number): readonly Conditions[] {
  const token = reader.tokens[reader.at]
  reader.at += 1
  if (token === undefined || depth > MAX_DEPTH) return [ALWAYS]
  if (token === '!') {
    one(reader, depth + 1)
    return [ALWAYS]
  }
  if (token === '(') {
    const inside = either(reader, depth + 1)
    if (reader.tokens[reader.at] === ')') reader.at += 1
    return inside
  }
  if (token.startsWith('/')) return [{ methods: [], patterns: [token] }]
  const methods = token.replace(/^\[|\]$/g, '').split(/,\s*/)
  return methods.every((method) => METHODS.has(method)) ? [{ methods, patterns: [] }] : [ALWAYS]
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Of two lists of methods both must hold; of two paths, which no table of ours can say, the later counts. */
function joined(left: Conditions, right: Conditions): Conditions {
  const shared = left.methods.filter((method) => right.methods.includes(method))
  const methods = left.methods.length === 0 ? right.methods : right.methods.length === 0 ? left.methods : shared
  return { methods, patterns: [...left.patterns, ...right.patterns].slice(-1) }
}
