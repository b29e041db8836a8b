/** How many names a hint lists before it only counts the rest. */
const LISTED = 12

/** `did you mean "vets"? known: clinic, vets`; undefined where nothing is known. */
export function suggest(written: string | undefined, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined
  const sorted = [...known].sort()
  const rest = sorted.length - LISTED
  const list = `known: ${sorted.slice(0, LISTED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
  const near = written === undefined ? undefined : nearest(written, sorted)
  return near === undefined ? list : `did you mean "${near}"? ${list}`
}

/** The known name that a typing slip would explain: at most a third of its letters differ. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const name of known) {
    const allowed = Math.max(1, Math.floor(Math.max(name.length, written.length) / 3))
    if (Math.abs(name.length - written.length) > allowed) continue
    const steps = editDistance(written.toLowerCase(), name.toLowerCase())
    if (steps <= allowed && steps < least) {
      best = name
      least = steps
    }
  }
  return best
}

/** Insertions, deletions, replacements and swaps of neighbours. */
function editDistance(left: string, right: string): number {
  let before: number[] = []
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1]
      let steps = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      )
      if (row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]) {
        steps = Math.min(steps, (before[column - 2] ?? 0) + 1)
      }
      current.push(steps)
    }
    before = previous
    previous = current
  }
  return previous[right.length] ?? 0
}
