import { parameter, pathOf, replaceBraces, segmentsOf } from '../../segments.ts'

/**
 * Our template for a path of a description. Besides `{id}` it takes what is found in the wild: RFC 6570 operators
 * (`{?page}`, `{;v}` and `{#part}` are no part of a path; `{+path}` at the end may span segments), patterns
 * (`{id:[0-9]+}`), Express parameters (`:id`), a query or fragment behind the path. Undefined: braces do not pair.
 */
export function templateOfPath(path: string): string | undefined {
  const segments = segmentsOf(withoutQuery(path))
  const written = segments.map((segment, index) => templateSegment(segment, index === segments.length - 1))
  return written.includes(undefined) ? undefined : pathOf(written.filter((segment) => segment !== undefined))
}

// A `?` inside braces is an operator of a URI template, outside it begins the query.
function withoutQuery(path: string): string {
  let depth = 0
  for (let index = 0; index < path.length; index++) {
    const character = path[index]
    if (character === '{') depth += 1
    else if (character === '}') depth -= 1
    else if (depth === 0 && (character === '?' || character === '#')) return path.slice(0, index)
  }
  return path
}

function templateSegment(segment: string, last: boolean): string | undefined {
  if (/^:[A-Za-z_]\w*$/.test(segment)) return parameter(segment.slice(1))
  if (last && (segment === '**' || /^\{\+[^}]*\}$/.test(segment))) return '**'
  if (segment === '*') return '*'
  const replaced = replaceBraces(segment, expression)
  return replaced?.replaceAll(/\*+/g, '{any}')
}

function expression(inside: string): string {
  const [, operator = '', names = ''] = /^([+#./;?&]?)(.*)$/s.exec(inside) ?? []
  if ('#;?&'.includes(operator) && operator !== '') return ''
  const name = parameter(names.replace(/[:,*].*$/s, ''))
  return operator === '.' || operator === '/' ? `${operator}${name}` : name
}
