import type { Joined } from './joined.ts'
import type { Load, LoadOptions } from './load.ts'
import type { Stage } from './stage.ts'

/** Something that goes wrong while clients ask, and what they may notice of it. */
export type Scenario = {
  readonly name: string
  readonly load: Omit<LoadOptions, 'port'>
  /** Does the harm, for about so many seconds; `load` is what the clients have noted so far. */
  harm(stage: Stage, seconds: number, load: Load): Promise<void>
  /** What promises.md forbids, in words; none: it was kept. */
  broken(joined: Joined): readonly string[]
}

/** Nothing at all is lost, doubled or answered with an error. */
export function nothingNoticed(joined: Joined): readonly string[] {
  const { requests, ok } = joined
  return [...never(joined), ...(ok === requests ? [] : [`${requests - ok} of ${requests} requests were not served`])]
}

/** What no harm excuses. */
export function never(joined: Joined, lost = 0): readonly string[] {
  const problems: string[] = []
  if (joined.ok < 20) problems.push(`only ${joined.ok} requests were served: nothing was shown`)
  if (joined.lost.length > lost) problems.push(`${joined.lost.length} requests lost, at most ${lost} may be`)
  if (joined.noted.some(({ outcome }) => outcome === 'wrong')) problems.push('an answer was whole and wrong')
  if (joined.doubled.length > 0) problems.push(`executed twice: ${joined.doubled.join(', ')}`)
  if (joined.unseen.length > 0) problems.push(`answered and never asked: ${joined.unseen.join(', ')}`)
  return problems
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
