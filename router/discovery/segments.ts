/** Splits a path at the slashes outside braces: `/{date:[0-9]{4}/[0-9]{2}}/x` has two segments. */
export function segmentsOf(path: string): string[] {
  const segments: string[] = []
  let depth = 0
  let start = path.startsWith('/') ? 1 : 0
  for (let index = start; index < path.length; index++) {
    const character = path[index]
    if (character === '\\') index += 1
    else if (character === '{') depth += 1
    else if (character === '}') depth -= 1
    else if (character === '/' && depth <= 0) {
      segments.push(path.slice(start, index))
      start = index + 1
    }
  }
  segments.push(path.slice(start))
  return segments
}

/** Replaces each outermost `{…}` of a segment by what `replace` makes of its inside; undefined: braces do not pair. */
export function replaceBraces(segment: string, replace: (inside: string) => string): string | undefined {
  let result = ''
  let depth = 0
  let start = 0
  for (let index = 0; index < segment.length; index++) {
    const character = segment[index]
    // Inside a pattern a backslash takes the next character's meaning: `{id:\{[0-9]+}`.
    if (character === '\\' && depth > 0) index += 1
    else if (character === '{') {
      if (depth === 0) {
        result += segment.slice(start, index)
        start = index + 1
      }
      depth += 1
    } else if (character === '}') {
      depth -= 1
      if (depth < 0) return undefined
      if (depth === 0) {
        result += replace(segment.slice(start, index))
        start = index + 1
      }
    }
  }
  return depth === 0 ? result + segment.slice(start) : undefined
}

/** A parameter as our templates write it; characters that mean something in a template are left out of the name. */
export function parameter(name: string): string {
  return `{${name.replace(/[^\w.-]+/g, '') || 'value'}}`
}

/** Segments back to a path: `/` for none. */
export function pathOf(segments: readonly string[]): string {
  return `/${segments.filter((segment) => segment !== '').join('/')}`
}
